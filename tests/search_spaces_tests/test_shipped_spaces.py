"""Every space that ships."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

import search_spaces
from objectives.parameters.kinds import parameter_kinds
from objectives.registry import all_tasks
from objectives.task import Task
from search_spaces import built_in_space_path, read_space
from search_spaces.points import nearest

SHIPPED = sorted(Path(search_spaces.__file__).parent.rglob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_a_shipped_space_is_sound(path: Path) -> None:
    space = read_space(path)
    assert space.searched
    point = nearest(space, {})
    assert all(space[name].domain.contains(value) for name, value in point.items())


TASKS = list(all_tasks())
KNOBS = {"learning_rate", "batch_size", "hidden_width", "dropout", "bn_momentum"}


@pytest.mark.parametrize("task", TASKS, ids=[task.name for task in TASKS])
def test_a_tasks_space_searches_the_five_knobs_around_its_defaults(task: Task) -> None:
    path = built_in_space_path(task.name)
    assert path is not None
    space = read_space(path)
    assert {parameter.name for parameter in space} <= set(parameter_kinds(task.Parameters))
    assert {parameter.name for parameter in space.searched} >= KNOBS
    assert space["bn_momentum"].when[0].to_dict() == {"batch_norm": True}
    defaults = dataclasses.asdict(task.Parameters())
    first_trial = nearest(space, defaults)
    assert first_trial == {name: defaults[name] for name in first_trial}


def test_a_tasks_space_is_found_by_its_name() -> None:
    path = built_in_space_path("mnist_mlp")
    assert path in SHIPPED
    assert built_in_space_path("no_such_task") is None
