"""Decides whether the first folds of a configuration show that it is hopeless, so that the others are not trained."""

from __future__ import annotations

import math
import statistics

from sweeps.samplers.visible_trials import Finished
from sweeps.trial.metric import Metric

CERTAINTY = 0.999


class FoldWatch:
    """Compares the folds of a configuration with those of the best complete configuration, fold by fold.

    The noise of a fold is the standard deviation of the folds within a configuration, pooled over all complete ones. A
    configuration is hopeless if its mean on its folds so far is worse by more than this noise explains with 99.9 %
    certainty (one-sided, Student's t). For a fraction, the gap must also exceed the sampling error with this certainty.
    A configuration with a fold that did not complete is hopeless, too.

    each: the number of trials of a configuration.
    """

    def __init__(self, metric: Metric, each: int) -> None:
        self._metric = metric
        self._each = each
        self._open: dict[int, dict[int, Finished]] = {}
        self._best: list[float] | None = None
        self._squares = 0.0
        self._freedom = 0

    def tell(self, part: tuple[int, int], outcome: Finished) -> None:
        """Record that a trial has ended. Call it in the order of the trials' numbers."""
        configuration, repeat = part
        outcomes = self._open.setdefault(configuration, {})
        outcomes[repeat] = outcome
        if repeat == self._each - 1:
            del self._open[configuration]
            self._close([outcomes[k] for k in sorted(outcomes)])

    def verdict(self, configuration: int) -> str:
        """Why the configuration is hopeless; empty if it is not."""
        outcomes = self._open.get(configuration, {})
        for repeat, outcome in sorted(outcomes.items()):
            if outcome.completed_value is None:
                return f"its fold {repeat + 1} of {self._each} ended as {outcome.state}"
        if self._best is None or not outcomes:
            return ""
        ours = [float(outcomes[repeat].value or 0.0) for repeat in sorted(outcomes)]
        theirs = [self._best[repeat] for repeat in sorted(outcomes)]
        gap = statistics.fmean(
            self._metric.oriented(b) - self._metric.oriented(a) for a, b in zip(ours, theirs, strict=True)
        )
        from scipy import stats  # here, because planning imports this module and must stay fast

        spread = float(stats.t.ppf(CERTAINTY, self._freedom)) * math.sqrt(self._squares / self._freedom)
        sampling = statistics.NormalDist().inv_cdf(CERTAINTY) * self._sampling_error(theirs)
        most = max(spread, sampling) * math.sqrt(2 / len(ours))
        if not gap > most:
            return ""
        return (
            f"after {len(ours)} of {self._each} folds it has {statistics.fmean(ours):.4g}, and the best configuration "
            f"had {statistics.fmean(theirs):.4g} on them; chance explains a difference of at most {most:.2g}"
        )

    def _close(self, outcomes: list[Finished]) -> None:
        values = [each.completed_value for each in outcomes]
        known = [value for value in values if value is not None]
        if len(known) < self._each:
            return
        mean = statistics.fmean(known)
        self._squares += sum((value - mean) ** 2 for value in known)
        self._freedom += len(known) - 1
        if self._best is None or self._metric.is_better(mean, statistics.fmean(self._best)):
            self._best = known

    def _sampling_error(self, scores: list[float]) -> float:
        """The standard error of the mean if the score is a fraction of the validation rows, like accuracy; else 0."""
        share = statistics.fmean(scores)
        if self._metric.direction == "minimize" or not 0 <= share <= 1:
            return 0.0
        return math.sqrt(share * (1 - share) / max(1, self._metric.num_valid))
