"""`sweep new` writes files that run; `sweep launch --try` trains one round of the first trial and keeps nothing."""

from __future__ import annotations

import importlib.util
import textwrap
from pathlib import Path

import pytest

from sweeps.own_code.template import TEMPLATES
from tests.conftest import TOY, TOY_SPACE, missing
from tests.sweeps_tests.conftest import Refusal, Sweep, contents
from tests.sweeps_tests.own_code.conftest import FUNCTION, HELPER, OBJECTIVE

LIBRARIES = {"pytorch": "torch", "lightning": "lightning", "optuna": "sklearn", "sklearn": "sklearn"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.filterwarnings("ignore:.*does not have many workers", "ignore:.*LeafSpec.*:FutureWarning")
@pytest.mark.parametrize("like", TEMPLATES)
def test_each_file_runs_as_it_stands_to_a_confirmed_result(like: str, sweep: Sweep, folder: Path) -> None:
    if importlib.util.find_spec(LIBRARIES[like]) is None:
        missing(LIBRARIES[like], f"{LIBRARIES[like]} is not installed")
    said = sweep("new", "mine", "--like", like).err
    assert "sweep launch mine.py --try" in said
    assert "reported:" in sweep("launch", "mine.py", "--try").err
    rounds = () if like == "optuna" else ("--rounds", "2")
    sweep("launch", "mine.py", "-n", "2", "--study", "mine", "--out", "out", "--runner", "inline", *rounds)
    assert "rounds are equal" in sweep("replay", "out/best.yaml").err
    confirmed = sweep("confirm", "mine", "--top", "1", "--seeds", "2", "--runner", "inline").err
    assert ("for the first time" in confirmed) == (like in ("pytorch", "sklearn"))


def test_a_file_that_is_there_is_left_as_it_is(refused: Refusal, folder: Path) -> None:
    (folder / "train.py").write_text("mine")
    assert "train.py exists already, and was not changed" in refused("new", "train")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "--like", "pytorhc"], "did you mean 'pytorch'"),
        (["my-train.py"], "can't be imported as a module"),
        (["no/where/train"], "can't be written: No such file or directory"),
    ],
)
def test_a_file_that_can_not_be_written_is_refused(
    words: list[str], said: str, refused: Refusal, folder: Path
) -> None:
    assert said in refused("new", *words)


def test_trying_shows_what_was_reported_and_saved_and_writes_nothing(sweep: Sweep, folder: Path) -> None:
    (folder / "helper.py").write_text(HELPER)
    (folder / "train.py").write_text(textwrap.dedent(FUNCTION))
    before = contents(folder)
    said = sweep("launch", "train.py", "-n", "3", "--try").err
    assert "reported: f1 " in said
    assert "(the metric), train_loss " in said
    assert "recall " in said
    assert "saved: " in said
    assert "3 trials of 6 rounds" in said
    assert "nothing is written" in said
    assert contents(folder) == before


def test_trying_answers_what_an_objective_asks_for(sweep: Sweep, folder: Path) -> None:
    (folder / "study.py").write_text(textwrap.dedent(OBJECTIVE))
    said = sweep("launch", "study.py", "--try").err
    assert "kind=" in said
    assert "reported: value " in said


def test_trying_a_task_trains_one_round_of_it(sweep: Sweep) -> None:
    said = sweep("launch", TOY, "--space", TOY_SPACE, "--try").err
    assert "round 1 of trial 0" in said
    assert "(the metric)" in said


def test_what_fails_when_it_is_tried_is_shown_with_the_users_own_traceback(
    sweep: Sweep, folder: Path
) -> None:
    declared = '@sweeps.objective(space={"x": (0.0, 1.0)}, metric="f1", direction="maximize")\n'
    (folder / "train.py").write_text(f"import sweeps\n{declared}def train(trial):\n    1 / 0\n")
    said = sweep("launch", "train.py", "--try", code=2).err
    assert "The first round failed: ZeroDivisionError" in said
    assert 'train.py", line 4, in train' in said


def test_what_a_report_lacks_is_said_without_a_traceback(sweep: Sweep, folder: Path) -> None:
    declared = '@sweeps.objective(space={"x": (0.0, 1.0)}, metric="f1", direction="maximize")\n'
    code = f"import sweeps\n{declared}def train(trial):\n    trial.report(f2=1.0)\n"
    (folder / "train.py").write_text(code)
    said = sweep("launch", "train.py", "--try", code=2).err
    assert "f2 was reported, but not the metric 'f1'" in said
    assert "Traceback" not in said
