"""Tasks by name, and tasks of a user's own by file."""

from __future__ import annotations

import os
import pickle
import py_compile
import sys
from pathlib import Path

import pytest

from objectives.errors import UnknownTaskError
from objectives.registry import all_tasks, get_task, task_names, task_reference, task_version
from objectives.source_code import read_sources
from objectives.tasks.mnist_mlp import MnistMlp

MINE = """
from __future__ import annotations
from dataclasses import dataclass
from objectives.tasks.mnist_mlp import MnistMlp
from objectives.task import Task

@dataclass(frozen=True)
class MyParameters:
    width: int = {width}

class Mine(MnistMlp):
    name = "mine"
    Parameters = MyParameters

class Unfinished(Task):
    name = "unfinished"

def make(): ...
"""


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    path = tmp_path / "my_task.py"
    path.write_text(MINE.format(width=3))
    return path


def test_every_name_is_a_task_of_that_name() -> None:
    assert [task.name for task in all_tasks()] == task_names()
    assert task_names()[0] == "mnist_mlp"
    assert isinstance(get_task("mnist_mlp"), MnistMlp)


def test_a_task_is_found_in_a_file(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mine.parent)
    for name in (f"{mine}:Mine", "my_task.py:Mine", "./my_task.py:Mine"):
        task = get_task(name)
        assert task.name == "mine"
        assert task.parameters_from({"width": 4}).width == 4


def test_a_file_that_was_edited_is_read_again(mine: Path) -> None:
    before, old_digests = get_task(f"{mine}:Mine"), read_sources(mine).digests
    mine.write_text(MINE.format(width=5))
    after = get_task(f"{mine}:Mine")
    assert (before.Parameters().width, after.Parameters().width) == (3, 5)
    assert read_sources(mine).digests != old_digests


def test_no_bytecode_is_left_beside_a_file_or_taken_for_it(
    mine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    mine.write_text(MINE.format(width=5))
    assert get_task(f"{mine}:Mine").Parameters().width == 5
    assert not list(mine.parent.glob("__pycache__"))
    saved = mine.stat()
    py_compile.compile(str(mine))
    mine.write_text(MINE.format(width=6))
    os.utime(mine, ns=(saved.st_atime_ns, saved.st_mtime_ns))  # edited within the clock's second
    assert get_task(f"{mine}:Mine").Parameters().width == 6


def test_a_tasks_class_can_be_pickled(mine: Path) -> None:
    parameters = get_task(f"{mine}:Mine").parameters_from({"width": 9})
    assert pickle.loads(pickle.dumps(parameters)) == parameters


def test_a_reference_means_the_same_from_any_folder(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(mine.parent)
    reference = task_reference("my_task.py:Mine")
    monkeypatch.chdir(os.sep)
    assert get_task(reference).name == "mine"
    assert task_reference("mnist_mlp") == "mnist_mlp"


def test_a_built_in_tasks_version_is_its_own() -> None:
    assert task_version(get_task("mnist_mlp")) == MnistMlp.version
    assert task_version(get_task("mnist_mlp"), on_gpus=True) != MnistMlp.version


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("mnist_mpl", "No task 'mnist_mpl'; did you mean 'mnist_mlp'? There are: mnist_mlp"),
        ("zebra", "No task 'zebra'. There are: mnist_mlp"),
        ("", "No task ''."),
        (
            "{folder}/nowhere.py:Mine",
            "nowhere.py: no such file. To use your own task, give its file and class: my_task.py:MyTask",
        ),
        ("{folder}:Mine", "there is no module"),
        ("{folder}/my_task.py:Yours", "my_task.py has no task class 'Yours' (a subclass of objectives.Task)"),
        ("{folder}/my_task.py:MyParameters", "has no task class 'MyParameters'"),
        ("{folder}/my_task.py:make", "has no task class 'make'"),
        ("{folder}/my_task.py:Task", "has no task class 'Task'"),
        (
            "{folder}/my_task.py:Unfinished",
            "the task class 'Unfinished' lacks build, load, load_test, losses",
        ),
    ],
)
def test_what_is_no_task_is_refused(mine: Path, name: str, why: str) -> None:
    with pytest.raises(UnknownTaskError) as refusal:
        get_task(name.format(folder=mine.parent))
    assert why in str(refusal.value)


def test_an_error_in_a_tasks_file_is_not_swallowed_and_may_be_mended(mine: Path) -> None:
    mine.write_text("import no_such_module_at_all\n")
    for _ in range(2):
        with pytest.raises(UnknownTaskError, match="ModuleNotFoundError: No module named 'no_such_module"):
            get_task(f"{mine}:Mine")
    mine.write_text(MINE.format(width=7))
    assert get_task(f"{mine}:Mine").Parameters().width == 7


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("no_such_module:Mine", "can't be imported: ModuleNotFoundError"),
        ("pathlib:Path", "which is not a subclass of objectives.Task"),
        (
            "their_tasks:Unfinished",
            r"lacks build, load, load_test, losses, rounds, chance_score, data_sets, Parameters, scores \(or split_score\)\.",
        ),
    ],
)
def test_what_a_package_registers_wrongly_is_refused_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str, why: str
) -> None:
    info = tmp_path / "their_package-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: their-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[sweeps.tasks]\ntheirs = {value}\n")
    (tmp_path / "their_tasks.py").write_text(MINE.format(width=3))
    monkeypatch.syspath_prepend(tmp_path)
    assert task_names()[-1] == "theirs"
    with pytest.raises(UnknownTaskError, match=rf"'theirs', registered by their-package, .*{why}"):
        get_task("theirs")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("name = '../../evil'", "has the name '../../evil', but a name must have 1 to 80 letters"),
        ("rounds = 0", "has rounds = 0, but this must be an integer of at least 1"),
        ("chance_score = 'a tenth'", "has chance_score = 'a tenth', but this must be a number"),
        ("direction = 'max'", "has direction = 'max', but this must be maximize or minimize"),
        ("data_sets = ('moons')", "has data_sets = 'moons', but this must be a tuple of names"),
        ("Parameters = dict", "has Parameters that are not a dataclass"),
        ("def __init__(self, width): ...", "must be constructible without arguments"),
    ],
)
def test_a_class_that_can_be_no_task_is_refused_before_it_is_used(mine: Path, line: str, why: str) -> None:
    mine.write_text(f"{MINE.format(width=3)}\nclass Odd(Mine):\n    {line}\n")
    with pytest.raises(UnknownTaskError) as refusal:
        get_task(f"{mine}:Odd")
    assert f"my_task.py: the task class 'Odd' {why}" in str(refusal.value)


@pytest.mark.parametrize("kind", ["int | float", "tuple[int, ...]", "list"])
def test_a_parameter_that_can_not_be_searched_is_refused(mine: Path, kind: str) -> None:
    mine.write_text(MINE.format(width=3).replace("width: int", f"width: {kind}"))
    with pytest.raises(UnknownTaskError, match=r"width is of type .*, but must be float, int, bool, str"):
        get_task(f"{mine}:Mine")


def test_a_file_that_ends_the_program_is_refused(mine: Path) -> None:
    mine.write_text("import sys\nsys.exit(3)\n")
    with pytest.raises(UnknownTaskError, match="can't be imported: SystemExit: 3"):
        get_task(f"{mine}:Mine")
