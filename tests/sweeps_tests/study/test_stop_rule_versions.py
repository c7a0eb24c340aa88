"""A study goes on by the version of its stop rule that it was begun with, unless it is told to; then rows say so."""

from __future__ import annotations

import pytest

from sweeps import settings
from sweeps.errors import UsageError
from sweeps.study.stored_study import load
from sweeps.sweep import resume
from tests.conftest import ToyLauncher

DIFFERENCE = f"stop rule onset: version 1 -> {settings.stop_rule_version('onset')}"


@pytest.fixture
def first_version(launch_toy: ToyLauncher, monkeypatch: pytest.MonkeyPatch) -> None:
    """A study `s` of one trial that an older onset-sweeps began."""
    with monkeypatch.context() as patch:
        patch.setattr(settings, "STOP_RULE_VERSIONS", {})
        launch_toy(num_trials=1, study="s")


@pytest.mark.usefixtures("first_version")
def test_a_study_of_another_version_of_its_stop_rule_is_read_and_not_gone_on_with(
    launch_toy: ToyLauncher,
) -> None:
    assert len(load("s").table()) == 1
    with pytest.raises(UsageError, match="started with version 1 of the stop rule onset") as refusal:
        resume("s", {"num_trials": 2})
    assert "--force" in str(refusal.value)
    with pytest.raises(UsageError, match="use `sweep resume s --force"):
        launch_toy(num_trials=2, study="s")
    assert len(load("s").table()) == 1


@pytest.mark.usefixtures("first_version")
def test_trials_that_another_version_judged_by_force_are_named() -> None:
    resume("s", {"num_trials": 3}, force=True)
    study = load("s")
    assert study.other_environments(study.table()) == {DIFFERENCE: [1, 2]}


def test_trials_of_one_version_are_not_marked(launch_toy: ToyLauncher) -> None:
    study = launch_toy(num_trials=2).study
    assert study.other_environments(study.table()) == {}
