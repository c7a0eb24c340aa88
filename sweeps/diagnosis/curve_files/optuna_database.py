"""Reads an Optuna database in which `sweeps.report_round` has stored rounds."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import sqlalchemy

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
    url = name if "://" in name else f"sqlite:///{name}"
    shown = name
    try:
        shown = sqlalchemy.make_url(url).render_as_string() if "://" in name else name  # without its password
        records, directions = _rounds(url) if _has_tables(url) else ([], set())
    except Exception as error:  # noqa: BLE001 - SQLAlchemy and each database driver raise their own
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"{shown}: can't be read as an Optuna database: {why}") from None
    if not records:
        raise UsageError(f"{shown}: no round is stored there. Report rounds with sweeps.report_round.")
    if len(directions) > 1:
        raise UsageError(
            f"{shown}: its studies differ in direction. Store each direction in its own database."
        )
    return table_of(
        shown, records, "an Optuna database"
    ), "minimize" if "minimize" in directions else "maximize"


def _has_tables(url: str) -> bool:
    """Whether the database exists and has Optuna's tables. Without this check, opening it would create them."""
    engine = sqlalchemy.create_engine(url)
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    if file and not Path(file).is_file():
        return False
    try:
        return sqlalchemy.inspect(engine).has_table("version_info")
    finally:
        engine.dispose()


def _rounds(url: str) -> tuple[list[dict[str, Any]], set[str]]:
    """A record for each reported round of each trial, and the directions of the studies that have rounds."""
    import optuna

    from sweeps.pruning.pruner import stored_rounds

    studies = [optuna.load_study(study_name=each, storage=url) for each in optuna.get_all_study_names(url)]
    records: list[dict[str, Any]] = []
    directions = set()
    for study in studies:
        for trial in study.get_trials(deepcopy=False):
            trial_name = str(trial.number) if len(studies) == 1 else f"{study.study_name}/{trial.number}"
            rounds = stored_rounds(trial.user_attrs)
            records += [{"trial": trial_name, "round": step, **figures} for step, figures in rounds.items()]
            if rounds:
                directions.add(study.direction.name.lower())
    return records, directions
