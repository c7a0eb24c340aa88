"""Learning curves as pictures: losses above, scores below, with the onset and the halt."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from sweeps.diagnosing import Diagnosed
from sweeps.outcome import Metric

TRAIN, VALID, BATCH = "#8a8a8a", "#0b5cad", "#5aa9e6"
ONSET, HALT, BEST = "#e08a00", "#c0262d", "#2a8c4a"


def plot(found: Diagnosed, metric: Metric, folder: Path) -> Path:
    """Draw a curve into `folder` as `TRIAL.png`; returns the file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    curve, diagnosis = found.named.curve, found.diagnosis
    rounds = np.arange(len(curve)) + found.named.first_round
    figure = Figure(figsize=(7, 5.5), layout="constrained")
    FigureCanvasAgg(figure)
    losses, scores = figure.subplots(2, 1, sharex=True)
    losses.plot(rounds, curve.train_loss, color=TRAIN, label="training")
    losses.plot(rounds, curve.valid_loss, color=VALID, label="validation")
    finite = np.concatenate([curve.train_loss, curve.valid_loss])
    finite = finite[np.isfinite(finite) & (finite > 0)]
    if len(finite) and finite.max() > 30 * finite.min():
        losses.set_yscale("log")
    losses.set_ylabel("loss")
    sign = -1.0 if metric.direction == "minimize" else 1.0
    scores.plot(rounds, sign * curve.train_score, color=TRAIN, label="training")
    scores.plot(rounds, sign * curve.valid_score, color=VALID, label="validation")
    if curve.batch_statistics_score is not None:
        scores.plot(
            rounds, sign * curve.batch_statistics_score, color=BATCH, ls=":", label="batch statistics"
        )
    scores.plot([found.best_round], [sign * curve.valid_score[curve.best]], "o", color=BEST, label="best")
    scores.set_ylabel(metric.name)
    scores.set_xlabel("round")
    onset = diagnosis.evidence.get("onset_round")
    for axes in (losses, scores):
        if isinstance(onset, int):
            axes.axvline(onset - 1 + found.named.first_round, color=ONSET, ls="--", label="onset")
        if found.halt_round is not None:
            axes.axvline(found.halt_round, color=HALT, label="halt")
        axes.legend(loc="best", fontsize="small")
    figure.suptitle(f"trial {found.named.name}: {diagnosis.label}")
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^\w.-]", "_", found.named.name)
    path = folder / f"{name}.png"
    figure.savefig(path, dpi=110)
    return path
