"""Python code launches what the command line does, and more: a Task class, a function, a space in a mapping."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

import sweeps
from objectives.errors import UnknownTaskError
from objectives.reference import reference_of
from objectives.tasks.mnist_mlp import MnistMlp
from sweeps.errors import UsageError
from tests.conftest import TOY_SPACE
from tests.toy import Toy

INLINE = {"runner": "inline", "num_trials": 2, "progress": False}


def test_a_task_class_is_launched_from_its_file() -> None:
    study = sweeps.launch(Toy, space=TOY_SPACE, rounds=3, **INLINE).study
    assert study.row.run["task"].endswith("toy.py:Toy")
    assert sweeps.launch(Toy(), space=str(TOY_SPACE), rounds=3, **INLINE).study.name == study.name


def test_a_class_whose_module_is_put_away_is_found_by_its_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(
        sys.modules, Toy.__module__, raising=False
    )  # as when the code of another study is the active one
    assert reference_of(Toy).endswith("toy.py:Toy")


def test_a_registered_class_is_launched_by_its_name() -> None:
    assert reference_of(MnistMlp) == "mnist_mlp"


def test_a_space_and_fixed_values_may_be_mappings() -> None:
    space = {"quality": (0.2, 0.9), "behaviour": ["learns", "overfits"]}
    changed = {"quality": (0.6, 0.7), "behaviour": "learns"}
    study = sweeps.launch({"task": Toy, "space": space, "rounds": 3}, overrides=changed, **INLINE).study
    assert 0.6 <= study.trial(1).params["quality"] <= 0.7
    assert study.parameters(study.best())["behaviour"] == "learns"


def test_a_function_is_launched_from_the_script_that_defines_it(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import sweeps

            @sweeps.objective(space={"x": (0.0, 1.0)}, metric="loss", direction="minimize")
            def train(trial):
                return trial.params["x"]

            if __name__ == "__main__":
                result = sweeps.launch(train, num_trials=2, runner="inline")
                print(len(result.study.trials()))
            """
        )
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=True)
    assert done.stdout == "2\n"
    assert "2/2  trial 1" in done.stderr  # progress
    script.write_text(script.read_text().replace('if __name__ == "__main__":', "if True:"))
    unguarded = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert "Put the call below `if __name__" in unguarded.stderr


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: sweeps.launch(5),
            "takes a task's name, FILE.py:NAME, a Task class, a function or StudySettings, not 5",
        ),
        (lambda: sweeps.launch("mnist_mlp", 8), r"takes RunSettings, not 8 \(a int\)"),
        (lambda: sweeps.launch("mnist_mlp", rouns=3), "there is no such setting; did you mean 'rounds'"),
        (
            lambda: sweeps.launch("mnist_mlp", rounds="3"),
            r"rounds=….* must be a whole number or None, not '3'",
        ),
        (lambda: sweeps.launch("mnist_mlp", num_trials=2.5), "num_trials=….* must be a whole number or None"),
        (lambda: sweeps.StudySettings("mnist_mlp", overrides="lr=1"), "must be a list of texts, not 'lr=1'"),
        (
            lambda: sweeps.launch("mnist_mlp", space=[1]),
            "must be a path or a mapping or the space of a study",
        ),
        (
            lambda: sweeps.launch(sweeps.StudySettings("mnist_mlp"), rounds=3),
            "rounds is given in addition to StudySettings",
        ),
        (lambda: sweeps.resume("s", rounds=3), "RunSettings have no 'rounds'.* It decides results"),
        (lambda: sweeps.resume("s", {"worker": 3}), "did you mean 'workers'"),
    ],
)
def test_a_wrong_argument_is_told_what_it_should_have_been(call: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        call()


def test_code_that_no_file_holds_under_a_name_is_refused() -> None:
    def inner(trial: Any) -> float:
        return 0.0

    with pytest.raises(UnknownTaskError, match="outside of any function"):
        reference_of(inner)
    namespace: dict[str, Any] = {"__name__": "nowhere"}
    exec("def typed(trial): return 0.0", namespace)
    with pytest.raises(UnknownTaskError, match="is not in a file"):
        reference_of(namespace["typed"])
