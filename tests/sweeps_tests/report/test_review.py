"""A review names the fault that a study was made to have, and nothing where there is none."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from sweeps import RunSettings, StudySettings, launch
from sweeps.errors import UsageError
from sweeps.repeats.confirm import confirm
from sweeps.report.review import Finding, review
from sweeps.samplers import proposer
from sweeps.study.specification import differences
from sweeps.study.stored_study import Study, load
from tests.conftest import ToyLauncher
from tests.sweeps_tests.conftest import Sweep
from tests.sweeps_tests.report.scripted import SCRIPTED

RANGES = "  learning_rate: {low: 0.0001, high: 1.0, log: true}\n  dropout: {low: 0.0, high: 0.5}\n"


def study_with(
    fault: str, folder: Path, *, ranges: str = RANGES, trials: int = 16, confirmed: bool = False
) -> Study:
    space = folder / "space.yaml"
    space.write_text(f"space:\n  fault: {fault}\n{ranges}")
    settings = StudySettings(SCRIPTED, space=space, sampler="qmc", stop_rule="none")
    launch(settings, RunSettings(runner="inline", num_trials=trials, max_failures=99), study="s")
    if confirmed:
        confirm("s", top=2, seeds=2, sealed=True, run=RunSettings(runner="inline"))
    return load("s")


def found(study: Study) -> dict[str, Finding]:
    return {finding.check: finding for finding in review(study)}


def test_nothing_is_named_in_a_sound_study(tmp_path: Path) -> None:
    assert found(study_with("none", tmp_path, confirmed=True)) == {}


@pytest.mark.parametrize(
    ("fault", "check", "evidence"),
    [
        ("spoilt", "spoilt", "nearly all of them lie above learning_rate = "),
        ("low_end", "near_bound", "at the low end of its range (0.0001)"),
        ("improving", "still_improving", "Most of the best trials still improve"),
        ("early", "too_many_rounds", "in the first 8% of 12 rounds"),
        ("overfits", "overfitting", "Most of the best trials overfit"),
        (
            "clipped",
            "clipped",
            "In 100% of its rounds the best trial's gradient is longer than gradient_clip = 1",
        ),
    ],
)
def test_the_fault_of_a_study_is_named_with_its_evidence(
    tmp_path: Path, fault: str, check: str, evidence: str
) -> None:
    findings = found(study_with(fault, tmp_path))
    assert [name for name in findings if name != "within_noise"] == [check]
    assert evidence in findings[check].because


def test_a_space_that_fails_just_above_the_best_rate_is_unstable(tmp_path: Path) -> None:
    ranges = "  learning_rate: {low: 0.001, high: 0.03, log: true}\n  dropout: {low: 0.0, high: 0.5}\n"
    findings = found(study_with("unstable", tmp_path, ranges=ranges))
    assert "unstable_above" in findings
    assert findings["unstable_above"].next.startswith(f"sweep launch {SCRIPTED} gradient_clip=1 ")


def test_a_lead_within_noise_is_to_be_confirmed(tmp_path: Path) -> None:
    findings = found(study_with("tie", tmp_path))
    assert findings["within_noise"].next == "sweep confirm s --top 3 --seeds 5"
    assert next(iter(findings)) == "within_noise"


def test_few_trials_are_too_few_for_the_parameters(tmp_path: Path) -> None:
    findings = found(study_with("none", tmp_path, trials=4))
    assert findings["few_trials"].next == "sweep resume s -n 6"


def test_a_part_of_a_range_that_nobody_tried_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    point = proposer.sobol_point

    def upper(*given: object) -> dict[str, float]:
        chosen = dict(point(*given))  # type: ignore[arg-type]
        return {**chosen, "dropout": 0.15 + 0.7 * chosen["dropout"]}

    monkeypatch.setattr(proposer, "sobol_point", upper)
    assert found(study_with("none", tmp_path))["unsampled"].evidence["parameter"] == "dropout"


def test_the_command_prints_each_finding_with_the_next_command(tmp_path: Path, sweep: Sweep) -> None:
    study_with("overfits", tmp_path)
    said = sweep("review", "s").out
    assert "Most of the best trials overfit" in said
    assert "   Next: sweep " in said
    assert '"check": "overfitting"' in sweep("review", "s", "-f", "json").out


@pytest.mark.parametrize("fault", ["spoilt", "low_end", "improving", "early", "clipped"])
def test_what_a_finding_says_to_run_can_be_run(tmp_path: Path, sweep: Sweep, fault: str) -> None:
    findings = found(study_with(fault, tmp_path))
    commands = [finding.next.split()[1:] for name, finding in findings.items() if name != "within_noise"]
    assert {words[0] for words in commands} == {"launch"}
    for words in commands:
        assert f"fault {fault} (fixed)" in " ".join(sweep(*words, "--dry-run").err.split())
    if fault == "low_end":
        assert "learning_rate 4.64e-06 … 1 (log)" in sweep(*commands[0], "--dry-run").err


def test_the_next_launch_keeps_whatever_else_the_study_was_launched_with(
    tmp_path: Path, sweep: Sweep
) -> None:
    space = tmp_path / "space.yaml"
    space.write_text(f"space:\n  fault: improving\n{RANGES}")
    options = ("--sampler", "qmc", "--stop-rule", "none", "--repeats", "2", "--train-rows", "60")
    sweep("launch", SCRIPTED, "--space", space, *options, "--runner", "inline", "-n", "8", "--study", "s")
    _, *words = shlex.split(found(load("s"))["still_improving"].next)
    sweep(*words, "--runner", "inline", "--study", "t", "-n", "1")
    assert differences(load("t").spec.to_dict(), load("s").spec.to_dict()) == ["rounds: 12 -> 24"]


def test_a_study_without_a_finished_trial_can_not_be_reviewed(launch_toy: ToyLauncher) -> None:
    launch_toy("behaviour=crashes", study="s", num_trials=1, max_failures=1)
    assert [each.check for each in review(load("s"))] == ["spoilt"]
    launch_toy(study="empty", timeout_seconds=1e-9)
    with pytest.raises(UsageError, match="nothing to review"):
        review(load("empty"))
