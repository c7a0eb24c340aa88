"""Finds the direction of a score whose name does not tell it, from its correlation with the loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sweeps.diagnosis.curve_files.runs import Run

FEWEST_ROUNDS = 4
CLEAR = 0.7  # the least Spearman rank correlation with the loss, positive or negative, that decides


def direction_by_training(runs: Sequence[Run]) -> Literal["maximize", "minimize"] | None:
    """The direction in which the score moves while the training loss falls, in the longest run; None if it is unclear.

    Without a training loss, the validation loss is used up to its minimum, because after that an accuracy may rise
    together with the loss. Without losses, it is the direction in which the training score moves.
    """
    import pandas as pd  # here, because it takes half a second, and reports of studies do not need it

    run = max(runs, key=lambda run: len(run.numbers))
    frame = pd.DataFrame(run.columns, dtype=float)
    if "valid_score" not in frame:
        return None
    if "train_loss" in frame and frame["train_loss"].notna().sum() >= FEWEST_ROUNDS:
        pairs = pd.DataFrame({"loss": frame["train_loss"].ffill(), "score": frame["valid_score"]}).dropna()
    elif "valid_loss" in frame:
        pairs = frame[["valid_loss", "valid_score"]].set_axis(["loss", "score"], axis=1).dropna()
        pairs = pairs.loc[: pairs["loss"].idxmin()] if len(pairs) else pairs
    elif "train_score" in frame:
        scores = frame["train_score"].dropna().reset_index(drop=True)
        pairs = pd.DataFrame({"loss": -scores.index.to_series(), "score": scores})
    else:
        return None
    if len(pairs) < FEWEST_ROUNDS:
        return None
    together = pairs["loss"].rank().corr(pairs["score"].rank())
    if abs(together) >= CLEAR:
        return "minimize" if together > 0 else "maximize"
    return None
