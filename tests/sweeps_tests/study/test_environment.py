"""Where figures come from is recorded; a study goes on elsewhere only if they stay the same, or if told to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from objectives.source_code import read_sources
from sweeps.errors import UsageError
from sweeps.study import environment as provenance
from sweeps.study import planned
from sweeps.study.stored_study import load
from sweeps.sweep import resume
from tests.conftest import TOY, ToyLauncher

Begin = Callable[..., None]


@pytest.fixture
def begin(launch_toy: ToyLauncher, monkeypatch: pytest.MonkeyPatch) -> Begin:
    """Launches a study of one trial in an environment with changes; `versions__x` is the version of x."""

    def begin_it(**changes: Any) -> None:
        here = provenance.environment("cpu", 1, read_sources(Path(TOY.partition(":")[0])))
        versions = {name.partition("__")[2]: changes.pop(name) for name in list(changes) if "__" in name}
        there = {**here, **changes, "versions": {**here["versions"], **versions}}
        with monkeypatch.context() as patch:
            patch.setattr(planned, "environment", lambda *given: there)
            launch_toy(num_trials=1, study="s")

    return begin_it


def test_a_study_and_each_trial_tell_their_environment(launch_toy: ToyLauncher) -> None:
    study = launch_toy(num_trials=2).study
    ((key, environment),) = study.provenance["environments"].items()
    assert {trial.attributes["environment"] for trial in study.table()} == {key}
    assert {"python", "torch", "numpy", "optuna", "scipy", "ray", "onset-sweeps"} <= set(
        environment["versions"]
    )
    assert {"commit", "code", "platform", "cpu_capability", "device", "threads"} <= set(environment)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"versions__torch": "1.0"}, "torch: 1.0 -> "),
        ({"versions__cmaes": "0.1"}, "cmaes: 0.1 -> "),
        ({"cpu_capability": "Z80"}, "cpu_capability: Z80 -> "),
        ({"settings": {"MKL_CBWR": "AVX"}}, "settings: {'MKL_CBWR': 'AVX'} -> None"),
    ],
)
def test_what_may_alter_figures_is_refused_by_name(
    launch_toy: ToyLauncher, begin: Begin, changes: dict[str, Any], told: str
) -> None:
    begin(**changes)
    with pytest.raises(UsageError, match="started in another environment") as refusal:
        resume("s", {"num_trials": 2})
    assert told in str(refusal.value)
    assert "sweep resume s --force" in str(refusal.value)
    with pytest.raises(UsageError, match="started in another environment"):
        launch_toy(num_trials=2, study="s")


def test_forced_trials_name_the_environment_that_they_were_trained_in(
    begin: Begin, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(versions__torch="1.0")
    resume("s", {"num_trials": 2}, force=True)
    assert "torch: 1.0 -> " in capsys.readouterr().err
    study = load("s")
    keys = [trial.attributes["environment"] for trial in study.table()]
    assert keys[0] != keys[1]
    assert set(keys) == set(study.provenance["environments"])
    ((differs, numbers),) = study.other_environments(study.table()).items()
    assert differs.startswith("torch: 1.0 -> ")
    assert numbers == [1]


def test_what_should_not_alter_figures_is_told_and_goes_on(
    begin: Begin, capsys: pytest.CaptureFixture[str]
) -> None:
    begin(versions__ray="2.0", code="another", commit="abc")
    resume("s", {"num_trials": 2})
    said = capsys.readouterr().err
    assert "this has changed since study 's' was started" in said
    assert "  ray: 2.0 -> " in said
    assert "  source of onset-sweeps: abc -> " in said
    assert len(load("s").table()) == 2


def test_another_optuna_is_no_matter_for_a_replay() -> None:
    here = provenance.environment("cpu", 1)
    other = {**here, "versions": {**here["versions"], "optuna": "5.99"}}
    assert provenance.decisive_differences(other, here) == []
    assert provenance.decisive_differences(other, here, sampling=True) != []
