"""An Optuna database into which `sweeps.report_round` wrote."""

from __future__ import annotations

from typing import Any, Literal

from sweeps.diagnosis.curve_files.records import table_of
from sweeps.diagnosis.curve_files.table import Table
from sweeps.errors import UsageError


def is_database(name: str) -> bool:
    """Whether a name is that of a database: a URL, or a SQLite file."""
    return "://" in name or name.endswith((".db", ".sqlite", ".sqlite3"))


def read_optuna(name: str) -> tuple[Table, Literal["maximize", "minimize"]]:
    """A row a trial and reported round, of all studies there, and which way the score is better. Raises UsageError."""
    import optuna

    from sweeps.pruning.pruner import stored_rounds

    url = name if "://" in name else f"sqlite:///{name}"
    try:
        studies = optuna.get_all_study_names(url)
        loaded = [optuna.load_study(study_name=each, storage=url) for each in studies]
    except Exception as error:  # noqa: BLE001 - of SQLAlchemy and every driver below it
        raise UsageError(
            f"{name}: can't be read as an Optuna database: {str(error).splitlines()[0]}"
        ) from None
    records: list[dict[str, Any]] = []
    directions = set()
    for study in loaded:
        for trial in study.get_trials(deepcopy=False):
            trial_name = str(trial.number) if len(loaded) == 1 else f"{study.study_name}/{trial.number}"
            rounds = stored_rounds(trial.user_attrs)
            records += [{"trial": trial_name, "round": step, **figures} for step, figures in rounds.items()]
            if rounds:
                directions.add(study.direction.name.lower())
    if not records:
        raise UsageError(f"{name}: no round is stored there: report them by sweeps.report_round.")
    if len(directions) > 1:
        raise UsageError(f"{name}: its studies differ in direction; keep them in databases of their own.")
    return table_of(
        name, records, "an Optuna database"
    ), "minimize" if "minimize" in directions else "maximize"
