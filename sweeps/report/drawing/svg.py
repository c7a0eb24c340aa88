"""Makes SVG elements. All text is escaped. A line has a gap where a value is not finite."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from markupsafe import Markup

Point = tuple[float, float]
CHARACTER = 6.2  # pixels; most characters of a tick's text are narrower


def picture(width: float, height: float, parts: Iterable[Markup], *, title: str) -> Markup:
    """A picture that scales with its column. title: what it shows, for those who can't see it."""
    return Markup(
        '<svg viewBox="0 0 {} {}" role="img" aria-label="{}" xmlns="http://www.w3.org/2000/svg">{}</svg>'
    ).format(number(width), number(height), title, Markup("").join(parts))


def line(points: Sequence[Point], kind: str) -> Markup:
    """A line through points in pixels. kind: class of the style sheet."""
    return path(strokes(points), kind)


def stairs(points: Sequence[Point], kind: str) -> Markup:
    """A line that keeps its height until the next point."""
    level = [
        each
        for k, (x, y) in enumerate(points)
        for each in ([(x, points[k - 1][1]), (x, y)] if k else [(x, y)])
    ]
    return line(level, kind)


def dots(points: Iterable[Point], kind: str) -> Markup:
    """Many dots as one path of strokes of length 0, made visible by round line caps. It needs a tenth of the bytes."""
    return path("".join(f"M{number(x)} {number(y)}h0" for x, y in points), kind)


def path(way: str, kind: str) -> Markup:
    """A path element; empty text if there are no strokes."""
    return Markup('<path class="{}" d="{}"/>').format(kind, way) if way else Markup("")


def text(x: float, y: float, words: str, kind: str = "", *, anchor: str = "start") -> Markup:
    """A text element at the pixel (x, y)."""
    return Markup('<text x="{}" y="{}" class="{}" text-anchor="{}">{}</text>').format(
        number(x), number(y), kind, anchor, words
    )


def dot(x: float, y: float, kind: str, about: str) -> Markup:
    """One dot with a note that appears under the pointer."""
    return Markup('<circle class="{}" cx="{}" cy="{}" r="3.5"><title>{}</title></circle>').format(
        kind, number(x), number(y), about
    )


def shortened(words: str, room: float) -> str:
    """The text, cut so that it fits into `room` pixels; it keeps at least two characters."""
    most = max(2, int(room / CHARACTER))
    return words if len(words) <= most else f"{words[: most - 1]}…"


def number(value: float) -> str:
    """A coordinate with one digit after the point."""
    return f"{value:.1f}".removesuffix(".0")


def strokes(points: Sequence[Point]) -> str:
    """The path through points in pixels, with a gap where one is not finite."""
    found, pen_is_up = [], True
    for x, y in points:
        if not (math.isfinite(x) and math.isfinite(y)):
            pen_is_up = True
            continue
        found.append(f"{'M' if pen_is_up else 'L'}{number(x)} {number(y)}")
        pen_is_up = False
    return "".join(found)
