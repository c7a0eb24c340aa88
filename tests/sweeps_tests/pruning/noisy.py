"""Drawn curves with noise, on which verdicts went wrong once: each has a right answer for every one of five seeds.

A score is rounded to the steps of its rows, as real scores are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sweeps.pruning.learning_curve import Curve, curve_from_columns
from sweeps.trial.metric import Metric

Noise = Callable[[int], float]
Figures = Callable[[int, Noise], tuple[float, ...]]
SEEDS = (1, 2, 3, 4, 5)
LOSSES = ("train_loss", "valid_loss")
ALL = (*LOSSES, "train_score", "valid_score")
LOSS = Metric("validation loss", "minimize", math.nan, 0)
UNTOLD = Metric("accuracy", "maximize", math.nan, 0)


def noise_at(r: int, seed: int) -> Noise:
    """Numbers from -1 to 1 that look random, of a round and a seed."""

    def noise(k: int) -> float:
        value = 43758.5453 * abs(math.sin(12.9898 * r + 78.233 * (seed + k)))
        return 2 * (value - math.floor(value)) - 1

    return noise


def decay(r: float, k: float) -> float:
    return math.exp(-r / k)


def above(x: float) -> float:
    return max(0.0, x)


def rounded(value: float, rows: int) -> float:
    """To a share of so many rows."""
    return round(min(1.0, max(0.0, value)) * rows) / rows


@dataclass(frozen=True)
class Noisy:
    """figures: of round 1, 2, …: losses, and scores where there are any. labels, halted: what is right; halted None: never.

    halted_as: the reason, where it must be that.
    """

    name: str
    figures: Figures
    metric: Metric
    labels: tuple[str, ...] = ()
    halted: tuple[int, int] | None = None
    rounds: int = 50
    must_halt: bool = False

    def columns(self, seed: int) -> dict[str, Sequence[float]]:
        rows = [self.figures(r, noise_at(r, seed)) for r in range(1, self.rounds + 1)]
        return {name: [row[place] for row in rows] for place, name in enumerate(ALL[: len(rows[0])])}

    def curve(self, seed: int) -> Curve:
        return curve_from_columns(self.columns(seed), self.metric)


def _small_gain(r: int, u: Noise) -> tuple[float, ...]:
    score = rounded(0.935 - 0.06 * decay(r, 6) + 0.006 * u(3), 600)
    losses = 0.5 * decay(r, 12) + 0.05 + 0.002 * u(0), 0.45 * decay(r, 10) + 0.22 + 0.002 * u(1)
    return *losses, 0.97 - 0.07 * decay(r, 8) + 0.003 * u(2), score


def _noise_at_chance(r: int, u: Noise) -> tuple[float, ...]:
    losses = 2.303 + 0.07 * decay(r, 2) + 0.002 * u(0), 2.304 + 0.003 * u(1)
    return *losses, 0.1 + 0.008 * u(2), rounded(0.1 + 0.02 * u(3), 600)


def _creeps_up(r: int, u: Noise) -> tuple[float, ...]:
    losses = 1.2 * decay(r, 6) + 0.02, 0.9 * decay(r, 4) + 0.3 + 0.004 * above(r - 10) + 0.002 * u(0)
    score = rounded(0.9 - 0.4 * decay(r, 3) + 0.0007 * above(r - 8) + 0.002 * u(1), 450)
    return *losses, 1 - 0.5 * decay(r, 5), score


def _tiny_gain(r: int, u: Noise) -> tuple[float, ...]:
    losses = 0.3 * decay(r, 6) + 0.12 + 0.001 * u(0), 0.2 * decay(r, 5) + 0.3 + 0.0012 * u(1)
    score = rounded(0.9 - 0.05 * decay(r, 4) + 0.00012 * r + 0.0004 * u(3), 2000)
    return *losses, 0.96 - 0.06 * decay(r, 5) + 0.0004 * u(2), score


def _creeps_up_on_few_rows(r: int, u: Noise) -> tuple[float, ...]:
    losses = 1.95 * decay(r, 9) + 0.01, 1.2 * decay(r, 6) + 0.8 + 0.006 * above(r - 15) + 0.01 * u(0)
    score = rounded(0.74 - 0.3 * decay(r, 5) + 0.0011 * above(r - 12) + 0.012 * u(1), 240)
    return *losses, 1 - 0.5 * decay(r, 8), score


def _negative_losses(r: int, u: Noise) -> tuple[float, ...]:
    return -5 + 4 * decay(r, 15) + 0.01 * u(0), -4.8 + 4 * decay(r, 15) + 0.02 * u(1)


def _negative_losses_turn(r: int, u: Noise) -> tuple[float, ...]:
    return -6 + 5 * decay(r, 12), -3 + 3 * decay(r, 5) + 0.05 * above(r - 12) + 0.02 * u(0)


def _training_loss_of_zero(r: int, u: Noise) -> tuple[float, ...]:
    losses = above(1 - 0.12 * r), 0.6 * decay(r, 4) + 0.25 + 0.01 * above(r - 10) + 0.002 * u(0)
    score = rounded(0.85 - 0.5 * decay(r, 3) - 0.0006 * above(r - 10) + 0.003 * u(1), 1000)
    return *losses, min(1.0, 0.3 + 0.12 * r), score


def _per_cent_at_chance(r: int, u: Noise) -> tuple[float, ...]:
    losses = 2.303 + 0.002 * u(0), 2.304 + 0.003 * u(1)
    return *losses, 10 + 0.6 * u(2), round(10 + 1.6 * u(3), 1)


def _error_rate_collapses(r: int, u: Noise) -> tuple[float, ...]:
    before = (
        1.9 * decay(r, 6) + 0.1,
        1.9 * decay(r, 6) + 0.2,
        0.05 + 0.8 * decay(r, 5),
        0.1 + 0.75 * decay(r, 5),
    )
    train_loss, valid_loss, train, valid = before if r <= 25 else (2.303, 2.304, 0.9, 0.9)
    losses = train_loss + 0.003 * u(0), valid_loss + 0.003 * u(1)
    return *losses, train + 0.002 * u(2), rounded(valid + 0.004 * u(3), 1000)


def _slow_with_a_bump(r: int, u: Noise) -> tuple[float, ...]:
    losses = 1.95 - 0.0008 * r + 0.01 * u(0), 1.948 + 0.0004 * above(r - 20) + 0.0005 * u(3)
    bump = 0.12 * math.exp(-(((r - 5) / 4) ** 2))
    return *losses, 0.16 + 0.0004 * r + 0.05 * u(1), rounded(0.15 + 0.0012 * r + bump + 0.004 * u(2), 500)


def told(chance: float, rows: int, direction: str = "maximize") -> Metric:
    return Metric("accuracy", "minimize" if direction == "minimize" else "maximize", chance, rows)


CURVES = [
    Noisy("a small gain with jitter", _small_gain, UNTOLD, ("healthy", "plateau")),
    Noisy("noise at chance", _noise_at_chance, UNTOLD, ("not_learning",), (10, 50)),
    Noisy("creeps up", _creeps_up, told(0.1, 450), halted=(40, 50)),
    Noisy("a tiny gain", _tiny_gain, UNTOLD, ("plateau", "healthy"), (26, 50)),
    Noisy("creeps up on few rows", _creeps_up_on_few_rows, told(1 / 6, 240), halted=(50, 60), rounds=60),
    Noisy("negative losses", _negative_losses, LOSS),
    Noisy("negative losses turn", _negative_losses_turn, LOSS, ("overfitting",), (20, 35), must_halt=True),
    Noisy(
        "a training loss of zero",
        _training_loss_of_zero,
        told(0.1, 1000),
        ("overfitting",),
        (18, 30),
        must_halt=True,
    ),
    Noisy("per cent at chance", _per_cent_at_chance, told(10, 1000), ("not_learning",), (10, 50)),
    Noisy(
        "an error rate collapses",
        _error_rate_collapses,
        replace(UNTOLD, direction="minimize"),
        ("collapsed",),
        (26, 50),
    ),
    Noisy("slow, with a bump", _slow_with_a_bump, told(1 / 7, 500), rounds=100),
]


def _leader(r: int, u: Noise) -> tuple[float, ...]:
    score = rounded(0.6 - 0.1 * decay(r, 5) + 0.003 * u(0), 2800)
    return 0.69 * decay(r, 40), 0.67, 0.62 - 0.1 * decay(r, 5), score


def _late_starter(r: int, u: Noise) -> tuple[float, ...]:
    q = r - 9
    figures = (0.695, 0.694, 0.5, 0.5)
    if q >= 0:
        figures = (
            0.65 * decay(q, 20),
            0.63,
            0.9 - 0.35 * decay(q, 4),
            0.68 - 0.12 * decay(q, 2),
        )
    train_loss, valid_loss, train, valid = figures
    losses = train_loss + 0.001 * u(4), valid_loss + 0.001 * u(5)
    return *losses, train + 0.004 * u(3), rounded(valid + 0.0005 * u(2), 2800)


STUDY = [Noisy("a leader", _leader, told(0.5, 2800)), Noisy("a late starter", _late_starter, told(0.5, 2800))]
