"""Draws learning curves: losses above, scores below, with the round of the onset and that of the halt."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import numpy as np

from sweeps.diagnosis.report import Diagnosed
from sweeps.errors import UsageError
from sweeps.pruning.learning_curve import Curve
from sweeps.trial.metric import Metric

TRAIN, VALID, BATCH = "#8a8a8a", "#0b5cad", "#5aa9e6"
ONSET, HALT, BEST = "#e08a00", "#c0262d", "#2a8c4a"
MANY_TIMES = 30.0  # if the largest loss is more than so many times the smallest, the scale is logarithmic


def draw_curve(curve: Curve, losses: Any, scores: Any, *, sign: float = 1.0) -> None:
    """Draw losses, and scores with their sampling error, into two axes of matplotlib.

    losses: the axes for losses; None if the curve has no losses besides its scores. scores: the axes for scores. sign:
    -1 if the score is minimised, because the curve holds it with its sign changed.
    """
    if losses is not None:
        _draw_losses(curve, losses)
    rounds, seen = curve.numbers, curve.valid_measured
    valid, error = sign * curve.valid_score[seen], curve.score_error[seen]
    if curve.has_train_score:
        trained = curve.train_measured
        scores.plot(rounds[trained], sign * curve.train_score[trained], color=TRAIN, label="training")
    scores.fill_between(rounds[seen], valid - error, valid + error, color=VALID, alpha=0.15, lw=0)
    scores.plot(rounds[seen], valid, color=VALID, label="validation")
    if curve.batch_statistics_score is not None:
        batch = sign * curve.batch_statistics_score
        scores.plot(rounds, batch, color=BATCH, ls=":", label="batch statistics")


def has_own_losses(curve: Curve) -> bool:
    """Whether the curve has losses besides its scores: false for a loss as score, or for validation scores alone."""
    return not curve.score_is_loss and (curve.has_train_loss or not curve.loss_is_score)


def _draw_losses(curve: Curve, axes: Any) -> None:
    seen, trained = curve.valid_measured, curve.train_measured
    shown = []
    if curve.has_train_loss:
        axes.plot(curve.numbers[trained], curve.train_loss[trained], color=TRAIN, label="training")
        shown.append(curve.train_loss)
    if not curve.loss_is_score:
        axes.plot(curve.numbers[seen], curve.valid_loss[seen], color=VALID, label="validation")
        shown.append(curve.valid_loss)
    finite = np.concatenate(shown)
    finite = finite[np.isfinite(finite)]
    if (finite >= 0).all() and (finite > 0).any() and finite.max() > MANY_TIMES * finite[finite > 0].min():
        axes.set_yscale("log")
    axes.set_ylabel("loss")


def plot(found: Diagnosed, metric: Metric, folder: Path) -> Path:
    """Draw a curve into `folder` as `TRIAL.png`; returns the file's path. Raises UsageError if it can't be written."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    curve, diagnosis = found.named.curve, found.diagnosis
    figure = Figure(figsize=(7, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    if has_own_losses(curve):
        losses, scores = figure.subplots(2, 1, sharex=True)
    else:
        losses, scores = None, figure.subplots()
    sign = -1.0 if metric.direction == "minimize" else 1.0
    draw_curve(curve, losses, scores, sign=sign)
    scores.plot([found.best_round], [sign * curve.valid_score[curve.best]], "o", color=BEST, label="best")
    scores.set_ylabel(metric.name)
    scores.set_xlabel("round")
    onset = diagnosis.evidence.get("onset_round")
    for axes in figure.axes:
        if isinstance(onset, int):
            axes.axvline(onset, color=ONSET, ls="--", label="onset")
        if found.halt_round is not None:
            axes.axvline(found.halt_round, color=HALT, label="halt")
        axes.legend(loc="best", fontsize="small")
    figure.suptitle(f"trial {found.named.name[:60]}: {diagnosis.label}", parse_math=False)
    path = folder / f"{_file_name(found.named.name)}.png"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise UsageError(f"--plot {folder}: {path.name} can't be written ({error.strerror}).") from None
    return path


def _file_name(trial: str) -> str:
    """The trial's name if it is a valid file name; else a valid one made from it, with a digest to keep it unique."""
    name = re.sub(r"[^\w.-]", "_", trial)[:80]
    return name if name == trial else f"{name}-{hashlib.sha256(trial.encode()).hexdigest()[:8]}"
