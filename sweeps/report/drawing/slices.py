"""Draws slices: the scores over one parameter's values, the best of each part, and below, trials without a result."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from sweeps.report.drawing import svg
from sweeps.report.drawing.axes import BOTTOM, LEFT, RIGHT, TOP, Scale, frame
from sweeps.report.slices import Slice

WIDTH, HEIGHT = 300.0, 190.0
BAND = 12.0  # pixels below the plot, for trials without a usable result
LOW_SHARE = 0.1  # fraction of the completed trials, the worst ones, that is drawn on the lower edge


def slice_picture(shown: Slice, metric: str, direction: str) -> Markup:
    """Draw the slice of one parameter."""
    low, high = score_range([p.score for p in shown.points if p.score is not None], direction)
    y = Scale.over([low, high], HEIGHT - BOTTOM - BAND, TOP, log=False).with_room
    floor = HEIGHT - BOTTOM - BAND / 2
    if shown.is_range:
        x = Scale.over([p.value for p in shown.points], LEFT + 6, WIDTH - RIGHT - 6, log=shown.log)
        places = [x(p.value) for p in shown.points]
        parts = frame(WIDTH, HEIGHT, x, y, below=shown.name + (" (log)" if shown.log else ""), beside=metric)
        best = _best_of_parts(shown, x, y)
    else:
        places, parts, best = _by_group(shown, y, metric)
    inside = [(at, y(p.score)) for at, p in zip(places, shown.points, strict=True) if p.score is not None]
    without = [(at, floor) for at, p in zip(places, shown.points, strict=True) if p.score is None]
    parts += [svg.dots([p for p in inside if math.isfinite(p[0])], "trial"), best]
    parts.append(svg.dots([p for p in without if math.isfinite(p[0])], "spoilt"))
    return svg.picture(WIDTH, HEIGHT, parts, title=_about(shown, len(without)))


def score_range(scores: Sequence[float], direction: str) -> tuple[float, float]:
    """The lowest and the highest score on the axis. The worst tenth is outside, as it would squeeze the others."""
    if not scores:
        return 0.0, 1.0
    ordered = sorted(scores, reverse=direction == "minimize")
    worst, best = ordered[int(LOW_SHARE * (len(ordered) - 1))], ordered[-1]
    return min(worst, best), max(worst, best)


def _best_of_parts(shown: Slice, x: Scale, y: Scale) -> Markup:
    strokes = []
    for each in shown.isolated:
        group = each.group
        if each.score is None or (group.low is None and group.value is None):
            continue
        ends = (group.low, group.high) if group.low is not None else (group.value, group.value)
        left, right = (x(min(max(float(end or 0.0), x.low), x.high)) for end in ends)
        if group.low is None:
            left, right = left - 4, right + 4
        strokes.append(f"M{svg.number(left)} {svg.number(y(each.score))}H{svg.number(right)}")
    return svg.path("".join(strokes), "isolated")


def _by_group(shown: Slice, y: Scale, metric: str) -> tuple[list[float], list[Markup], Markup]:
    groups = shown.knob.groups
    room = (WIDTH - LEFT - RIGHT) / len(groups)
    middle = [LEFT + room * (k + 0.5) for k in range(len(groups))]
    places = [
        middle[shown.knob.group_of(point.value)] + room * 0.5 * (point.trial * 0.618 % 1 - 0.5)
        for point in shown.points
    ]
    parts = frame(WIDTH, HEIGHT, None, y, below=shown.name, beside=metric)
    for at, group in zip(middle, groups, strict=True):
        label = svg.shortened(group.label, room)
        parts.append(svg.text(at, HEIGHT - BOTTOM + 13, label, "tick", anchor="middle"))
    strokes = [
        f"M{svg.number(at - room * 0.35)} {svg.number(y(each.score))}h{svg.number(room * 0.7)}"
        for at, each in zip(middle, shown.isolated, strict=True)
        if each.score is not None
    ]
    return places, parts, svg.path("".join(strokes), "isolated")


def _about(shown: Slice, without: int) -> str:
    best = [f"{each.group.label}: {each.score:.4g}" for each in shown.isolated if each.score is not None]
    lacking = f"; {without} trials without a usable result" if without else ""
    return f"Score over {shown.name}; best of each part: {', '.join(best) or 'none'}{lacking}"
