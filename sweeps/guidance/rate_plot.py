"""Draws the curves of a learning-rate range test, with the suggested range."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from sweeps.errors import UsageError
from sweeps.guidance.rate_curve import smoothed
from sweeps.guidance.rate_study import RateAnswer, RateCurve

RANGE, POINT = "#2a8c4a", "#0b5cad"
COLOURS = ("#0b5cad", "#e08a00", "#7a3fa0", "#2a8c4a", "#8a8a8a")


def plot_rates(answer: RateAnswer, path: Path) -> Path:
    """Write a picture to `path`; returns `path`. Raises UsageError if it can't be written."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    colours: dict[str, str] = {}
    for curve in answer.curves:
        label = _label(curve)
        is_new = label not in colours
        colour = colours.setdefault(label, COLOURS[len(colours) % len(COLOURS)])
        _draw(axes, curve, colour, label if is_new else None)
    if answer.bounds is not None:
        axes.axvspan(*answer.bounds, color=RANGE, alpha=0.15, label="suggested range")
    axes.set_xscale("log")
    axes.set_xlabel(answer.parameter)
    axes.set_ylabel("loss, smoothed")
    axes.set_title(answer.study.name, parse_math=False)
    if axes.get_legend_handles_labels()[1]:
        axes.legend(fontsize="small")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        raise UsageError(f"--plot {path}: the picture can't be written ({error}).") from None
    return path


def _label(curve: RateCurve) -> str:
    return str(curve.parameters.get("optimizer", "curves"))


def _draw(axes: object, curve: RateCurve, colour: str, label: str | None) -> None:
    """Draw one curve, up to the point at which it has risen far above its start."""
    pairs = [(r, loss) for r, loss in zip(curve.rates, curve.losses, strict=True) if math.isfinite(loss)]
    if len(pairs) < 2:
        return
    rates, losses = (np.asarray(values) for values in zip(*pairs, strict=True))
    smooth = smoothed(np.log10(rates), losses)
    shown = smooth <= smooth[0] + 0.5 * (smooth[0] - smooth.min()) + 1e-12
    end = len(shown) if shown.all() else max(2, int(np.argmin(shown)))
    axes.plot(rates[:end], smooth[:end], color=colour, lw=0.8, alpha=0.7, label=label)  # type: ignore[attr-defined]
