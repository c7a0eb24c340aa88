"""Every stop rule in the service: the same table after a break (and, in test_matrix.py, on any number of workers)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from storage.confirmations import get_confirmations
from sweeps import RunSettings, StudySettings
from sweeps.diagnosis.report import diagnose_study
from sweeps.pruning.rules import RULES
from sweeps.repeats.confirm import confirm
from sweeps.study.stored_study import Study, load
from sweeps.sweep import launch, resume
from tests.conftest import TOY, TOY_SPACE
from tests.sweeps_tests.driver.tables import figures

NUM_TRIALS = 16
RELATIVE = [name for name in RULES if name not in ("onset", "none")]


def study(rule: str, name: str, num_trials: int = NUM_TRIALS, **how: Any) -> Study:
    """A random search of the toy, whose trials differ in how good they get, and are told apart early."""
    settings = StudySettings(TOY, space=TOY_SPACE, sampler="random", stop_rule=rule, rounds=20, parallelism=3)
    run = RunSettings(**{"num_trials": num_trials, "runner": "inline", **how})
    return launch(settings, run, study=name).study


IN_EACH_RUN = (
    "study",
    "hyperband",
    "median",
)  # one of ours, one with brackets, one that asks the peers of a round


@pytest.mark.parametrize(
    "rule",
    [pytest.param(rule, marks=[] if rule in IN_EACH_RUN else [pytest.mark.soak]) for rule in RELATIVE],
)
def test_a_study_that_was_broken_off_goes_on_to_the_undisturbed_table(rule: str) -> None:
    undisturbed = study(rule, "undisturbed")
    reasons = Counter(trial.attributes["stop_reason"] for trial in undisturbed.table())
    assert set(reasons) <= {"finished", "inferior", "overfitting", "plateau"}
    if rule != "patient":  # it waits until values get worse
        assert reasons["inferior"] >= 2
    for trial in undisturbed.table():
        if trial.attributes["stop_reason"] == "inferior":
            assert trial.state == "PRUNED"
            assert trial.attributes["evidence"]
    assert undisturbed.best().state == "COMPLETE"
    for so_far in (2, 9):
        study(rule, "broken", so_far)
    resume("broken", {"num_trials": NUM_TRIALS})
    assert figures(load("broken")) == figures(undisturbed)


def test_diagnose_halts_where_the_service_did() -> None:
    found = study("study", "s")
    halts = {each.named.name: each.stop and each.stop.reason for each in diagnose_study(found, rule="study")}
    for trial in found.table():
        reason = trial.attributes["stop_reason"]
        assert halts[str(trial.number)] == (None if reason == "finished" else reason)


def test_what_is_confirmed_is_not_halted_for_being_behind() -> None:
    found = study("eager", "s")
    result, _ = confirm("s", top=3, seeds=2, sealed=True, run=RunSettings(runner="inline"))
    assert {trial.attributes["stop_reason"] for trial in result.study.table()} == {"finished"}
    assert len(get_confirmations(found.database, found.row.study_id)) == 1
