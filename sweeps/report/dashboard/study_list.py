"""Adds to the dashboard's list of studies how far each study is, and its best value.

The list has no columns for this (optuna-dashboard#511), so it stands behind the study's name.
"""

from __future__ import annotations

from typing import Any

from storage import Database
from storage.outcomes import FINISHED, count_states
from storage.studies import list_studies
from sweeps.report.verdicts import text_of
from sweeps.study.stored_study import Study

MOST = 200  # studies; each takes some milliseconds


def with_progress(answer: dict[str, Any], database: Database) -> dict[str, Any]:
    """Add the progress of each study of ours to an answer, and return it. Very long lists stay as they are.

    answer: the parsed answer of `GET /api/studies`.
    """
    listed = answer["study_summaries"]
    if len(listed) > MOST:
        return answer
    ours = {row.study_id: row for row in list_studies(database)}
    for each in listed:
        row = ours.get(each["study_id"])
        if row is not None:
            each["study_name"] = f"{row.name} ({progress_of(Study(database, row))})"
    return answer


def progress_of(study: Study) -> str:
    """Such as `12 of 20 trials finished, 2 running, best accuracy 0.9587`."""
    counts = count_states(study.database, study.row.study_id)
    finished, running = sum(counts.get(state, 0) for state in FINISHED), counts.get("RUNNING", 0)
    planned = study.run.num_trials
    told = [f"{finished} of {max(planned, finished)} trials" if planned else f"{finished} trials"]
    if running:
        told.append(f"{running} running")
    best = study.best_value()
    told.append("no result yet" if best is None else f"best {study.spec.metric.name} {text_of(best)}")
    return ", ".join(told)
