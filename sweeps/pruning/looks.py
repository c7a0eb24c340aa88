"""What is judged of a curve: its looks.

A look is a round with a validation figure, together with the training rounds since the look before. So a curve that is
validated in every fifth round is judged as one of a fifth of the rounds. A long curve has no more than MOST_LOOKS of
them, each the mean of a block of rounds: to judge it after each of its rounds would take time that grows with the
square of their number, and would find nothing more, as everything that rules look for is a share of the budget.
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
    """Whether a curve is judged after so many rounds; a loss that is not finite is seen after any."""
    return num_rounds >= budget or num_rounds % block_of(budget) == 0


def rounds_to_judge(curve: Curve, budget: int) -> Iterator[int]:
    """After how many rounds a curve is judged, where all of it is there: when it is due, and at what is not finite."""
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
    few = np.flatnonzero(odd)[:block] + 1  # more of them in a row are found when the next look is due
    yield from map(int, np.unique(np.concatenate([due, few, [len(curve)]])))


def looks_of(curve: Curve, budget: int) -> tuple[Curve, int]:
    """The curve by its looks, without gaps and finite, and the budget in looks.

    The curve has no look where no validation figure is finite.
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
    """Whether every round has its training figures, or none has any."""
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
    """The mean of the usable values of each look; where there is none, that of the look before, or the first one."""
    sums = np.add.reduceat(np.where(usable, values, 0.0)[: ends[-1] + 1], starts)
    counts = np.add.reduceat(usable[: ends[-1] + 1].astype(np.float64), starts)
    means = np.full(len(ends), np.nan)
    np.divide(sums, counts, out=means, where=counts > 0)
    return _forward(means)


def _forward(values: FloatArray) -> FloatArray:
    """NaN replaced by the latest value that is none; at the start by the first; as it is where there is none."""
    known = np.flatnonzero(~np.isnan(values))
    if len(known) in (0, len(values)):
        return values
    latest = np.searchsorted(known, np.arange(len(values)), side="right") - 1
    return np.asarray(values[known[np.maximum(latest, 0)]])
