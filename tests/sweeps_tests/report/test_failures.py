"""Failures that trials share are told once, with their cause, where they lie, and what to do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from storage.trials import TrialRow
from sweeps.report.failures import failure_groups
from sweeps.report.review import review
from sweeps.study.stored_study import Study, load
from tests.conftest import ToyLauncher
from tests.sweeps_tests.conftest import Sweep


def trial(number: int, batch: int, width: int, kind: str | None = None, because: str = "") -> TrialRow:
    notes: dict[str, Any] = {"stop_reason": "finished"}
    if kind is not None:
        notes = {"stop_reason": "error", "evidence": {"kind": kind}, "because": because}
    state = "COMPLETE" if kind is None else "FAIL"
    return TrialRow(number, number, state, 0.5, {"batch_size": batch, "hidden_width": width}, notes)


@pytest.fixture
def study(launch_toy: ToyLauncher) -> Study:
    return launch_toy(study="s", num_trials=1).study


GRID = [(batch, width) for batch in (64, 128, 256, 512, 1024) for width in (512, 1024, 2048, 4096)]


def texts(study: Study, trials: Sequence[TrialRow]) -> list[str]:
    return [group.text for group in failure_groups(study, trials)]


def test_failures_for_want_of_memory_are_told_by_the_corner_they_lie_in(study: Study) -> None:
    large = [point for point in GRID * 2 if point[0] >= 512 and point[1] >= 2048][:7]
    small = [point for point in GRID * 2 if point not in large]
    failed = [trial(n, *point, "out_of_memory") for n, point in enumerate(large)]
    lost = [trial(n, 64, 512, "worker_lost") for n in (7, 8)]
    others = [trial(9 + n, *point) for n, point in enumerate(small)]
    assert texts(study, [*failed, *lost, *others]) == [
        "7 of 9 failures: out of memory, all at batch_size ≥ 512 and hidden_width ≥ 2048.",
        "2 of 9 failures: the worker process died.",
    ]


def test_nothing_is_said_of_where_they_lie_if_that_may_be_chance(study: Study) -> None:
    failed = [trial(n, *GRID[-1 - n], "out_of_memory") for n in range(2)]
    others = [trial(2 + n, *point) for n, point in enumerate(GRID[:4])]
    assert texts(study, [*failed, *others]) == ["2 failures: out of memory."]


def test_errors_that_differ_in_numbers_only_are_one(study: Study) -> None:
    failed = [trial(n, 64, 512, "error", f"ValueError: row {n}00 of 0x{n}f") for n in range(3)]
    other = trial(3, 64, 512, "error", "KeyError: 'lr'")
    assert texts(study, [*failed, other]) == [
        "3 of 4 failures: ValueError: row 000 of 0x0f.",
        "1 of 4 failures: KeyError: 'lr'.",
    ]


def test_a_shared_failure_stands_in_review_and_status(launch_toy: ToyLauncher, sweep: Sweep) -> None:
    launch_toy("behaviour=crashes,learns", study="s", num_trials=10, max_failures=99)
    failed = [each.number for each in load("s").table() if each.state == "FAIL"]
    finding = review(load("s"))[0]
    assert (finding.check, finding.evidence["trials"]) == ("shared_failure", failed)
    assert finding.next == f"sweep show s {failed[-1]}"
    said = " ".join(sweep("status", "s").out.split())
    assert f"{len(failed)} failures: RuntimeError: the toy crashes, as it was asked to" in said
    assert json.loads(sweep("status", "s", "-f", "json").out)[0]["failures"][0]["trials"] == failed


FAILS = """
import sweeps, torch

@sweeps.objective(space={"kind": ["memory", "file", "own", "fine"]}, metric="score", direction="maximize", rounds=1)
def train(trial):
    match trial.params["kind"]:
        case "memory":
            torch.zeros(1 << 50)
        case "file":
            open("/nowhere/rows.csv")
        case "own":
            raise ValueError("\\x1b]0;pwned\\x07<script>alert(1)</script> | `x` 😀" + "x" * 400)
    return 0.5
"""


def test_each_of_three_causes_is_told_with_its_advice_and_hostile_text_harms_nothing(
    sweep: Sweep, tmp_path: Path
) -> None:
    (tmp_path / "fails.py").write_text(FAILS)
    words = ("-n", "16", "--runner", "inline", "--max-failures", "20", "--sampler", "random", "--study", "f")
    sweep("launch", tmp_path / "fails.py", *words)
    told = [each.because for each in review(load("f")) if each.check == "shared_failure"]
    assert "out of memory, all at kind = memory. Give each trial more memory" in told[0]
    assert "No such file or directory: '/nowhere/rows.csv', all at kind = file. Put the file there" in told[1]
    assert r"ValueError: \x1b]0;pwned\x07<script>" in told[2]
    assert "The traceback shows where the code failed." in told[2]
    sweep("report", "f", "-o", tmp_path / "f.html")
    page, shown = (tmp_path / "f.html").read_text(), sweep("status", "f").out
    assert "<script" not in page
    assert all("\x1b" not in text for text in (page, shown))
    assert all(" ".join(each.split())[:60] in " ".join(shown.split()) for each in told)
