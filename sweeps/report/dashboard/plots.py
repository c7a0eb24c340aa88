"""Training and validation curves in one plot: those of the best trials for plotly, those of one trial as SVG."""

from __future__ import annotations

from typing import Any

from storage.rounds import get_rounds
from sweeps.report.curves import TrialCurve, trial_curve
from sweeps.report.drawing.curves import curve_picture
from sweeps.study.stored_study import Study

TOP = 5
PLOT_ID = "training-and-validation"
_COLOURS = ("#0b5cad", "#c0262d", "#1a7f37", "#e08a00", "#7b3fa0")
# The colours of the report's page, for a picture without that page. White background: the dashboard's theme is unknown.
_STYLE = (
    "<style>path{fill:none}text{font:11px sans-serif;fill:#59636e}.grid{stroke:#d8dee4}"
    ".train{stroke:#8a8f98;stroke-width:1.6;stroke-dasharray:5 2}.valid{stroke:#0b5cad;stroke-width:1.8}"
    ".halt{stroke:#c0262d;stroke-dasharray:2 2}.best{fill:#1a7f37}</style>"
    '<rect width="100%" height="100%" fill="#fff"/>'
)


def best_curves_plot(study: Study, top: int = TOP) -> dict[str, Any] | None:
    """The curves of the best trials for plotly: training dashed, validation solid; None if no trial is complete."""
    curves = [_curve(study, trial.number) for trial in study.ranking(top)]
    if not curves:
        return None
    has_loss = all(curve.has_loss for curve in curves)
    figure = "loss" if has_loss else study.spec.metric.name
    traces = []
    for colour, curve in zip(_COLOURS, curves, strict=False):
        train = curve.train_loss if has_loss else curve.train_score
        valid = curve.valid_loss if has_loss else curve.valid_score
        traces.append(_trace(f"trial {curve.trial}", curve.rounds, valid, {"color": colour}))
        if any(value is not None for value in train):
            dashed = {"color": colour, "dash": "dash"}
            traces.append(_trace(f"trial {curve.trial}, training", curve.rounds, train, dashed))
    layout = {
        "title": {"text": f"Training (dashed) and validation {figure} of the best trials"},
        "xaxis": {"title": {"text": "round"}},
        "yaxis": {"title": {"text": figure}, **({"type": "log"} if _is_wide(traces) else {})},
    }
    return {"data": traces, "layout": layout}


def trial_svg(study: Study, number: int) -> str | None:
    """The picture of one trial's curves; None if it has no round. Raises UsageError for an unknown number."""
    curve = _curve(study, number)
    if not curve.rounds:
        return None
    drawn = str(curve_picture(curve, study.spec.rounds, study.spec.metric.name))
    start = drawn.index(">") + 1
    return drawn[:start].replace("<svg ", '<svg width="600" height="340" ') + _STYLE + drawn[start:]


def _curve(study: Study, number: int) -> TrialCurve:
    return trial_curve(study.trial(number), get_rounds(study.database, study.row.study_id, number))


def _trace(name: str, rounds: list[int], values: list[float | None], line: dict[str, Any]) -> dict[str, Any]:
    shown = [value if value is not None and value - value == 0 else None for value in values]
    return {"type": "scatter", "mode": "lines", "name": name, "x": rounds, "y": shown, "line": line}


def _is_wide(traces: list[dict[str, Any]]) -> bool:
    known = [value for trace in traces for value in trace["y"] if value is not None]
    return bool(known) and min(known) > 0 and max(known) > 30 * min(known)
