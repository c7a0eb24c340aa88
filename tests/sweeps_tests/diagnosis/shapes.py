"""Shapes that training curves of other people have, drawn over a hundred rounds with noise from a seed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sweeps.pruning.learning_curve import Curve, FloatArray, curve_from_columns
from sweeps.trial.metric import Metric

ROUNDS = 100
R = np.arange(1, ROUNDS + 1)
Noise = Callable[[float], FloatArray]
GOING_WELL = ("healthy", "unfinished", "plateau")


@dataclass(frozen=True)
class Shape:
    """columns: train_loss, valid_loss, train_score, valid_score, or the first two. labels: those that an eye agrees with."""

    name: str
    labels: tuple[str, ...]
    columns: Callable[[Noise], tuple[FloatArray, ...]]
    direction: Literal["maximize", "minimize"] = "maximize"

    @property
    def metric(self) -> Metric:
        return Metric("score", self.direction, float("nan"), 0)

    def curve(self, seed: int, *, scale: float = 1.0, shift: float = 0.0) -> Curve:
        """With losses times `scale` plus `shift`."""
        draws = np.random.default_rng(seed)
        values = self.columns(lambda size: size * draws.normal(size=ROUNDS))
        names = ("train_loss", "valid_loss", "train_score", "valid_score")
        columns = {name: list(each) for name, each in zip(names, values, strict=False)}
        for name in names[:2]:
            columns[name] = [scale * value + shift for value in columns[name]]
        return curve_from_columns(columns, self.metric)


def e(rounds: float) -> FloatArray:
    """Falls from 1 to 0."""
    return np.asarray(np.exp(-R / rounds))


def since(first: int) -> FloatArray:
    """0 up to a round, then how many have passed since."""
    return np.asarray(np.clip(R - first, 0, None), dtype=np.float64)


def _warm_restarts(noise: Noise) -> tuple[FloatArray, ...]:
    saw = 0.125 * (1 + np.cos(np.pi * ((R - 1) % 25) / 25))
    return (
        0.1 + 1.5 * e(15) + 0.6 * saw * e(80) + noise(0.01),
        0.35 + 1.4 * e(12) + 0.5 * saw * e(90) + noise(0.01),
        0.97 - 0.6 * e(15) - 0.2 * saw,
        0.9 - 0.55 * e(12) - 0.15 * saw + noise(0.004),
    )


def _step_drops(noise: Noise) -> tuple[FloatArray, ...]:
    step = np.minimum(R // 30, 3)
    loss, score = np.array([1.5, 1.0, 0.8, 0.75])[step], np.array([0.62, 0.71, 0.745, 0.75])[step]
    return (
        loss + 3 * e(5) + noise(0.01),
        loss + 0.05 + 3 * e(5) + noise(0.03),
        score - 0.5 * e(5) - 0.02,
        score - 0.5 * e(5) + noise(0.006),
    )


def _spikes(noise: Noise) -> tuple[FloatArray, ...]:
    spike = np.isin(R, (34, 62)) * 4.0
    return (
        0.2 + 1.5 * e(15) + spike + noise(0.01),
        0.4 + 1.4 * e(14) + 1.1 * spike + noise(0.01),
        0.95 - 0.6 * e(15) - 0.1 * spike,
        0.9 - 0.5 * e(14) - 0.1 * spike + noise(0.004),
    )


def _collapse(noise: Noise) -> tuple[FloatArray, ...]:
    gone = R >= 60
    return (
        np.where(gone, 2.303, 0.2 + 1.5 * e(12)) + noise(0.005),
        np.where(gone, 2.303, 0.4 + 1.5 * e(12)) + noise(0.005),
        np.where(gone, 0.1, 0.95 - 0.6 * e(12)) + noise(0.004),
        np.where(gone, 0.1, 0.9 - 0.6 * e(12)) + noise(0.004),
    )


def _nan_at_the_end(noise: Noise) -> tuple[FloatArray, ...]:
    loss = np.where(R > 97, np.nan, 0.2 + 1.5 * e(15)) + noise(0.01)
    return loss, loss + 0.2, 0.95 - 0.6 * e(15), 0.9 - 0.5 * e(14)


SHAPES = [
    Shape("cosine schedule with restarts", GOING_WELL, _warm_restarts),
    Shape("rate dropped at rounds 30, 60 and 90", ("plateau", "healthy"), _step_drops),
    Shape("spikes of the loss that recover", GOING_WELL, _spikes),
    Shape("collapse", ("collapsed",), _collapse),
    Shape("not a number at the end", ("diverged",), _nan_at_the_end),
    Shape(
        "label smoothing",
        GOING_WELL,
        lambda noise: (
            0.9 + 1.4 * e(20) + noise(0.01),
            0.6 + 1.4 * e(18) + noise(0.01),
            0.9 - 0.5 * e(20),
            0.93 - 0.5 * e(18) + noise(0.004),
        ),
    ),
    Shape(
        "augmented, converged early",
        ("plateau",),
        lambda noise: (
            0.8 + 1.4 * e(6) + noise(0.008),
            0.5 + 1.4 * e(6) + noise(0.006),
            0.75 - 0.5 * e(6),
            0.86 - 0.5 * e(6) + noise(0.003),
        ),
    ),
    Shape(
        "loss rises, accuracy as well",
        ("overconfident",),
        lambda noise: (
            0.01 + 1.2 * e(10),
            0.45 + 0.8 * e(5) + 0.006 * since(15) + noise(0.01),
            1 - 0.5 * e(8),
            0.7 + 0.0009 * R - 0.3 * e(6) + noise(0.002),
        ),
    ),
    Shape(
        "overfits",
        ("overfitting",),
        lambda noise: (
            0.01 + 1.2 * e(10),
            0.5 + 0.9 * e(6) + 0.01 * since(18) + noise(0.01),
            1 - 0.5 * e(8),
            0.8 - 0.4 * e(5) - 0.0004 * since(18) + noise(0.004),
        ),
    ),
    Shape(
        "double descent",
        GOING_WELL,
        lambda noise: (
            0.02 + 1.5 * e(15),
            0.6 + 1.2 * e(8) + 0.4 * np.exp(-(((R - 35) / 10) ** 2)) + noise(0.01) - 0.0015 * R,
            1 - 0.6 * e(15),
            0.75 - 0.4 * e(8) - 0.08 * np.exp(-(((R - 35) / 10) ** 2)) + 0.001 * R + noise(0.004),
        ),
    ),
    Shape(
        "Dice loss, which is negative",
        GOING_WELL,
        lambda noise: (
            -0.92 + 0.8 * e(20) + noise(0.004),
            -0.85 + 0.75 * e(18) + noise(0.008),
            np.full(ROUNDS, np.nan),
            0.85 - 0.75 * e(18) + noise(0.008),
        ),
    ),
    Shape(
        "an error that falls to the end",
        ("unfinished",),
        lambda noise: (
            0.3 + 3 * e(30),
            0.5 + 3 * e(30) + noise(0.01),
            0.1 + 0.88 * e(30),
            0.12 + 0.88 * e(35) + noise(0.003),
        ),
        "minimize",
    ),
    Shape(
        "an error that has levelled off",
        ("plateau", "healthy"),
        lambda noise: (1 + 20 * e(12), 3 + 18 * e(12), 0.6 + 6 * e(12), 1.2 + 6 * e(12) + noise(0.01)),
        "minimize",
    ),
    Shape(
        "an error that hardly falls",
        ("not_learning",),
        lambda noise: (
            1.8 + 0.01 * e(40) + noise(0.01),
            1.65 + 0.01 * e(40),
            160 + noise(0.5),
            136 + 0.5 * e(60),
        ),
        "minimize",
    ),
    Shape(
        "a share that climbs slowly from chance",
        ("unfinished",),
        lambda noise: (2.69 - 0.002 * R, 2.7 - 0.002 * R, 0.14 + 0.0004 * R, 0.13 + 0.0004 * R),
    ),
    Shape(
        "chance",
        ("not_learning",),
        lambda noise: (2.303 + noise(0.002), 2.303 + noise(0.002), 0.1 + noise(0.003), 0.1 + noise(0.005)),
    ),
    Shape(
        "a rate that is too high",
        ("bouncing",),
        lambda noise: (
            0.5 + 1.5 * e(8) + noise(0.1),
            0.7 + 1.4 * e(8) + noise(0.2),
            0.7 - 0.4 * e(8) + noise(0.04),
            0.7 - 0.4 * e(8) + noise(0.06),
        ),
    ),
    Shape(
        "a language model overfits, loss only",
        ("overfitting",),
        lambda noise: (0.5 + 2 * e(20), 1.8 + 0.8 * e(6) + 0.01 * since(15) + noise(0.004)),
    ),
    Shape(
        "a language model still learns, loss only",
        ("unfinished",),
        lambda noise: (1.5 + 2 * e(60) + noise(0.02), 1.7 + 2 * e(60) + noise(0.004)),
    ),
]
