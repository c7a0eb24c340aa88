"""Draws the best value so far over the rounds, or over the seconds of training, of a study."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from sweeps.report.best_so_far import Step, rises
from sweeps.report.drawing import svg
from sweeps.report.drawing.axes import BOTTOM, LEFT, RIGHT, TOP, Scale, frame

WIDTH, HEIGHT = 420.0, 210.0


def progress_picture(steps: Sequence[Step], metric: str, *, over: str) -> Markup:
    """Draw how the best value changed. over: the horizontal axis, `rounds` or `seconds`."""
    found = rises(steps)
    places = [float(number) if over == "rounds" else step.seconds for number, step in found]
    end = float(len(steps)) if over == "rounds" else steps[-1].seconds if steps else 0.0
    x = Scale.over([0.0, end], LEFT, WIDTH - RIGHT, log=False)
    y = Scale.over(_shown([step.best for _, step in found]), HEIGHT - BOTTOM, TOP, log=False).with_room
    points = [(x(at), y(step.best)) for at, (_, step) in zip(places, found, strict=True)]
    points += [(x(end), points[-1][1])] if points else []
    unit = "rounds" if over == "rounds" else "seconds of training"
    parts = [*frame(WIDTH, HEIGHT, x, y, below=unit, beside=metric), svg.stairs(points, "isolated")]
    last = None
    for (px, py), (number, step) in zip(points, found, strict=False):
        if step.trial != last:
            parts.append(
                svg.dot(px, py, "best", f"trial {step.trial}: {step.best:.4g} after {number} rounds")
            )
            last = step.trial
    end_text = "" if not found else f", from {found[0][1].best:.4g} to {found[-1][1].best:.4g}"
    return svg.picture(WIDTH, HEIGHT, parts, title=f"Best validation {metric} so far over {unit}{end_text}")


def _shown(values: Sequence[float | None]) -> list[float]:
    """The values that set the scale of the axis: all, but without the first quarter if there are eight or more.

    The first quarter is usually from the first rounds of the first trial, whose scores are near chance.
    """
    known = [value for value in values if value is not None and math.isfinite(value)]
    return known[len(known) // 4 :] if len(known) >= 8 else known
