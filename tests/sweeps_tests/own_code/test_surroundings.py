"""What code finds around it: its own command line, the folder of the command, and nothing of the trial before."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sweeps_tests.conftest import Refusal, Said, Sweep
from tests.sweeps_tests.own_code.conftest import Write

Launch = Callable[..., Said]
DECLARED = '@sweeps.objective(space={"x": (0.0, 1.0)}, metric="f1", direction="maximize", rounds=2)\n'
HEAD = "import argparse, os, sweeps, sys\nparser = argparse.ArgumentParser()\n"


def test_a_script_that_parses_its_arguments_gets_their_defaults(launch_own: Launch, write: Write) -> None:
    path = write(
        f"{HEAD}parser.add_argument('--x', default=0)\nparser.parse_args()\n{DECLARED}def train(trial):\n"
        "    vars(args := parser.parse_args()).update(trial.params)\n    return args.x\n"
    )
    assert "reported: f1 0.5382 (the metric)" in launch_own(path, "--try").err


@pytest.mark.parametrize("place", ["when it is imported", "in training"])
def test_a_needed_argument_is_told_with_its_remedy(refused: Refusal, write: Write, place: str) -> None:
    parse = "parser.add_argument('data')\n{}parser.parse_args()\n"
    top, inside = (parse.format(""), "") if place == "when it is imported" else ("", parse.format("    "))
    path = write(f"{HEAD}{top}{DECLARED}def train(trial):\n    {inside or 'pass'}\n")
    message = refused("launch", path, "--runner", "inline", "--try")
    assert "gets no command-line arguments: give each argument a default" in message


def test_a_trial_that_leaves_the_folder_does_not_move_the_next_one(
    launch_own: Launch, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work" / "deeper").mkdir(parents=True)
    (tmp_path / "work" / "rows.txt").write_text("0.5")
    monkeypatch.chdir(tmp_path / "work")
    path = write(
        f"{HEAD}{DECLARED}def train(trial):\n    row = float(open('rows.txt').read())\n    os.chdir('deeper')\n"
        "    return row\n"
    )
    assert "2 trials (2 finished)" in launch_own(path, "-n", "2").err
    assert Path.cwd() == tmp_path / "work"


COUNTING = (
    "    global count\n    for epoch in trial.rounds():\n        count += 1\n        trial.report(f1=count)\n"
)
UNSEEDED = "    import numpy\n    return numpy.random.default_rng().random()\n"
SEEDED = "    import numpy\n    return numpy.random.default_rng(trial.seed).random()\n"


@pytest.mark.parametrize(("body", "told"), [(COUNTING, "f1 was 1.0 and is now 5.0"), (UNSEEDED, "f1 was 0.")])
def test_a_first_try_tells_what_outlasts_a_trial(
    launch_own: Launch, write: Write, body: str, told: str
) -> None:
    path = write(f"{HEAD}count = 0\n{DECLARED}def train(trial):\n{body}")
    said = " ".join(launch_own(path, "--try").err.split())
    assert "it gave other figures" in said
    assert told in said


def test_a_first_try_tells_that_a_trial_begins_again_with_the_same_figures(
    launch_own: Launch, write: Write
) -> None:
    path = write(f"{HEAD}{DECLARED}def train(trial):\n{SEEDED}")
    assert "the same figures, bit for bit" in launch_own(path, "--try").err


STEPS = (
    "    state = trial.restore() or {{'w': 0.0, 'v': 0.0}}\n    w, v = state['w'], state.get('v', 0.0)\n"
    "    for epoch in trial.rounds():\n        v += 1\n        w += v\n        trial.report(f1=w)\n        trial.save({})\n"
)
CONTINUED = {
    "all is saved": (STEPS.format("w=w, v=v"), "the same figures in the next rounds, bit for bit"),
    "something is missing": (
        STEPS.format("w=w"),
        "it gave other figures: in round 2, f1 was 3.0 and is now 2.0",
    ),
    "a schedule is missing": (
        "    state = trial.restore() or {'w': 0.0, 'rate': 1.0}\n    w, rate, steps = state['w'], state['rate'], 0\n"
        "    for epoch in trial.rounds():\n        w += rate\n        steps += 1\n        rate = 1 / (1 + steps)\n"
        "        trial.report(f1=w)\n        trial.save(w=w, rate=rate)\n",
        "it gave other figures: in round 3, f1 was 1.83",
    ),
    "it does not restore": (
        STEPS.format("w=w").replace("trial.restore() or ", ""),
        "starts again from round 1",
    ),
    "it can't restore": (STEPS.format("v=v"), "it failed the second time (KeyError: 'w')"),
}


@pytest.mark.parametrize("case", CONTINUED)
def test_a_first_try_continues_from_what_was_saved(case: str, launch_own: Launch, write: Write) -> None:
    body, told = CONTINUED[case]
    path = write(f"{HEAD}{DECLARED.replace('rounds=2', 'rounds=3')}def train(trial):\n{body}")
    assert told in " ".join(launch_own(path, "--try").err.split())


AFTER = "    for epoch in trial.rounds():\n        trial.report(f1=trial.params['x'])\n    plot(trial)\n"


def test_figures_stand_where_code_fails_after_the_last_round_and_it_is_told(
    launch_own: Launch, sweep: Sweep, write: Write
) -> None:
    path = write(f"{HEAD}{DECLARED}def train(trial):\n{AFTER}")
    said = launch_own(path, "-n", "2", "--study", "own").err
    assert said.count("its figures are valid, but the code failed after the last round: NameError") == 1
    assert "plot(trial)" in said
    assert "2 trials (2 finished)" in said
    for trial in ("0", "1"):
        notes = json.loads(sweep("show", "own", trial, "-f", "json").out)[0]["attributes"]
        assert notes["failed_afterwards"] == "NameError: name 'plot' is not defined"
    assert "afterwards  NameError" in sweep("show", "own", "0").out


def test_a_first_try_tells_of_a_fault_after_the_loop(launch_own: Launch, write: Write) -> None:
    path = write(f"{HEAD}{DECLARED}def train(trial):\n{AFTER}")
    assert "after the loop, the code failed: NameError" in launch_own(path, "--try").err


def test_an_error_after_a_pause_is_not_told(
    launch_own: Launch, sweep: Sweep, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAUSES", "1")
    end = "    if os.environ.get('PAUSES'): os.kill(os.getpid(), 2)\n    for epoch in trial.rounds():\n"
    path = write(
        f"{HEAD}{DECLARED}def train(trial):\n{end}        trial.report(f1=0.5)\n    assert epoch == 1, 'cut off'\n"
    )
    said = launch_own(path, "-n", "1", "--study", "own", code=130).err
    assert "failed after" not in said
    monkeypatch.delenv("PAUSES")
    assert "1 trial (1 finished)" in sweep("resume", "own").err
