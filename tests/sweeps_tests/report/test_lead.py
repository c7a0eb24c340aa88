"""A lead is told in rows and standard errors, with what follows from it."""

from __future__ import annotations

import math

import pytest

from sweeps.report.lead import Lead, lead_of, rows_behind
from sweeps.report.regularisation import more_regularisation
from sweeps.report.study_facts import read_facts
from sweeps.study.stored_study import load
from tests.conftest import ToyLauncher


def lead(**changes: object) -> Lead:
    usual = {"best": 8, "next": 12, "score": 719 / 750, "size": 1 / 750, "noise": 0.0015, "rows": 750}
    return Lead(**{**usual, "alike": list(range(12)), "count": 16, **changes})  # type: ignore[arg-type]


def test_a_lead_of_one_row_is_told_as_one_row_and_as_no_evidence() -> None:
    found = lead()
    assert found.rows_ahead == 1
    assert found.standard_error == pytest.approx(math.sqrt(719 / 750 * 31 / 750 / 750))
    told = " ".join(found.sentences())
    assert "1 row of 750 (719 right against 718)" in told
    assert "no evidence that trial 8 is better than trial 12: 12 of the 16 trials" in told


def test_without_rows_only_the_noise_of_rounds_is_told() -> None:
    found = lead(rows=None)
    assert (found.rows_ahead, found.standard_error) == (None, None)
    assert "row " not in " ".join(found.sentences())
    assert "from round to round by chance" in " ".join(found.sentences())


def test_a_lead_beyond_the_noise_is_not_called_noise() -> None:
    found = lead(alike=[8], size=0.1)
    assert not found.is_within_noise
    assert "larger than this noise" in found.told()


def test_scores_that_make_no_whole_number_of_rows_are_no_share_of_rows(launch_toy: ToyLauncher) -> None:
    launch_toy(study="s", num_trials=4)
    facts = read_facts(load("s"))
    rows = facts.study.spec.metric.num_valid
    for k, trial in enumerate(facts.ranked):
        object.__setattr__(trial, "value", (rows - 1 - k) / rows)
    assert rows_behind(facts) == rows
    found = lead_of(facts)
    assert found is not None
    assert found.rows_ahead == 1
    object.__setattr__(facts.ranked[0], "value", 0.123456789)
    assert rows_behind(facts) is None


def test_no_range_is_advised_that_the_study_says_nothing_of(launch_toy: ToyLauncher) -> None:
    launch_toy(study="s", num_trials=2)
    assert more_regularisation(read_facts(load("s"))) is None
