"""Whether the confirmed bests of two studies differ by more than luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from storage import StorageError
from sweeps.errors import UsageError
from sweeps.repeats.significance import SIGNIFICANCE, Spread, paired_p_value
from sweeps.study.stored_study import Study, load_from
from sweeps.trial.metric import Metric

MOST_VALUES_WITHOUT_POWER = 3  # with so few, only a large difference can be told from luck


@dataclass(frozen=True)
class Best:
    """The best result of a study, from the search and from the confirmation.

    searched: value of the best trial in the search. It is partly luck, as the trial was chosen because it is the best.
    values: scores of the confirmed trial, trained again from fresh seeds; None for a repeat that failed; empty if
    nothing was confirmed. origins: the seed and the fold of each repeat, as far as they are known. rows: digest of the
    study's data. test: scores on the test split.
    """

    trial: int
    searched: float
    values: tuple[float | None, ...] = ()
    origins: tuple[tuple[int, int], ...] = ()
    rows: str = ""
    test: tuple[float, ...] = ()

    @property
    def known(self) -> tuple[float, ...]:
        """The values of repeats that did not fail."""
        return tuple(value for value in self.values if value is not None)

    @property
    def by_origin(self) -> dict[tuple[int, int], float]:
        """The same, by seed and fold."""
        pairs = zip(self.origins, self.values, strict=False)
        return {origin: value for origin, value in pairs if value is not None}


@dataclass(frozen=True)
class Difference:
    """By how much the mean of the first is above that of the second.

    p_value: how likely a difference of this size, or a larger one, is by chance (two-sided). interval: where the true
    difference lies with 95 % confidence. pairs: how many values were compared seed by seed (Student's paired t-test);
    0 where the seeds differ (Welch's t-test).
    """

    mean: float
    p_value: float
    interval: tuple[float, float]
    counts: tuple[int, int]
    pairs: int = 0

    @property
    def is_more_than_luck(self) -> bool:
        """Whether it is significant."""
        return self.p_value < SIGNIFICANCE

    def sentence(self, names: tuple[str, str], metric: Metric) -> str:
        """Which is better, by how much, and how that is known."""
        how = self._how()
        if self.mean == 0:
            return f"The confirmed scores are equal ({how})."
        is_first = metric.oriented(self.mean) > 0
        low, high = sorted(end if self.mean > 0 else -end for end in self.interval)
        size = f"{abs(self.mean):.2g} (95 % interval {low:.2g} to {high:.2g})"
        better = names[0] if is_first else names[1]
        if self.is_more_than_luck:
            return f"{better} is better by {size}: more than luck (p = {self.p_value:.2g}; {how})."
        few = min(self.counts) <= MOST_VALUES_WITHOUT_POWER
        more = " More seeds would tell more: sweep confirm --seeds N." if few else ""
        return f"{better} is better by {size}, which may be luck (p = {self.p_value:.2g}; {how}).{more}"

    def _how(self) -> str:
        if self.pairs:
            return f"paired t-test, {self.pairs} common seeds"
        return f"Welch's t-test, {self.counts[0]} and {self.counts[1]} seeds"


def best_of(study: Study) -> Best | None:
    """The best of a study; None if no trial is complete."""
    ranked = study.ranking(1)
    if not ranked:
        return None
    answer = study.confirmed(ranked[0])
    confirmed = study.confirmation() if study.is_confirmed(ranked[0]) else None
    searched = float(study.value_of(answer) or 0.0)
    if confirmed is None:
        return Best(answer.number, searched)
    return Best(
        answer.number,
        searched,
        tuple(confirmed.record["values"]),
        _origins(study, confirmed.name),
        study.spec.data.digest,
        tuple((confirmed.record.get("test") or {}).get("values", ())),
    )


def _origins(study: Study, name: str) -> tuple[tuple[int, int], ...]:
    """Seed and fold of each repeat of a confirmation; empty if its study was deleted."""
    try:
        repeated = load_from(study.database, name)
    except (UsageError, StorageError):
        return ()
    folds = repeated.spec.data.plan.folds
    each = repeated.table()[:: len(repeated.spec.enqueued)]
    return tuple(
        (int(trial.attributes["seed"]), index % folds if folds else -1) for index, trial in enumerate(each)
    )


def difference(one: Best | None, other: Best | None) -> Difference | None:
    """Of two confirmed bests; None where one was not confirmed from at least two seeds.

    Repeats of the same rows, seed and fold are compared with each other, if there are as many as the study that has
    fewer; else the two have neither seeds nor spread in common.
    """
    if one is None or other is None or min(len(one.known), len(other.known)) < 2:
        return None
    common = [] if one.rows != other.rows else [each for each in one.by_origin if each in other.by_origin]
    if len(common) >= min(len(one.known), len(other.known)):
        return _paired([one.by_origin[each] for each in common], [other.by_origin[each] for each in common])
    return _unpaired(one.known, other.known)


def _paired(one: Sequence[float], other: Sequence[float]) -> Difference:
    p_value, spread = paired_p_value(one, other), Spread.of([a - b for a, b in zip(one, other, strict=True)])
    interval = spread.interval()
    assert p_value is not None
    assert interval is not None
    return Difference(spread.mean, p_value, interval, (len(one), len(other)), len(one))


def _unpaired(one: Sequence[float], other: Sequence[float]) -> Difference:
    mean, counts = Spread.of(one).mean - Spread.of(other).mean, (len(one), len(other))
    if all(max(each) == min(each) for each in (one, other)):  # no noise at all
        return Difference(mean, 1.0 if mean == 0 else 0.0, (mean, mean), counts)
    from scipy import stats

    found = stats.ttest_ind(one, other, equal_var=False)
    low, high = found.confidence_interval()
    return Difference(mean, float(found.pvalue), (float(low), float(high)), counts)
