"""Whether less of a score is better, told from how it moves with the loss, where its name does not say so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sweeps.diagnosis.curve_files.runs import Run

FEWEST_ROUNDS = 4
CLEAR = 0.7  # rank correlation (Spearman), from which a score is said to move with the loss, or against it


def direction_by_loss(runs: Sequence[Run]) -> Literal["maximize", "minimize"] | None:
    """The direction in which the score improves while the training loss falls; None where that is not clear.

    Without a training loss, the validation loss up to its minimum: after that both a loss and an accuracy may rise. The
    longest run decides.
    """
    import pandas as pd  # needs half a second, which reports of studies need not pay

    run = max(runs, key=lambda run: len(run.numbers))
    frame = pd.DataFrame(run.columns, dtype=float)
    if "valid_score" not in frame:
        return None
    if "train_loss" in frame and frame["train_loss"].notna().sum() >= FEWEST_ROUNDS:
        pairs = pd.DataFrame({"loss": frame["train_loss"].ffill(), "score": frame["valid_score"]}).dropna()
    elif "valid_loss" in frame:
        pairs = frame[["valid_loss", "valid_score"]].set_axis(["loss", "score"], axis=1).dropna()
        pairs = pairs.loc[: pairs["loss"].idxmin()] if len(pairs) else pairs
    else:
        return None
    if len(pairs) < FEWEST_ROUNDS:
        return None
    together = pairs["loss"].rank().corr(pairs["score"].rank())
    if abs(together) >= CLEAR:
        return "minimize" if together > 0 else "maximize"
    return None
