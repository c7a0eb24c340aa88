"""`sweep check` fails for the right reason on what is broken on purpose, and passes on what is sound."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from objectives.registry import get_task, task_names
from sweeps.guidance.bench import Bench
from sweeps.guidance.check import CAUSES
from sweeps.guidance.sanity import CHECKS
from tests.objectives_tests.small_data import small_splits
from tests.sweeps_tests.conftest import Refusal, Sweep

HERE = Path(__file__).parent
SPACE = ("--space", str(HERE / "blobs.yaml"))


def outcomes(sweep: Sweep, task: str, *words: str, code: int = 0) -> dict[str, str]:
    found = json.loads(sweep("check", task, *words, "-f", "json", code=code).out)
    return {each["check"]: each["outcome"] for each in found}


def test_a_sound_task_passes_every_check(sweep: Sweep) -> None:
    found = outcomes(sweep, f"{HERE / 'blobs.py'}:Blobs", *SPACE)
    assert found == dict.fromkeys(CHECKS, "passed")


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        ("UnitNormalWeights", "initial_loss"),
        ("DetachedLayer", "gradients"),
        ("BatchStatistics", "evaluation_alone"),
        ("ShuffledLabels", "labels"),
        ("RowInTwoSplits", "splits"),
        ("FixedSeed", "seed"),
        ("UnseededWeights", "repeatable"),
        ("DropoutAtEvaluation", "evaluation_repeatable"),
        ("CountsEvaluations", "resumable"),
        ("DoubleSoftmax", "one_batch"),
        ("SummedLoss", "initial_loss"),
        ("RawPixels", "initial_loss"),
        ("ShiftedLabels", "labels"),
        ("TargetsInInputs", "labels"),
        ("StaysInEvaluation", "training_mode"),
        ("NeverTrains", "training_mode"),
    ],
)
def test_a_task_that_is_broken_on_purpose_fails_the_check_for_it(
    broken: str, check: str, sweep: Sweep
) -> None:
    said = sweep("check", f"{HERE / 'broken_blobs.py'}:{broken}", *SPACE, code=1).out
    assert f"FAILED          {check}: " in said
    assert f"Usual cause: {CAUSES[check]}" in said


ONLY = {
    "UnitNormalWeights": {"initial_loss"},
    "DetachedLayer": {"gradients"},
    "RowInTwoSplits": {"splits"},
    "FixedSeed": {"seed"},
    "DoubleSoftmax": {"one_batch"},
    "ShiftedLabels": {"labels"},
    "TargetsInInputs": {"labels"},
}


@pytest.mark.parametrize("broken", ONLY)
def test_and_no_other_check(broken: str, sweep: Sweep) -> None:
    found = outcomes(sweep, f"{HERE / 'broken_blobs.py'}:{broken}", *SPACE, code=1)
    assert {name for name, outcome in found.items() if outcome == "failed"} == ONLY[broken]


def test_weights_that_do_not_learn_are_named(sweep: Sweep) -> None:
    said = sweep("check", f"{HERE / 'broken_blobs.py'}:FrozenLayer", *SPACE).out
    assert "2 parameters do not learn: 0.weight, 0.bias." in said


@pytest.mark.parametrize("name", task_names())
def test_the_model_of_each_task_passes_what_does_not_hang_on_its_data(name: str) -> None:
    task = get_task(name)
    small = {"hidden_width": 64} if name == "food101_squeezenet" else {"hidden_width": 16}
    parameters = task.parameters_from({**small, "batch_size": 20})
    bench = Bench.of(task, parameters, small_splits(task), seed=0, device=torch.device("cpu"))
    for check in (
        "training_mode",
        "gradients",
        "evaluation_repeatable",
        "evaluation_alone",
        "repeatable",
        "resumable",
    ):
        found = CHECKS[check](bench)
        assert found.outcome == "passed", found


def test_own_code_is_checked_through_what_its_trial_tells(sweep: Sweep) -> None:
    own = f"{HERE / 'own_checked.py'}"
    assert outcomes(sweep, f"{own}:sound") == dict.fromkeys(
        ("finite", "repeatable", "seed", "resumable"), "passed"
    )
    assert outcomes(sweep, f"{own}:forgets_its_velocity", code=1)["resumable"] == "failed"
    assert outcomes(sweep, f"{own}:uses_the_clock", code=1)["repeatable"] == "failed"
    assert outcomes(sweep, f"{own}:reports_nan", code=1) == {"finite": "failed"} | outcomes(
        sweep, f"{own}:reports_nan", code=1
    )
    found = outcomes(sweep, f"{own}:keeps_nothing")
    assert (found["seed"], found["resumable"]) == ("not_applicable", "not_applicable")


def test_a_task_with_a_loop_of_its_own_is_told_so(refused: Refusal) -> None:
    from tests.conftest import TOY, TOY_SPACE

    assert "has its own training loop" in refused("check", TOY, "--space", str(TOY_SPACE))
