"""Finds tasks by name: ours, those of installed packages, and those in a user's own file.

A package registers a task by an entry point in the group `sweeps.tasks`. A file is given as `path.py:Class`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from objectives.errors import UnknownTaskError
from objectives.local_modules import find_module
from objectives.source_code import Sources, read_sources
from objectives.spelling import did_you_mean
from objectives.task import Task
from objectives.task_class import flaw_of

GROUP = "sweeps.tasks"
LOOP_ON_GPUS = "cuda2"  # must change if the shared loop's figures change on GPUs, but not on the CPU
BUILT_IN = {
    "mnist_mlp": "objectives.tasks.mnist_mlp:MnistMlp",
    "mnist_mlp_online": "objectives.tasks.mnist_mlp_online:MnistMlpOnline",
    "mnist_mlp_bn": "objectives.tasks.mnist_mlp_bn:MnistMlpBn",
    "mnist_convnet": "objectives.tasks.mnist_convnet:MnistConvnet",
    "cifar10_cnn": "objectives.tasks.cifar10_cnn:Cifar10Cnn",
    "food101_squeezenet": "objectives.tasks.food101_squeezenet:Food101Squeezenet",
    "cora_gcn": "objectives.tasks.cora_gcn:CoraGcn",
    "text8_skipgram": "objectives.tasks.text8_skipgram:Text8Skipgram",
    "sequence_convnet": "objectives.tasks.sequence_convnet:SequenceConvnet",
}


def task_names() -> list[str]:
    """The names of all registered tasks, ours first."""
    return [*BUILT_IN, *(point.name for point in entry_points(group=GROUP))]


def all_tasks() -> Iterator[Task]:
    """An instance of every registered task."""
    for name in task_names():
        yield get_task(name)


def get_task(name: str, *, before_loading: Callable[[Sources], None] | None = None) -> Task:
    """The task called `name`, or the class in a file or module given as `path.py:Class` or `package.module:Class`.

    before_loading: called with a user's own code before it is run; it may raise an error to prevent that. Raises
    UnknownTaskError; its message names a similar task.
    """
    if ":" in name:
        sources, class_name = _own_sources(name)
        if before_loading is not None:
            before_loading(sources)
        return task_of(sources, class_name)
    if name in BUILT_IN:
        module, _, class_name = BUILT_IN[name].partition(":")
        task: Task = getattr(importlib.import_module(module), class_name)()
        return task
    for point in entry_points(group=GROUP, name=name):
        return _from_package(point)
    if name.endswith(".ipynb"):
        raise UnknownTaskError(
            f"{name}: code in a notebook can't be used. Write the function or class into a file, and give its name."
        )
    raise UnknownTaskError(
        f"No task {name!r}{did_you_mean(name, task_names())} There are: {', '.join(task_names())}. To use your own "
        "code, give its file, or its module and name: train.py, my_task.py:MyTask, package.module:train."
    )


def task_reference(name: str) -> str:
    """`name` in a form that is valid in every folder: the path of a file is made absolute."""
    if ".py:" not in name:
        return name
    path, _, class_name = name.rpartition(":")
    return f"{Path(path).resolve()}:{class_name}"


def task_version(task: Task, *, on_gpus: bool = False) -> str:
    """The version of a task. on_gpus: add the version of the shared loop on GPUs."""
    return f"{task.version}+{LOOP_ON_GPUS}" if on_gpus else task.version


def _own_sources(name: str) -> tuple[Sources, str]:
    """The files that `path.py:Class` or `package.module:Class` names, and the class. No code is run."""
    place, _, class_name = name.rpartition(":")
    if not place.endswith(".py"):
        path = find_module(place)
        if path is None:
            raise UnknownTaskError(f"{name}: there is no module {place!r} here.")
        return read_sources(path, place), class_name
    if not Path(place).is_file():
        raise UnknownTaskError(
            f"{Path(place).resolve()}: no such file. To use your own task, give its file and class: my_task.py:MyTask."
        )
    return read_sources(Path(place)), class_name


def task_of(sources: Sources, class_name: str) -> Task:
    """The task of that class in a user's own code. Raises UnknownTaskError if there is none, or if it is invalid."""
    path = sources.main.path
    found = getattr(sources.load(), class_name, None)
    if not (isinstance(found, type) and issubclass(found, Task)) or found is Task:
        raise UnknownTaskError(f"{path} has no task class {class_name!r} (a subclass of objectives.Task).")
    return _made(found, f"{path}: the task class {class_name!r}")


def _from_package(point: EntryPoint) -> Task:
    source = f"The task {point.name!r}, registered by {point.dist.name if point.dist else 'a package'}"
    try:
        found = point.load()
    except (Exception, SystemExit) as error:
        raise UnknownTaskError(
            f"{source}, can't be imported: {type(error).__name__}: {error}. Repair or uninstall that package."
        ) from error
    if not (isinstance(found, type) and issubclass(found, Task)):
        raise UnknownTaskError(f"{source}, is {found!r}, which is not a subclass of objectives.Task.")
    return _made(found, f"{source},")


def _made(found: type[Task], source: str) -> Task:
    if (flaw := flaw_of(found)) is not None:
        raise UnknownTaskError(f"{source} {flaw}.")
    return found()
