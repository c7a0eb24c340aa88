"""A study as that which must not depend on who ran it, where, and how often it was cut off."""

from __future__ import annotations

from typing import Any

from sweeps.study.stored_study import Study

COST = ["seconds", "train_rows_per_second", "peak_memory_bytes"]


def figures(study: Study, first: int | None = None) -> list[Any]:
    """A study's table and rounds, bit for bit; a trial that started over and came out differently says so.

    first: only so many trials.
    """
    rounds = study.rounds().drop(columns=COST)
    if first is not None:
        rounds = rounds[rounds["trial"] < first]
    table = [
        (
            trial.number,
            trial.state,
            trial.value,
            trial.params,
            *(
                trial.attributes.get(name)
                for name in ("stop_reason", "best_round", "rounds", "because", "differs")
            ),
            (trial.attributes.get("weights") or {}).get("digest"),
        )
        for trial in study.table()[:first]
    ]
    return [table, rounds.to_csv(index=False)]
