"""What code may get wrong: each gives one message, which says what was found and what to write instead."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import sweeps
from objectives.errors import CodeError
from objectives.source_code import read_sources
from sweeps.own_code import training
from tests.sweeps_tests.conftest import Refusal, Said, Sweep
from tests.sweeps_tests.own_code.conftest import Write

Launch = Callable[..., Said]
DECLARED = '@sweeps.objective(space={"x": (0.0, 1.0)}, metric="f1", direction="maximize", rounds=3)\n'

# The body of a function, and what the message must say.
IN_TRAINING = {
    "no report in a round": (
        "for epoch in trial.rounds(): pass",
        ["round 1 ended without a report", "trial.report(f1=…)"],
    ),
    "no report at all": ("pass", ["returned but reported nothing", "trial.report(f1=…)", "return f1 if"]),
    "another name": (
        "for epoch in trial.rounds(): trial.report(f_1=0.5)",
        ["f_1 was reported, but not the metric 'f1'", "did you mean 'f_1'?", "trial.report(f1=…)"],
    ),
    "twice in a round": (
        "for epoch in trial.rounds(): trial.report(f1=0.5); trial.report(recall=0.5)",
        ["round 1 is reported twice", "in one call"],
    ),
    "saved after the report, without the loop": (
        "trial.report(f1=0.5); trial.save(w=1)",
        ["trial.save() is called after trial.report()", "call trial.save() before it"],
    ),
    "restored within the loop": (
        "for epoch in trial.rounds(): trial.restore()",
        ["trial.restore() must be called before the loop"],
    ),
    "two loops": (
        "for epoch in trial.rounds(): trial.report(f1=0.5); next(trial.rounds())",
        ["trial.rounds() is called a second time"],
    ),
    "text returned": ("return 'good'", ["train returned 'good'", "must return f1 as a number"]),
    "a list returned": ("return [0.5]", ["train returned [0.5]", "must return f1 as a number"]),
    "text reported": ("trial.report(f1='0.5')", ["trial.report(f1=…)", "'0.5' is a str, not a number"]),
    "an array reported": (
        "import numpy; trial.report(f1=numpy.ones(3))",
        ["of shape (3,) contains several numbers. Report one number"],
    ),
    "saved what can't be": (
        "for epoch in trial.rounds(): trial.report(f1=0.5); trial.save(model=object())",
        ["model is a object, which can't be saved", "pickle.dumps(model)"],
    ),
    "nothing saved": (
        "for epoch in trial.rounds(): trial.report(f1=0.5); trial.save()",
        ["has nothing to save", "trial.save(model=model"],
    ),
    "an unknown parameter": (
        "return trial.params['xx']",
        ["no parameter 'xx'", "did you mean 'x'?", "It has: x"],
    ),
    "a number without a finite value": ("return float('nan')", ["none of which had a finite f1"]),
    "a program that ends": ("import sys; sys.exit(1)", ["called sys.exit(1)", "return from the function"]),
    "a seed that numpy can't take": (
        "import numpy; numpy.random.seed(trial.seed)",
        ["Seed must be between 0 and 2**32 - 1", "Write trial.seed % 2**32 there"],
    ),
    "a number that is too large": ("return 10**400", ["trial.report(f1=…)", "too large"]),
}
# Habits of other tools: the body of a function, and what the message must say.
HABITS = {
    "a value and a step": ("trial.report(0.5, 0)", ["trial.report(0.5, 0)", "Write trial.report(f1=…)"]),
    "a value": ("trial.report(0.5)", ["trial.report(0.5)", "Write trial.report(f1=…)"]),
    "a state without a name": ("trial.save([1])", ["trial.save(list)", "Write trial.save(model=model"]),
    "an object without a name": (
        "trial.restore([1])",
        ["trial.restore(list)", "Write trial.restore(model=model"],
    ),
    "a number of rounds": (
        "trial.rounds(20).__next__()",
        ["trial.rounds(20)", "@sweeps.objective(rounds=…)"],
    ),
    "asking for a parameter": (
        "trial.suggest_float('x', 0, 1)",
        ["trial.suggest_float", 'trial.params["lr"]'],
    ),
    "asking to prune": ("trial.should_prune()", ["trial.should_prune", "ends by itself"]),
    "a config": ("trial.config['x']", ["trial.config", 'trial.params["lr"]']),
    "an item of the trial": ("trial['x']", ["write trial.params['x']"]),
    "an attribute of parameters": ("trial.params.x", ["Write trial.params['x']", "SimpleNamespace"]),
    "a misspelt call": ("trial.reports(f1=1)", ["no 'reports'", "did you mean 'report'?", "It has: "]),
}
# The body of an Optuna objective, and what the message must say.
OPTUNA = {
    "nothing returned": ("pass", ["gave None", "the value of the trial"]),
    "two values": ("return 1.0, 2.0", ["gave 2 values", "trial.set_user_attr"]),
    "no step": ("trial.report(1.0)", ["trial.report(value, step)"]),
    "figures with names": ("trial.report(f1=1.0)", ["trial.report(value, step)", "@sweeps.objective("]),
    "parameters that nobody asked for": (
        "trial.params['x']",
        ["no parameter 'x' has been suggested yet", "@sweeps.objective("],
    ),
    "a method of our trials": ("trial.save(w=1)", ["trial.save can't be used", "@sweeps.objective("]),
    "its study": ("trial.study.stop()", ["trial.study can't be used"]),
    "a step before the first": ("trial.report(1.0, -1)", ["step=-1", "at least 0"]),
}

# A whole file, and what the message must say.
BEFORE_ANYTHING = {
    "other arguments": (DECLARED + "def train(trial, lr): pass", ["needs trial, lr", "def train(trial):"]),
    "no argument": (DECLARED + "def train(): pass", ["takes nothing", "def train(trial):"]),
    "a generator": (DECLARED + "def train(trial): yield 1", ["contains `yield`", "trial.report(…)"]),
    "a coroutine": (DECLARED + "async def train(trial): pass", ["is `async`"]),
    "a space of nothing": (
        DECLARED.replace('{"x": (0.0, 1.0)}', "{}") + "def train(trial): pass",
        ["names no parameter"],
    ),
    "no space": (
        DECLARED.replace('space={"x": (0.0, 1.0)}, ', "") + "def train(trial): pass",
        ["has no search space", "--space", "train.yaml"],
    ),
    "choices that never end": (
        "import itertools\n" + DECLARED.replace("(0.0, 1.0)", "itertools.count()") + "def train(trial): pass",
        ["x", "count"],
    ),
    "no metric": ("@sweeps.objective(direction='maximize')\ndef train(trial): pass", ["needs metric"]),
    "no direction": ("@sweeps.objective(metric='f1')\ndef train(trial): pass", ["needs direction"]),
    "without parentheses": (
        "@sweeps.objective\ndef train(trial): pass",
        ["takes named arguments only", "@sweeps.objective("],
    ),
    "another direction": (
        "@sweeps.objective(metric='f1', direction='max')\ndef train(trial): pass",
        ["direction='max' must be 'maximize' or 'minimize'"],
    ),
    "files that are no list": (
        DECLARED.replace("rounds=3", "rounds=3, files='rows.csv'") + "def train(trial): pass",
        ["files='rows.csv' must be a list of paths"],
    ),
    "a call left at the end": (
        DECLARED + "def train(trial): pass\ntrain()",
        ["train(…) is called without a trial. Remove the call", "sweeps.run(train, lr=…)"],
    ),
    "an Optuna objective that is a generator": (
        "def objective(trial): yield 1",
        ["contains `yield`", "trial.report(value, step)"],
    ),
    "an Optuna objective that is a coroutine": ("async def objective(trial): pass", ["is `async`"]),
    "an Optuna objective with data": (
        "def objective(trial, data): pass",
        ["needs trial, data", "trial.suggest_float(…)"],
    ),
    "an import from no package": (
        "from .helper import x\n" + DECLARED + "def train(trial): pass",
        ["Remove the dot of the import"],
    ),
    "nothing to sweep": ("def main(trial): pass", ["has nothing to sweep", "@sweeps.objective(…)"]),
}


@pytest.mark.parametrize("case", IN_TRAINING)
def test_a_fault_in_a_trial_is_told_with_its_remedy(case: str, launch_own: Launch, write: Write) -> None:
    body, words = IN_TRAINING[case]
    path = write(f"import sweeps\n{DECLARED}def train(trial):\n    {body}\n")
    said = launch_own(path, "--max-failures", "1", code=3).err
    message = next(line for line in said.splitlines() if "trial 0 failed" in line)
    assert all(each in message for each in words), message


@pytest.mark.parametrize("case", HABITS)
def test_a_habit_of_another_tool_is_told_what_to_write_instead(case: str, write: Write) -> None:
    body, words = HABITS[case]
    module = read_sources(write(f"import sweeps\n{DECLARED}def train(trial):\n    {body}\n")).load()
    with pytest.raises(CodeError) as told:
        sweeps.run(module.train, x=0.5)
    assert all(each in str(told.value) for each in words), told.value


@pytest.mark.parametrize("case", OPTUNA)
def test_a_fault_of_an_optuna_objective_is_told_with_its_remedy(
    case: str, launch_own: Launch, write: Write
) -> None:
    body, words = OPTUNA[case]
    path = write(f"def objective(trial):\n    {body}\n")
    message = launch_own(path, "--try", code=2).err
    assert all(each in message for each in words), message


def test_a_parameter_that_is_never_read_is_named_by_a_first_try(launch_own: Launch, write: Write) -> None:
    space = DECLARED.replace('"x": (0.0, 1.0)', '"x": (0.0, 1.0), "never": [1, 2]')
    path = write(f"import sweeps\n{space}def train(trial):\n    return trial.params['x']\n")
    assert "the code did not read never" in launch_own(path, "--try").err
    write(path.read_text().replace("trial.params['x']", "dict(**trial.params)['x']"))
    assert "did not read" not in launch_own(path, "--try").err


def test_a_fixed_parameter_that_no_trial_asks_for_is_named(launch_own: Launch, write: Write) -> None:
    path = write("def objective(trial):\n    return trial.suggest_float('width', 0, 1)\n")
    said = launch_own(path, "-n", "2", "widht=0.5").err
    assert "no trial has asked for 'widht', which is fixed; did you mean 'width'? " in said


def test_a_script_with_nothing_to_sweep_is_not_run(refused: Refusal, write: Write) -> None:
    path = write("raise SystemExit('it ran')\ndef main(lr=1e-3): pass\n")
    assert "has nothing to sweep" in refused("launch", path, "--runner", "inline")
    assert "write `def main(trial):`" in refused("launch", f"{path}:main", "--runner", "inline")


def test_equal_repeats_are_said_to_tell_nothing_of_noise(
    launch_own: Launch, sweep: Sweep, write: Write
) -> None:
    path = write(f"import sweeps\n{DECLARED}def train(trial):\n    return trial.params['x']\n")
    launch_own(path, "-n", "2", "--study", "same")
    said = sweep("confirm", "same", "--seeds", "2", "--runner", "inline").err
    assert "All repeats of each trial gave the same value" in said


@pytest.mark.parametrize("case", BEFORE_ANYTHING)
def test_a_fault_of_the_declaration_is_told_before_anything_is_written(
    case: str, refused: Refusal, write: Write
) -> None:
    text, words = BEFORE_ANYTHING[case]
    path = write(f"import sweeps\n{text}\n")
    message = refused("launch", path, "--runner", "inline")
    assert all(each in message for each in words), message


def test_code_that_never_returns_is_named_after_its_trial_has_ended(
    launch_own: Launch, write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(training, "RETURN_SECONDS", 0.1)
    end = tmp_path / "end"
    path = write(
        f"import pathlib, sweeps, time\n{DECLARED}def train(trial):\n"
        f"    while not pathlib.Path({str(end)!r}).exists():\n        trial.report(f1=0.5); time.sleep(0.01)\n"
    )
    said = launch_own(path, code=2).err
    end.touch()
    assert "Trial 0 has ended, but its code has not returned" in said
    assert "--runner ray" in said


def test_rounds_that_the_code_leaves_out_itself_are_not_saved_by_halting(
    launch_own: Launch, write: Write
) -> None:
    path = write(f"import sweeps\n{DECLARED}def train(trial):\n    return 0.5\n")
    assert "Cost: 1 rounds run, 0 saved by halting" in launch_own(f"{path}::train", "-n", "1").err


def test_a_process_that_can_not_import_the_swept_file_is_told_the_remedy(
    launch_own: Launch, write: Write
) -> None:
    error = "raise RuntimeError('broken') from ModuleNotFoundError(\"No module named 'sweep_task_0'\")"
    path = write(f"import sweeps\n{DECLARED}def train(trial):\n    {error}\n")
    assert "into a module beside the file" in launch_own(path, "--try", code=2).err


def test_a_notebook_is_refused(refused: Refusal) -> None:
    assert "code in a notebook can't be used" in refused("launch", "train.ipynb")


def test_what_is_wrong_with_a_run_by_hand_is_told(write: Write) -> None:
    train = read_sources(write(f"import sweeps\n{DECLARED}def train(trial):\n    return 1\n")).load().train
    wrong = {
        "parameters have names": lambda: sweeps.run(train, 0.5),  # type: ignore[arg-type]
        "no parameter 'xx'; did you mean 'x'?": lambda: sweeps.run(train, xx=0.5),
        "rounds=0": lambda: sweeps.run(train, x=0.5, rounds=0),
        "is called without a trial": lambda: train(x=0.5),
    }
    for words, call in wrong.items():
        with pytest.raises(CodeError, match=re.escape(words)):
            call()
