"""Studies that can't go on, tasks that misbehave: one message (what was found, where, the remedy), its exit code."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.conftest import TOY_SPACE
from tests.sweeps_tests.conftest import Refusal, Sweep


def states(sweep: Sweep, study: str) -> list[str]:
    return [trial["state"] for trial in json.loads(sweep("trials", study, "-f", "json").out)]


# -- a study that is there already -------------------------------------------------------------------


def test_another_specification_under_the_same_name_is_refused_by_what_differs(
    launch: Sweep, launch_refused: Refusal, sweep: Sweep
) -> None:
    launch("-n", "1", "--study", "s")
    message = launch_refused("--study", "s", "--seed", "7", "quality=0.3..0.9")
    assert "A study 's' with another specification already exists:" in message
    assert "\n  space.quality.low: 0.2 -> 0.3\n  seed: 0 -> 7\n" in message
    assert "`sweep resume s`. To launch a new study, choose another name with --study" in message
    assert states(sweep, "s") == ["COMPLETE"]


def test_a_task_that_has_changed_since_is_not_resumed(sweep: Sweep, refused: Refusal, tmp_path: Path) -> None:
    task = tmp_path / "task.py"
    task.write_text("from tests.toy import Toy\n\n\nclass Mine(Toy):\n    pass\n")
    sweep("launch", f"{task}:Mine", "--space", TOY_SPACE, "--runner", "inline", "-n", "1", "--study", "s")
    task.write_text(task.read_text() + "    rounds = 12\n")
    message = refused("resume", "s")
    assert "Study 's' can't continue, because this has changed:\n  task.code.task.py: " in message
    assert "Undo the change, or continue anyway: sweep resume s --force" in message


def test_a_study_that_is_driven_is_neither_driven_twice_nor_deleted(launch: Sweep, refused: Refusal) -> None:
    from storage.leases import acquire
    from sweeps.study.stored_study import load

    launch("-n", "1", "--study", "s")
    study = load("s")
    lease = acquire(study.database, study.row.study_id)
    try:
        message = refused("delete", "s", "--yes")
    finally:
        lease.release()
    assert "Another process is running this study: " in message
    assert f"process {os.getpid()}, since " in message
    assert "To end its run: sweep stop s" in message


def test_a_study_is_not_compared_with_itself(launch: Sweep, refused: Refusal) -> None:
    launch("-n", "1", "--study", "s")
    assert "s is named twice. Name two studies" in refused("compare", "s", "s")


def test_a_space_that_can_not_be_taken_from_a_study(launch: Sweep, launch_refused: Refusal) -> None:
    launch("-n", "1", "--study", "s")
    message = launch_refused("--space", TOY_SPACE, "--space-from", "s")
    assert "--space and --space-from both name a space" in message
    assert "To see all studies: sweep studies" in launch_refused("--space-from", "t")


# -- tasks that misbehave ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "because", "reason"),
    [
        ("crashes", "RuntimeError: the toy crashes, as it was asked to", "error"),
        ("nan_at_once", "the loss is not finite any more (nan)", "diverged"),
    ],
)
def test_a_task_that_raises_or_returns_nan_fails_its_trial_only(
    launch: Sweep, sweep: Sweep, behaviour: str, because: str, reason: str
) -> None:
    words = (f"behaviour={behaviour}", "at_round=1", "-n", "2", "--study", "s")
    said = launch(*words, code=5)
    assert f"trial 0 failed: {because}" in said.err
    assert "Traceback" not in said.err
    rows = json.loads(sweep("trials", "s", "-f", "json").out)
    assert [(r["state"], r["stop_reason"], r["because"]) for r in rows] == [("FAIL", reason, because)] * 2
    assert "Traceback" not in sweep("trials", "s").out


def test_the_traceback_of_a_failed_trial_is_shown_with_it(launch: Sweep, sweep: Sweep) -> None:
    launch("behaviour=crashes", "-n", "1", "--study", "s", code=5)
    shown = sweep("show", "s", "0").out
    assert "Traceback" in shown
    assert 'raise RuntimeError("the toy crashes, as it was asked to")' in shown


TASK_FILES = [
    pytest.param(None, "there is no such file. Name your own code as my_file.py:NAME", id="not there"),
    pytest.param("", "task.py has no task class or function 'Mine'", id="no class"),
    pytest.param("class Mine(\n", "task.py:1 is no Python: '(' was never closed.", id="a slip"),
    pytest.param("import nowhere\n", "task.py can't be imported: ModuleNotFoundError", id="import"),
    pytest.param(
        "from tests.toy import Toy\nclass Mine(Toy):\n  def load(self, *_):\n    raise OSError('gone')\n",
        "toy could not load its data set 'toy-rows': OSError: gone",
        id="no rows",
    ),
]


@pytest.mark.parametrize(("text", "message"), TASK_FILES)
def test_a_task_file_is_told_what_it_lacks(
    refused: Refusal, tmp_path: Path, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / "task.py").write_text(text)
    assert message in refused("launch", f"{tmp_path / 'task.py'}:Mine", "--space", TOY_SPACE)
