"""Adds notes, plots and readable names to the dashboard's answer about a study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sweeps.printable import printable
from sweeps.report.dashboard.notes import study_note, trial_note, with_own_note
from sweeps.report.dashboard.plots import PLOT_ID, best_curves_plot
from sweeps.study.stored_study import Study

DIGITS = 6  # significant digits of a shown value
NAMES = {
    "stop_reason": "why it ended",
    "best_round": "best round",
    "rounds": "rounds run",
    "weights": "weights of the best round",
    "node": "machine",
    "starts_over": "starts over if interrupted",
    "failed_afterwards": "failed after its end",
    "earlier_environments": "earlier environments",
}

IN_NOTE = frozenset({"because", "traceback"})

Record = dict[str, Any]


def with_our_part(detail: Record, study: Study) -> Record:
    """Add our notes, our plot and readable attributes to an answer, and return it.

    detail: the parsed answer of `GET /api/studies/ID`.
    """
    detail["note"]["body"] = with_own_note(study_note(study), detail["note"]["body"])
    for trial in (*detail["trials"], *detail["best_trials"]):
        _show_trial(trial)
    detail["union_user_attrs"] = [
        {**each, "key": NAMES.get(each["key"], each["key"])}
        for each in detail["union_user_attrs"]
        if each["key"] not in IN_NOTE | {"evidence"}
    ]
    plot = best_curves_plot(study)
    if plot is not None:
        plots = [each for each in detail["plotly_graph_objects"] if each["id"] != PLOT_ID]
        detail["plotly_graph_objects"] = [{"id": PLOT_ID, "graph_object": json.dumps(plot)}, *plots]
    return detail


def _show_trial(trial: Record) -> None:
    notes = {each["key"]: each["value"] for each in trial["user_attrs"]}
    picture = f"/pictures/{trial['study_id']}/{trial['number']}.svg" if trial["intermediate_values"] else ""
    ours = trial_note(trial["number"], trial["state"], notes, picture)
    trial["note"]["body"] = with_own_note(ours, trial["note"]["body"])
    trial["user_attrs"] = _readable(notes)
    for parameter in trial["params"]:
        parameter["param_external_value"] = _rounded(parameter["param_external_value"])
    if "values" in trial:
        trial["values"] = [float(_rounded(v)) if isinstance(v, float) else v for v in trial["values"]]


def _readable(notes: Mapping[str, str]) -> list[Record]:
    """The attributes under readable names, with one attribute for each piece of evidence; not those of `IN_NOTE`."""
    found: dict[str, str] = {}
    for key in (*(name for name in NAMES if name in notes), *(name for name in notes if name not in NAMES)):
        if key in IN_NOTE:
            continue
        if key == "evidence":
            found |= {f"evidence: {name.replace('_', ' ')}": text for name, text in _evidence(notes[key])}
            continue
        found[NAMES.get(key, key)] = (
            _file(notes[key]) if key == "weights" else printable(_rounded(notes[key]))
        )
    return [{"key": key, "value": value} for key, value in found.items()]


def _file(weights: str) -> str:
    """The file's name from the record of a trial's weights. The record also has a digest, which is too wide to show."""
    try:
        return str(json.loads(weights)["file"])
    except (ValueError, KeyError, TypeError):
        return printable(weights)


def _evidence(text: str) -> list[tuple[str, str]]:
    try:
        record = json.loads(text)
    except ValueError:  # the dashboard cuts long ones off
        return [("cut off", printable(text))]
    return [(str(key), printable(_rounded(str(value)))) for key, value in record.items()]


def _rounded(text: Any) -> str:
    """A number with at most six digits; anything else as it is."""
    shown = str(text)
    try:
        value = float(shown)
    except ValueError:
        return shown
    return shown if value.is_integer() or value - value != 0 else f"{value:.{DIGITS}g}"
