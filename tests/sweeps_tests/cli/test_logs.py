"""What trials print: it is seen as before, and `sweep logs` shows it afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sweeps.driver.trial_logs import TrialLogs
from sweeps.trial.log_text import HEAD, TAIL, log_path
from tests.sweeps_tests.conftest import Sweep, TimeIsUp

CODE = """
import logging, sys, threading, warnings
import sweeps

handler = logging.StreamHandler()  # it has the stderr of this moment
logging.getLogger("mine").addHandler(handler)

@sweeps.objective(space={"x": (0.0, 1.0)}, metric="score", direction="maximize", rounds=4)
def train(trial):
    trial.restore()
    print("\\x1b[31mtrial\\x1b[0m", trial.number)
    logging.getLogger("mine").warning("by a logger")
    threading.Thread(target=print, args=("by a thread",)).start()
    for index in trial.rounds():
        print("round", index, file=sys.stderr)
        print("much " * MUCH)
        trial.report(score=trial.params["x"] + index)
        trial.save(last=index)
    print("after the loop", end="")
"""


@pytest.fixture
def talk(sweep: Sweep, tmp_path: Path) -> Sweep:
    """Launches code that prints; `much` of it."""

    def run(*words: str | Path, much: int = 0, code: int = 0):
        (tmp_path / "train.py").write_text(CODE.replace("MUCH", str(much)))
        return sweep("launch", tmp_path / "train.py", "--runner", "inline", "--study", "t", *words, code=code)

    return run


def test_it_is_kept_for_each_trial_and_seen_as_before(talk: Sweep, sweep: Sweep) -> None:
    said = talk("-n", "2")
    for line in ("trial\x1b[0m 0", "after the loop", "round 3", "by a logger"):
        assert line in said.out + said.err
    shown = sweep("logs", "t", "1").out
    for line in ("trial 1\n", "by a logger\n", "by a thread\n", "round 0\n", "round 3\n", "after the loop\n"):
        assert line in shown
    assert "\x1b" not in shown
    assert "trials of t" not in shown.lower()
    assert sweep("logs", "t", "1", "--tail", "1").out == "after the loop\n"


def test_the_list_has_every_trial_that_printed(talk: Sweep, sweep: Sweep) -> None:
    talk("-n", "2")
    rows = json.loads(sweep("logs", "t", "-f", "json").out)
    assert [(row["trial"], row["last_line"]) for row in rows] == [
        (0, "after the loop"),
        (1, "after the loop"),
    ]
    assert Path(rows[0]["file"]).is_file()


def test_attempts_follow_each_other(talk: Sweep, sweep: Sweep, time_is_up: TimeIsUp) -> None:
    with time_is_up(after_rounds=2):
        talk("-n", "1", "--timeout", "1", "--checkpoint-every", "0", code=5)
    sweep("resume", "t")
    shown = sweep("logs", "t", "0").out
    assert shown.count("trial 0\n") == 2
    assert shown.index("--- the trial goes on: ") > shown.index("round 1\n")
    assert shown.count("round 1\n") == 1


def test_of_a_long_log_the_beginning_and_the_end_are_kept(talk: Sweep, sweep: Sweep) -> None:
    talk("-n", "1", much=10_000)
    shown = sweep("logs", "t", "0").out
    assert len(shown) < HEAD + TAIL + 100
    assert shown.startswith("trial 0\n")
    assert shown.endswith("after the loop\n")


def test_logs_are_deleted_with_the_study_and_a_new_one_begins_new_logs(talk: Sweep, sweep: Sweep) -> None:
    talk("-n", "1")
    logs = Path(json.loads(sweep("logs", "t", "-f", "json").out)[0]["file"]).parent
    (logs / "trial-0001.txt").write_text("of a study that Optuna's own tools deleted")
    talk("-n", "2")
    assert "Optuna" not in (logs / "trial-0001.txt").read_text()
    sweep("delete", "t", "--yes")
    assert not logs.exists()


def test_a_log_that_cannot_be_written_is_told_once_and_harms_nothing(talk: Sweep, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "logs").write_text("not a folder")
    said = talk("-n", "2", "--out", tmp_path / "out")
    assert said.err.count("what the trial prints can't be written") == 1
    assert "2 trials (2 finished)" in said.err


def test_nothing_printed_is_told(launch: Sweep, sweep: Sweep) -> None:
    launch("--study", "quiet", "-n", "1")
    assert sweep("logs", "quiet").err == "No trial of quiet has printed anything.\n"
    assert sweep("logs", "quiet", "0", "--follow").err == "Trial 0 of quiet has printed nothing.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["logs", "t", "7"], "no trial 7"),
        (["logs", "t", "--follow"], "--follow needs the number of a trial"),
        (["logs", "t", "--tail", "3"], "--tail needs the number of a trial"),
        (["logs", "t", "0", "-f", "csv"], "can't be used together with TRIAL"),
    ],
)
def test_refusals(talk: Sweep, sweep: Sweep, words: list[str], said: str) -> None:
    talk("-n", "1")
    assert said in sweep(*words, code=2).err


def test_what_is_printed_after_the_end_is_kept(tmp_path: Path) -> None:
    logs = TrialLogs(tmp_path, lambda write: write())
    logs.add(3, "a\n")
    logs.add(3, "b\n")
    assert log_path(tmp_path, 3).read_text() == "a\nb\n"
