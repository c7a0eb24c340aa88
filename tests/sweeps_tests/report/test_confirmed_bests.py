"""More than luck or not: as scipy says, paired where the seeds are the same."""

from __future__ import annotations

import pytest
from scipy import stats

from sweeps.report.confirmed_bests import Best, Difference, difference
from sweeps.trial.metric import Metric

ONE, OTHER = (0.91, 0.93, 0.95, 0.90, 0.97), (0.90, 0.91, 0.94, 0.88, 0.96)
SEEDS = tuple((seed, -1) for seed in range(5))


def found(one: Best, other: Best) -> Difference:
    difference_found = difference(one, other)
    assert difference_found is not None
    return difference_found


def best(
    values: tuple[float | None, ...], seeds: tuple[tuple[int, int], ...] = SEEDS, rows: str = ""
) -> Best:
    return Best(0, 0.9, values, seeds, rows)


def test_common_seeds_are_paired() -> None:
    paired = found(best(ONE), best(OTHER))
    assert paired.pairs == 5
    assert paired.p_value == pytest.approx(stats.ttest_rel(ONE, OTHER).pvalue)
    assert paired.interval == pytest.approx(tuple(stats.ttest_rel(ONE, OTHER).confidence_interval()))
    assert paired.is_more_than_luck


@pytest.mark.parametrize(
    "seeds", [tuple((seed, -1) for seed in range(5, 10)), tuple((s, s) for s in range(5))]
)
def test_other_seeds_or_folds_are_not(seeds: tuple[tuple[int, int], ...]) -> None:
    unpaired = found(best(ONE), best(OTHER, seeds))
    assert unpaired.pairs == 0
    assert unpaired.p_value == pytest.approx(stats.ttest_ind(ONE, OTHER, equal_var=False).pvalue)
    assert not unpaired.is_more_than_luck


def test_seeds_on_other_rows_are_not_the_same() -> None:
    assert found(best(ONE, rows="a"), best(OTHER, rows="b")).pairs == 0


def test_a_failed_repeat_leaves_the_others_in_their_pairs() -> None:
    paired = found(best((None, *ONE[1:])), best((*OTHER[:4], None)))
    assert paired.pairs == 0  # of four and four values, three are of common seeds: none is left out for that
    assert found(best((None, *ONE[1:])), best(OTHER)).pairs == 4


def test_nothing_is_said_of_a_single_repeat() -> None:
    assert difference(best((0.9,)), best(ONE)) is None
    assert difference(None, best(ONE)) is None


@pytest.mark.parametrize(("direction", "better"), [("maximize", "a"), ("minimize", "b")])
def test_the_better_one_is_named_whatever_the_direction(direction: str, better: str) -> None:
    metric = Metric("loss", direction, float("nan"), 100)  # type: ignore[arg-type]
    said = found(best(ONE), best(OTHER)).sentence(("a", "b"), metric)
    assert said.startswith(f"{better} is better by 0.014 (95 % interval 0.0072 to 0.021): more than luck")


def test_values_without_noise() -> None:
    assert found(best((0.5, 0.5)), best((0.4, 0.4), SEEDS[2:])).p_value == 0
    assert found(best((0.5, 0.5)), best((0.5, 0.5), SEEDS[2:])).p_value == 1
