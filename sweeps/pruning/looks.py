"""Reduces a curve to its looks: the points that are judged.

A look is a round with a validation figure, together with the training rounds since the previous look. So a curve that
is validated in every fifth round is judged like a curve with a fifth of the rounds. A long curve has at most MOST_LOOKS
looks, each of which is the mean of a block of rounds. To judge such a curve after each round would take time that grows
with the square of the rounds, and would find nothing more, because all times in the rules are shares of the budget.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sweeps.pruning.learning_curve import BoolArray, Curve, FloatArray, IntArray

MOST_LOOKS = 300
_MEANS_OF_TRAINING = ("train_loss", "train_score")
_MEANS_OF_VALIDATION = ("valid_loss", "valid_score")
_AT_THE_END = ("numbers", "ends", "score_error")


def block_of(budget: int) -> int:
    """How many rounds one look of a curve of `budget` rounds spans."""
    return -(-budget // MOST_LOOKS)


def is_due(num_rounds: int, budget: int) -> bool:
    """Whether a curve is judged after so many rounds. (A loss that is not finite is judged after any round.)"""
    return num_rounds >= budget or num_rounds % block_of(budget) == 0


def rounds_to_judge(curve: Curve, budget: int) -> Iterator[int]:
    """The numbers of rounds after which a complete curve is judged: when it is due, or a value is not finite."""
    block = block_of(budget)
    if block == 1:
        yield from range(1, len(curve) + 1)
        return
    odd = ~np.isfinite(curve.valid_loss) & curve.valid_measured
    if curve.has_train_loss:
        odd |= ~np.isfinite(curve.train_loss) & curve.train_measured
    if curve.running_loss is not None:
        odd |= ~np.isfinite(curve.running_loss)
    due = np.arange(block, len(curve) + 1, block)
    few = np.flatnonzero(odd)[:block] + 1  # if more follow each other, the next look that is due finds them
    yield from map(int, np.unique(np.concatenate([due, few, [len(curve)]])))


def looks_of(curve: Curve, budget: int) -> tuple[Curve, int]:
    """The curve reduced to its looks, with finite values only, and the budget in looks.

    It has no looks at all if no round has finite validation figures.
    """
    usable = curve.valid_measured & np.isfinite(curve.valid_loss) & np.isfinite(curve.valid_score)
    if block_of(budget) == 1 and usable.all() and _is_finite(curve):
        return curve, budget
    ends = _ends(usable, block_of(budget))
    if not len(ends):
        return curve.until(0), budget
    starts = np.concatenate([[0], ends[:-1] + 1])
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, values in curve.arrays().items():
        if name in _MEANS_OF_VALIDATION:
            arrays[name] = _means(values.astype(np.float64), usable, starts, ends)
        elif name in _MEANS_OF_TRAINING:
            arrays[name] = _means(
                values.astype(np.float64), np.isfinite(values.astype(np.float64)), starts, ends
            )
        elif name in _AT_THE_END or values.dtype == np.bool_:
            arrays[name] = values[ends]
        else:
            arrays[name] = _forward(values.astype(np.float64))[ends]
    arrays["valid_measured"] = np.ones(len(ends), dtype=np.bool_)
    return curve.with_arrays(arrays), max(len(ends), round(budget * len(ends) / len(curve)))


def _is_finite(curve: Curve) -> bool:
    """Whether the training losses and scores, if recorded, are finite in every round."""
    known = (curve.has_train_loss, curve.train_loss), (curve.has_train_score, curve.train_score)
    return all(np.isfinite(values).all() for is_known, values in known if is_known)


def _ends(usable: BoolArray, block: int) -> IntArray:
    """The position of the last usable round of each block that has one."""
    positions = np.flatnonzero(usable)
    if block == 1 or not len(positions):
        return positions
    last = np.append(np.diff(positions // block) > 0, True)
    return np.asarray(positions[last])


def _means(values: FloatArray, usable: BoolArray, starts: IntArray, ends: IntArray) -> FloatArray:
    """The mean of the usable values in each look.

    A look without one takes the mean of the look before it; at the start, that of the first look with one.
    """
    sums = np.add.reduceat(np.where(usable, values, 0.0)[: ends[-1] + 1], starts)
    counts = np.add.reduceat(usable[: ends[-1] + 1].astype(np.float64), starts)
    means = np.full(len(ends), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return _forward(means)


def _forward(values: FloatArray) -> FloatArray:
    """The values with each NaN replaced by the latest number before it; at the start, by the first number.

    Unchanged if all values are NaN.
    """
    known = np.flatnonzero(~np.isnan(values))
    if len(known) in (0, len(values)):
        return values
    latest = np.searchsorted(known, np.arange(len(values)), side="right") - 1
    return np.asarray(values[known[np.maximum(latest, 0)]])
