"""Scales between values and pixels, and the frame of a plot with its ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from markupsafe import Markup

from sweeps.report.drawing import svg

MANY_TIMES = 30.0  # positive values whose ratio is larger are shown on a logarithmic scale
ROOM = 0.06  # margin above and below the values, as a fraction of the shown range
LEFT, RIGHT, TOP, BOTTOM = 46.0, 8.0, 20.0, 30.0


@dataclass(frozen=True)
class Scale:
    """Maps the values low … high to the pixels start … end."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    @classmethod
    def over(
        cls, values: Iterable[float | None], start: float, end: float, *, log: bool | None = None
    ) -> Scale:
        """The scale that shows all finite values. log: whether it is logarithmic; None: if the values differ widely."""
        known = [value for value in values if value is not None and math.isfinite(value)] or [0.0, 1.0]
        low, high = min(known), max(known)
        if log is None:
            log = low > 0 and high > MANY_TIMES * low
        if log and low <= 0:
            log = False
        if low == high:
            room = abs(low) * 0.05 or 0.5
            low, high = (low / 1.5, high * 1.5) if log else (low - room, high + room)
        return cls(low, high, start, end, log)

    def __call__(self, value: float | None) -> float:
        """The pixel of a value; NaN if the value can't be shown on this scale."""
        if value is None or not math.isfinite(value) or (self.log and value <= 0):
            return math.nan
        low, high, at = (
            (math.log(each) if self.log else each)
            for each in (self.low, self.high, min(max(value, self.low), self.high))
        )
        return self.start + (at - low) / (high - low) * (self.end - self.start)

    @property
    def with_room(self) -> Scale:
        """The scale, extended a little at both ends, so that no value lies on the edge. It is not extended below 0."""
        if self.log:
            factor = (self.high / self.low) ** ROOM
            return replace(self, low=self.low / factor, high=self.high * factor)
        room = (self.high - self.low) * ROOM
        low = self.low - room
        return replace(self, low=0.0 if low < 0 <= self.low else low, high=self.high + room)

    def ticks(self, most: int = 4) -> list[float]:
        """Round values within the scale, about `most` of them."""
        if self.log:
            return _decades(self.low, self.high, most)
        step = _round_step((self.high - self.low) / most)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(k * step, 12) for k in range(first, last + 1)]


def _decades(low: float, high: float, most: int) -> list[float]:
    exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    for digits in ((1, 2, 5), (1, 3), (1,)):
        found = [d * 10.0**e for e in exponents for d in digits if low * 0.999 <= d * 10.0**e <= high * 1.001]
        if len(found) <= most + 1:
            return found or [low, high]
    return found[:: math.ceil(len(found) / most)]


def _round_step(step: float) -> float:
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor for factor in (1, 2, 2.5, 5, 10) if factor * power >= step * 0.999) * power


def tick_text(value: float) -> str:
    """A tick's number, short: 0.001, 12,000, 1e-05."""
    if value == 0:
        return "0"
    if abs(value) >= 1e6 or abs(value) < 1e-3:
        return f"{value:.3g}"
    return f"{value:,.10g}" if abs(value) >= 1000 else f"{value:.6g}"


def frame(width: float, height: float, x: Scale | None, y: Scale, *, below: str, beside: str) -> list[Markup]:
    """Grid lines, ticks and names of the axes. below, beside: names of the horizontal and of the vertical axis.

    x: None if the caller draws the ticks of the horizontal axis.
    """
    parts = []
    for value in y.ticks(5):
        at = y(value)
        parts.append(svg.path(f"M{svg.number(LEFT)} {svg.number(at)}H{svg.number(width - RIGHT)}", "grid"))
        parts.append(svg.text(LEFT - 5, at + 3.5, tick_text(value), "tick", anchor="end"))
    for value in () if x is None else x.ticks():
        assert x is not None
        parts.append(svg.text(x(value), height - BOTTOM + 13, tick_text(value), "tick", anchor="middle"))
    parts.append(svg.text((LEFT + width - RIGHT) / 2, height - 4, below, "tick", anchor="middle"))
    parts.append(svg.text(2, 10, beside, "tick"))
    return parts
