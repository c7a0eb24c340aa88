"""A learning-rate range test: one run of the shared loop whose learning rate rises from step to step (Smith 2017)."""

from __future__ import annotations

import math
import time
from typing import Any

import torch

from objectives.errors import TaskError
from objectives.round import Cost, Round
from objectives.rows.rows import Splits
from objectives.task import Task
from objectives.training.loop import Run, peak_memory_bytes

DIVERGED = 4.0  # times the best loss (see `_has_diverged`): fastai and Lightning end a range test there
SMOOTHING = 0.8  # weight of the past in the moving mean of the loss


class RateRangeRun(Run):
    """A run of `rounds` steps; step k has the learning rate low · (high / low)^(k / (rounds - 1)).

    A round is one step. It reports only the batch's mean loss before the step, the learning rate and the gradient's
    norm; there is no evaluation. `valid_score` is that loss. Once the loss has diverged, the remaining rounds are not
    trained, and their loss is NaN.
    """

    def __init__(
        self,
        task: Task,
        parameters: Any,
        splits: Splits,
        *,
        rounds: int,
        seed: int,
        device: torch.device,
        low: float,
        high: float,
    ) -> None:
        super().__init__(task, parameters, splits, rounds=rounds, seed=seed, device=device)
        self.steps_per_round = 1
        self._low, self._high = low, high
        self._feed.rate = self.rate_of
        self._first: float | None = None
        self._mean = self._best = math.inf

    def rate_of(self, step: int) -> float:
        """The learning rate of step number `step`; the first step is number 0."""
        return self._low * math.pow(self._high / self._low, step / max(1, self.rounds - 1))

    def advance(self) -> Round:
        """Make one step."""
        began = time.perf_counter()
        rate = self.rate_of(self.rounds_done)
        if self._has_diverged():
            self.rounds_done += 1
            loss, norm = math.nan, None
        else:
            trained = self.train_round()
            loss, norm = trained.running_loss, trained.gradient_norm
            self._follow(loss)
        return Round(
            index=self.rounds_done,
            valid_score=loss,
            running_loss=loss,
            learning_rate=rate,
            gradient_norm=norm,
            cost=self._cost(time.perf_counter() - began),
        )

    def _cost(self, seconds: float) -> Cost:
        return Cost(seconds, self.batch_size / max(seconds, 1e-9), peak_memory_bytes(self.device))

    def state_dict(self) -> dict[str, Any]:
        """The state of the run, and the losses by which divergence is detected."""
        return {**super().state_dict(), "followed": [self._first, self._mean, self._best]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from where `state` was taken."""
        super().load_state_dict(state)
        self._first, self._mean, self._best = state["followed"]

    def _follow(self, loss: float) -> None:
        if self._first is None:
            self._first = self._mean = loss
        self._mean = SMOOTHING * self._mean + (1 - SMOOTHING) * loss
        self._best = min(self._best, self._mean)

    def _has_diverged(self) -> bool:
        """Whether the smoothed loss is not finite, or is above both the first and the best loss by 3 · |best loss|."""
        if self._first is None:
            return False
        if not math.isfinite(self._mean):
            return True
        return self._mean > max(self._first, self._best) + (DIVERGED - 1) * abs(self._best)


def start_rate_range(
    task: Task,
    parameters: Any,
    splits: Splits,
    *,
    rounds: int,
    seed: int,
    device: torch.device,
    low: float,
    high: float,
) -> RateRangeRun:
    """A new range test. Raises TaskError if the task has its own training loop."""
    own = task.start(parameters, splits, rounds=1, seed=seed, device=device)
    if own is not None:
        own.close()
        raise TaskError(
            f"With these parameters, {task.name} uses its own training loop, so its learning rate can't be raised from "
            "step to step."
        )
    return RateRangeRun(task, parameters, splits, rounds=rounds, seed=seed, device=device, low=low, high=high)
