"""How many trials share a GPU: what is refused, with its remedy, and what a process then trains."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from sweeps import RunSettings, StudySettings, paths
from sweeps.errors import UsageError
from sweeps.runners.memory_room import how_many_fit
from sweeps.study import gpus
from sweeps.study.gpus import packing_of, with_whole_gpus
from sweeps.study.places import num_workers
from sweeps.study.planning import plan_study
from sweeps.study.specification import Specification
from sweeps.trial.packing import Packing
from tests.conftest import TOY, TOY_SPACE


@pytest.fixture
def spec() -> Specification:
    """Of a study whose trials have a GPU each."""
    planned = plan_study(StudySettings(TOY, space=TOY_SPACE), paths.data_root(None))
    return dataclasses.replace(planned.spec, gpus=1.0)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (0, "--trials-per-gpu 0 must be at least 1. Remove the option"),
        ("-3", "--trials-per-gpu -3 must be at least 1"),
        ("1e30", "--trials-per-gpu 1e30 must be a whole number of trials, such as 8, or auto"),
        ("many", "must be a whole number of trials, such as 8, or auto"),
        (65, "must be at most 64"),
        (2.5, "must be a whole number or text or None"),
    ],
)
def test_what_is_no_number_of_trials_is_refused(given: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        RunSettings(trials_per_gpu=given)


def test_a_machine_without_a_gpu_has_none_to_share() -> None:
    run = RunSettings(trials_per_gpu="auto")
    with pytest.raises(UsageError, match=r"--trials-per-gpu auto: torch finds no GPU .* Remove the option"):
        with_whole_gpus(StudySettings(TOY), run)


def test_two_ways_to_share_a_gpu_are_refused() -> None:
    with pytest.raises(UsageError, match=r"can't be used with --gpus-per-trial: .* Remove --gpus-per-trial"):
        with_whole_gpus(StudySettings(TOY, gpus_per_trial=0.25), RunSettings(trials_per_gpu=4))


def test_the_study_is_that_of_a_launch_without_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus, "_num_here", lambda: 1)
    plain, packed = (
        plan_study(with_whole_gpus(StudySettings(TOY, space=TOY_SPACE), run), paths.data_root(None))
        for run in (RunSettings(), RunSettings(trials_per_gpu=4))
    )
    assert packed.spec.gpus == 1.0
    assert plain.spec.fingerprint == packed.spec.fingerprint


@pytest.mark.parametrize(("has", "told"), [(0.0, "no GPU"), (0.25, "0.25 GPU each"), (2.0, "2 GPU each")])
def test_a_study_of_other_gpus_is_refused(spec: Specification, has: float, told: str) -> None:
    with pytest.raises(UsageError, match=f"the trials of this study have {told}, .* Remove the option"):
        packing_of(RunSettings(trials_per_gpu=4), dataclasses.replace(spec, gpus=has))


def test_more_trials_than_may_run_at_once_are_refused(spec: Specification) -> None:
    assert packing_of(RunSettings(trials_per_gpu=4), spec) == Packing(4)
    assert packing_of(RunSettings(trials_per_gpu=1), spec) is None
    assert packing_of(RunSettings(trials_per_gpu="auto"), spec) == Packing(4, is_measured=True)
    with pytest.raises(
        UsageError, match=r"parallelism 4, .* Use --trials-per-gpu 4, or launch .* --parallelism 5"
    ):
        packing_of(RunSettings(trials_per_gpu=5), spec)


def test_functions_train_one_at_a_time_and_the_user_is_told(
    spec: Specification, capsys: pytest.CaptureFixture[str]
) -> None:
    function = dataclasses.replace(spec, task=dataclasses.replace(spec.task, kind="function"))
    assert packing_of(RunSettings(trials_per_gpu=4), function) is None
    assert "a function runs its own training loop" in capsys.readouterr().err


def test_a_machine_has_room_for_the_trials_of_all_its_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    given = {"parallelism": 32, "cpus": 1, "gpus": 1.0, "pack": 8}
    assert num_workers(RunSettings(trials_per_gpu=8), **given) == 16
    with pytest.raises(
        UsageError, match=r"--trials-per-gpu 8, this machine has room for 16\. Use --workers 16"
    ):
        num_workers(RunSettings(trials_per_gpu=8, workers=17), **given)
    assert num_workers(RunSettings(trials_per_gpu=8, runner="inline"), **given) == 8


def test_as_many_trials_fit_as_the_first_one_leaves_room_for() -> None:
    gib = 2**30
    assert how_many_fit(free_bytes=130 * gib, taken_bytes=gib, most=16) == 16
    assert how_many_fit(free_bytes=9 * gib, taken_bytes=2 * gib, most=16) == 3
    assert how_many_fit(free_bytes=gib, taken_bytes=9 * gib, most=16) == 1
    assert how_many_fit(free_bytes=gib, taken_bytes=0, most=16) == 16
