"""What workers of Ray print comes to the log of their trial, also from a process that dies."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.runners.ray_tune.printed import MOST_BYTES, last_words
from tests.sweeps_tests.conftest import Sweep

CODE = """
import faulthandler, os, subprocess
from pathlib import Path
import sweeps

print("imported")

@sweeps.objective(space={"x": (0.0, 1.0)}, metric="score", direction="maximize", rounds=3)
def train(trial):
    print("trial", trial.number)
    for index in trial.rounds():
        subprocess.run(["echo", f"round {index} from a child process"])
        mark = Path("MARK")
        if index == 1 and not mark.exists():
            mark.touch()
            faulthandler.enable()
            os.abort()
        trial.report(score=trial.params["x"])
    print("after the loop", end="")
"""


@pytest.mark.ray
def test_a_log_has_what_each_attempt_printed(sweep: Sweep, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(CODE.replace("MARK", str(tmp_path / "mark")))
    sweep("launch", tmp_path / "train.py", "-n", "2", "--workers", "1", "--runner", "ray", "--study", "t")
    first, second = (sweep("logs", "t", number).out for number in ("0", "1"))
    died, again = first.split("--- the trial is trained from the beginning again: ")
    assert died.startswith("imported\ntrial 0\nround 0 from a child process\n")
    assert "Fatal Python error: Aborted" in died
    assert again.endswith("round 2 from a child process\nafter the loop\n")
    assert second.startswith("trial 1\n")
    assert "trial 0" not in second


PROCESS = """
import os, sys, threading
from pathlib import Path
from sweeps.runners.ray_tune.printed import ProcessOutput

posted, arrived = {}, threading.Event()
def post(numbers, text, position):
    posted[numbers] = posted.get(numbers, "") + text
    if "here" in text:
        arrived.set()
output = ProcessOutput(Path(sys.argv[1]) if len(sys.argv) > 1 else None, post)
print("before the first trial", flush=True)
output.trains(0)
print("it hangs here", flush=True)
assert arrived.wait(60)
os.system("echo from a child")
os.write(2, b"half a line")
output.trains(0, 1)
os.write(2, b", and its rest\\n" + b"much\\n" * 1_000_000)
output.flush()
output.trains(1)
assert os.fstat(1).st_size == 0
print("of one trial", flush=True)
output.trains()
Path("posted").write_text(repr({numbers: text[:60] for numbers, text in posted.items()}))
print("not posted", flush=True)
"""


@pytest.mark.parametrize("named", [True, False])
def test_it_is_posted_in_order_and_while_the_code_hangs(tmp_path: Path, named: bool) -> None:
    words = [sys.executable, "-c", PROCESS, *([str(tmp_path / "printed")] if named else [])]
    subprocess.run(words, cwd=tmp_path, check=True, timeout=200)
    assert eval((tmp_path / "posted").read_text()) == {
        (0,): "before the first trial\nit hangs here\nfrom a child\n",
        (0, 1): "half a line, and its rest\n" + "much\n" * 6 + "much",
        (1,): "of one trial\n",
    }
    if named:
        assert last_words(tmp_path / "printed", 13) == "not posted\n"
        assert not (tmp_path / "printed").exists()


def test_last_words_are_bounded_and_may_be_missing(tmp_path: Path) -> None:
    assert last_words(tmp_path / "none", 0) == ""
    (tmp_path / "long").write_bytes(b"\xff long\n" * MOST_BYTES)
    assert len(last_words(tmp_path / "long", 0)) < MOST_BYTES
