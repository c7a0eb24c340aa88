"""Parallel coordinates with horizontal axes, one below the other, so that their names can be read on a phone."""

from __future__ import annotations

import math
from itertools import pairwise

from markupsafe import Markup

from sweeps.report.drawing import svg
from sweeps.report.drawing.axes import Scale, tick_text
from sweeps.report.drawing.slices import score_range
from sweeps.report.slices import Slice

WIDTH, STEP, MARGIN = 440.0, 44.0, 14.0
BEST_SHARE = 0.1


def parallel_picture(shown: list[Slice], metric: str, direction: str) -> Markup:
    """Draw a line for each completed trial; the lines of the best tenth are highlighted.

    If a trial does not have a parameter, its line is dashed where it crosses that parameter's axis.
    """
    scores = {point.trial: point.score for point in shown[0].points if point.score is not None}
    best_first = sorted(scores, key=lambda trial: scores[trial], reverse=direction == "maximize")
    top = set(best_first[: max(1, round(BEST_SHARE * len(best_first)))])
    height = STEP * (len(shown) + 1) + 14
    score = Scale.over(score_range(list(scores.values()), direction), MARGIN, WIDTH - MARGIN, log=False)
    rows = [_places(each) for each in shown]
    lines: dict[str, list[str]] = {kind: [] for kind in ("others past", "others", "top past", "top")}
    for trial in reversed(best_first):
        points = [(places.get(trial, math.nan), _level(k)) for k, places in enumerate(rows)]
        points.append((score(scores[trial]), _level(len(rows))))
        kind = "top" if trial in top else "others"
        lines[kind].append(svg.strokes(points))
        lines[f"{kind} past"].append(_past(points))
    parts = [svg.path("".join(each), kind) for kind, each in lines.items()]
    for k, each in enumerate(shown):
        parts += _axis(_level(k), each.name + (" (log)" if each.log else ""), _labels(each))
    ticks = [(score(value), tick_text(value)) for value in score.ticks(5)]
    parts += _axis(_level(len(rows)), f"validation {metric}", ticks)
    about = f"Parallel coordinates of {len(scores)} trials; the best {len(top)} stand out"
    return svg.picture(WIDTH, height, parts, title=about)


def _past(points: list[tuple[float, float]]) -> str:
    """The dashed parts of a trial's line. Each goes past an axis that the trial does not have."""
    known = [k for k, (x, _) in enumerate(points) if math.isfinite(x)]
    return "".join(svg.strokes([points[a], points[b]]) for a, b in pairwise(known) if b > a + 1)


def _level(row: int) -> float:
    return 26 + STEP * row


def _axis(y: float, name: str, ticks: list[tuple[float, str]]) -> list[Markup]:
    parts = [svg.path(f"M{svg.number(MARGIN)} {svg.number(y)}H{svg.number(WIDTH - MARGIN)}", "axis")]
    parts.append(svg.text(MARGIN, y - 14, name, "name"))
    for x, label in ticks:
        anchor = "start" if x < 2 * MARGIN else "end" if x > WIDTH - 2 * MARGIN else "middle"
        parts.append(svg.text(x, y + 12, label, "tick halo", anchor=anchor))
    return parts


def _scale(shown: Slice) -> Scale:
    return Scale.over([p.value for p in shown.points], MARGIN, WIDTH - MARGIN, log=shown.log)


def _places(shown: Slice) -> dict[int, float]:
    """The pixel at which each trial crosses the axis, by trial number; without trials that lack the parameter."""
    if shown.is_range:
        x = _scale(shown)
        return {point.trial: x(point.value) for point in shown.points if point.value is not None}
    middle = _middle(shown)
    return {
        point.trial: middle[shown.knob.group_of(point.value)]
        for point in shown.points
        if point.value is not None
    }


def _middle(shown: Slice) -> list[float]:
    room = (WIDTH - 2 * MARGIN) / len(shown.knob.groups)
    return [MARGIN + room * (k + 0.5) for k in range(len(shown.knob.groups))]


def _labels(shown: Slice) -> list[tuple[float, str]]:
    if shown.is_range:
        x = _scale(shown)
        return [(x(value), tick_text(value)) for value in x.ticks(4)]
    groups = shown.knob.groups
    return [
        (at, svg.shortened(group.label, (WIDTH - 2 * MARGIN) / len(groups)))
        for at, group in zip(_middle(shown), groups, strict=True)
        if group.value is not None
    ]
