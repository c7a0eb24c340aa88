"""Curves with noise and known answers: labels and halts hold for every seed."""

from __future__ import annotations

import pytest

from sweeps.diagnosis.labels import diagnose
from sweeps.pruning.relative import StudyRule
from sweeps.pruning.rule import Watch
from tests.sweeps_tests.pruning.noisy import CURVES, SEEDS, STUDY, Noisy
from tests.sweeps_tests.pruning.test_drawn_curves import halt_of

noisy_curves = pytest.mark.parametrize("noisy", CURVES, ids=lambda noisy: noisy.name)
seeds = pytest.mark.parametrize("seed", SEEDS)


@seeds
@noisy_curves
def test_noise_changes_no_label(noisy: Noisy, seed: int) -> None:
    found = diagnose(noisy.curve(seed), noisy.rounds, noisy.metric)
    assert not noisy.labels or found.label in noisy.labels, found


@seeds
@noisy_curves
def test_noise_brings_no_halt_forward(noisy: Noisy, seed: int) -> None:
    stop = halt_of(noisy.curve(seed), noisy.metric, noisy.rounds)
    if stop is None or noisy.halted is None:
        assert stop is None
        assert not noisy.must_halt
    else:
        assert noisy.halted[0] <= stop.round <= noisy.halted[1], stop


@seeds
def test_a_trial_that_has_not_begun_is_not_inferior(seed: int) -> None:
    leader, late = (noisy.curve(seed) for noisy in STUDY)
    rule = StudyRule(Watch(50, STUDY[0].metric))
    rule.finished(0, leader, "COMPLETE")
    stops = [rule.verdict(1, late.until(rounds)) for rounds in range(1, 51)]
    assert all(stop is None or stop.reason != "inferior" for stop in stops)
