"""Reads an Optuna database in which `sweeps.report_round` has stored rounds."""

from __future__ import annotations

from typing import Any, Literal

from sweeps.diagnosis.curve_files.records import table_of
from sweeps.diagnosis.curve_files.table import Table
from sweeps.errors import UsageError


def is_database(name: str) -> bool:
    """Whether a name is a database's: a URL, or a file name that ends in .db, .sqlite or .sqlite3."""
    return "://" in name or name.endswith((".db", ".sqlite", ".sqlite3"))


def read_optuna(name: str) -> tuple[Table, Literal["maximize", "minimize"]]:
    """A table with one row for each reported round of each trial of all studies, and the score's direction.

    Raises UsageError if the database can't be read, has no reported round, or has studies of both directions.
    """
    import optuna

    from sweeps.pruning.pruner import stored_rounds

    url = name if "://" in name else f"sqlite:///{name}"
    try:
        studies = optuna.get_all_study_names(url)
        loaded = [optuna.load_study(study_name=each, storage=url) for each in studies]
    except Exception as error:  # noqa: BLE001 - SQLAlchemy and each database driver raise their own
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
        raise UsageError(f"{name}: no round is stored there. Report rounds with sweeps.report_round.")
    if len(directions) > 1:
        raise UsageError(
            f"{name}: its studies differ in direction. Store each direction in its own database."
        )
    return table_of(
        name, records, "an Optuna database"
    ), "minimize" if "minimize" in directions else "maximize"
