"""Curves drawn by hand, with the diagnosis and the halt that anyone would give them."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Draw = Callable[[int], float]
BUDGET = 50
_NOISE = random.Random(0)
NOISE = [_NOISE.gauss(0.0, 1.0) for _ in range(400)]


def falling(k: int) -> float:
    """A training loss as it should be."""
    return 2.3 * math.exp(-0.08 * k) + 0.01


def turning(k: int) -> float:
    """A validation loss that has its minimum after 12 rounds."""
    return 0.5 + 0.0015 * (k - 12) ** 2


def climbing(k: int) -> float:
    """A score that climbs all the way."""
    return 0.95 - 0.6 * math.exp(-0.05 * k)


def saturating(k: int) -> float:
    """A score that is as good as it gets after 12 rounds."""
    return 0.9 - 0.6 * math.exp(-0.5 * k)


def peaking(k: int) -> float:
    """A score that has its best after 12 rounds and loses some of it again."""
    return saturating(k) - 0.002 * max(0, k - 12)


def constant(value: float) -> Draw:
    """Always the same."""
    return lambda k: value


def noisy(draw: Draw, scale: float, shift: int = 0) -> Draw:
    """With normal noise about it."""
    return lambda k: draw(k) + scale * NOISE[k + shift]


def before(last: int, early: Draw, late: Draw) -> Draw:
    """`early` up to round `last`, then `late`."""
    return lambda k: early(k) if k <= last else late(k)


@dataclass(frozen=True)
class Drawn:
    """A curve, and what is to be said of it.

    halted: the rounds between which `onset` halts it, counted from 1; None where it must not. valid_rows: rows behind
    the score. signals: further columns.
    """

    name: str
    label: str
    halted: tuple[int, int] | None
    train_loss: Draw = falling
    valid_loss: Draw = falling
    train_score: Draw = climbing
    valid_score: Draw = climbing
    rounds: int = BUDGET
    valid_rows: int = 10_000
    reason: str | None = None
    signals: Mapping[str, Draw] = field(default_factory=dict)

    def columns(self) -> dict[str, Sequence[float]]:
        """The curve as columns of a Round's figures."""
        drawn = {
            "train_loss": self.train_loss,
            "valid_loss": self.valid_loss,
            "train_score": self.train_score,
            "valid_score": self.valid_score,
            **self.signals,
        }
        return {name: [draw(k) for k in range(self.rounds)] for name, draw in drawn.items()}


def _dying(k: int) -> float:
    return 0.05 if k < 20 else min(0.97, 0.05 + 0.15 * (k - 19))


CURVES = [
    Drawn("overfits", "overfitting", (18, 30), valid_loss=turning, valid_score=peaking, train_score=climbing),
    Drawn(
        "overfits on a noisy score",
        "overfitting",
        (18, 34),
        valid_loss=turning,
        valid_score=noisy(saturating, 0.004),
    ),
    Drawn(
        "overfits on a noisy loss",
        "overfitting",
        (18, 34),
        valid_loss=noisy(turning, 0.03),
        valid_score=peaking,
    ),
    Drawn(
        "overfits from the first round on",
        "overfitting",
        (7, 22),
        valid_loss=lambda k: 0.5 + 0.02 * k,
        valid_score=constant(0.8),
    ),
    Drawn(
        "overfits late",
        "overfitting",
        (36, 48),
        valid_loss=lambda k: 0.4 + 0.002 * (k - 30) ** 2,
        valid_score=lambda k: 0.9 - 0.0006 * (k - 30) ** 2,
    ),
    Drawn(
        "a double descent that comes late",
        "unfinished",
        (18, 30),
        valid_loss=before(40, turning, lambda k: 0.3),
        valid_score=before(40, peaking, constant(0.93)),
        reason="overfitting",
    ),
    Drawn("the loss turns while the score still climbs", "overconfident", None, valid_loss=turning),
    Drawn(
        "the loss turns and the score climbs slowly",
        "overconfident",
        None,
        valid_loss=turning,
        valid_score=lambda k: 0.8 + 0.003 * k,
    ),
    Drawn("still improving", "unfinished", None),
    Drawn(
        "still improving, noisily",
        "unfinished",
        None,
        valid_loss=noisy(falling, 0.02),
        valid_score=noisy(climbing, 0.008),
    ),
    Drawn(
        "a single spike of the loss",
        "unfinished",
        None,
        valid_loss=before(19, falling, before(20, constant(5.0), falling)),
    ),
    Drawn(
        "a single drop of the score",
        "unfinished",
        None,
        valid_score=before(19, climbing, before(20, constant(0.2), climbing)),
        train_score=before(19, climbing, before(20, constant(0.2), climbing)),
    ),
    Drawn(
        "double descent before the guard has run out",
        "unfinished",
        None,
        valid_loss=before(15, turning, lambda k: 1.0 * math.exp(-0.06 * k)),
        valid_score=before(15, peaking, lambda k: 0.9 + 0.001 * (k - 15)),
    ),
    Drawn(
        "a late bloomer",
        "unfinished",
        None,
        train_loss=before(15, lambda k: 2.3 - 0.004 * k, lambda k: 2.2 * math.exp(-0.08 * (k - 15))),
        valid_loss=before(15, lambda k: 2.3 - 0.004 * k, lambda k: 2.2 * math.exp(-0.08 * (k - 15))),
        train_score=before(15, constant(0.1), lambda k: 0.1 + 0.02 * (k - 15)),
        valid_score=before(15, constant(0.1), lambda k: 0.1 + 0.02 * (k - 15)),
    ),
    Drawn(
        "converged",
        "healthy",
        None,
        valid_loss=lambda k: 0.4 + 0.5 * math.exp(-0.3 * k),
        valid_score=lambda k: 0.9 - 0.5 * math.exp(-0.2 * k),
    ),
    Drawn(
        "stands still from the middle on",
        "plateau",
        (30, 42),
        train_loss=constant(0.3),
        valid_loss=before(5, falling, constant(1.5)),
        valid_score=saturating,
        train_score=saturating,
        reason="plateau",
    ),
    Drawn(
        "a plateau, then a second descent",
        "unfinished",
        None,
        valid_loss=before(
            20, lambda k: 0.5 + 1.8 * math.exp(-0.3 * k), lambda k: 0.5 * math.exp(-0.03 * (k - 20))
        ),
        valid_score=before(20, saturating, lambda k: 0.9 + 0.003 * (k - 20)),
    ),
    Drawn(
        "noise about a plateau that few rows can't tell from a fall",
        "plateau",
        None,
        valid_rows=200,
        valid_loss=lambda k: 0.5 + 1.8 * math.exp(-0.3 * k),
        valid_score=noisy(lambda k: 0.85 - 0.5 * math.exp(-0.2 * k), 0.012),
    ),
    Drawn(
        "a loss that drifts by less than two per cent",
        "healthy",
        None,
        valid_loss=lambda k: 0.5 * 1.0003**k,
        valid_score=lambda k: 0.9 - 0.5 * math.exp(-0.2 * k),
    ),
    Drawn(
        "not a number",
        "diverged",
        (21, 21),
        train_loss=before(19, falling, constant(math.nan)),
        valid_loss=before(19, falling, constant(math.nan)),
        valid_score=before(19, climbing, constant(0.1)),
        reason="diverged",
    ),
    Drawn(
        "infinite", "diverged", (11, 11), train_loss=before(9, falling, constant(math.inf)), reason="diverged"
    ),
    Drawn(
        "not a number from the first round on",
        "diverged",
        (1, 1),
        train_loss=constant(math.nan),
        valid_loss=constant(math.nan),
        valid_score=constant(math.nan),
        train_score=constant(math.nan),
        reason="diverged",
    ),
    Drawn(
        "explodes",
        "diverged",
        (30, 36),
        reason="collapsed",
        train_loss=before(25, falling, lambda k: 0.3 * 1.4 ** (k - 25)),
        valid_loss=before(25, falling, lambda k: 0.3 * 1.4 ** (k - 25)),
        valid_score=before(25, climbing, lambda k: 0.3),
        train_score=before(25, climbing, lambda k: 0.3),
    ),
    Drawn(
        "collapses while both losses fall",
        "collapsed",
        (23, 24),
        train_loss=lambda k: 1000 * math.exp(-0.12 * k),
        valid_loss=lambda k: 1000 * math.exp(-0.12 * k),
        train_score=before(20, climbing, constant(0.2)),
        valid_score=before(20, climbing, constant(0.2)),
        reason="collapsed",
        signals={"dead_share": _dying},
    ),
    Drawn(
        "collapses, and nobody counted dead units",
        "collapsed",
        (24, 27),
        train_score=before(20, climbing, constant(0.2)),
        valid_score=before(20, climbing, constant(0.2)),
        reason="collapsed",
    ),
    Drawn(
        "loses three tenths while both losses fall: too little to halt for",
        "collapsed",
        None,
        train_score=before(35, saturating, constant(0.66)),
        valid_score=before(35, saturating, constant(0.66)),
    ),
    Drawn(
        "loses a tenth at the end",
        "unfinished",
        None,
        train_score=before(35, climbing, constant(0.76)),
        valid_score=before(35, climbing, constant(0.76)),
    ),
    Drawn(
        "collapses and recovers",
        "unfinished",
        None,
        train_score=before(20, climbing, before(23, constant(0.2), climbing)),
        valid_score=before(20, climbing, before(23, constant(0.2), climbing)),
    ),
    Drawn(
        "learns nothing: the rate is too low",
        "not_learning",
        (15, 16),
        train_loss=constant(2.303),
        valid_loss=constant(2.303),
        train_score=constant(0.1),
        valid_score=noisy(constant(0.1), 0.002),
        reason="not_learning",
    ),
    Drawn(
        "learns nothing: dead from the start",
        "not_learning",
        (15, 16),
        train_loss=noisy(constant(2.303), 0.001),
        valid_loss=noisy(constant(2.303), 0.001),
        train_score=constant(0.113),
        valid_score=constant(0.113),
        reason="not_learning",
        signals={"dead_share": constant(0.99)},
    ),
    Drawn(
        "learns nothing yet, while the rate is warmed up",
        "not_learning",
        None,
        train_loss=constant(2.303),
        valid_loss=constant(2.303),
        train_score=constant(0.1),
        valid_score=constant(0.1),
        rounds=20,
        signals={"learning_rate": lambda k: 1e-5 * (k + 1)},
    ),
    Drawn(
        "bounces",
        "bouncing",
        (20, 40),
        reason="plateau",
        train_loss=noisy(constant(1.0), 0.2),
        valid_loss=noisy(constant(1.0), 0.2, 60),
        train_score=noisy(constant(0.6), 0.08),
        valid_score=noisy(constant(0.6), 0.08),
    ),
    Drawn(
        "batch norm's statistics lag",
        "stale_statistics",
        None,
        valid_loss=turning,
        valid_score=lambda k: climbing(k) - 0.1 - 0.008 * k,
        signals={"valid_score_batch_statistics": climbing},
    ),
    Drawn("one round", "healthy", None, rounds=1),
    Drawn("two rounds", "healthy", None, rounds=2),
    Drawn(
        "overfits in a budget of six rounds",
        "overfitting",
        None,
        rounds=6,
        valid_loss=lambda k: 0.5 + 0.05 * k,
        valid_score=constant(0.8),
        train_loss=lambda k: 1.0 / (k + 1),
    ),
]
