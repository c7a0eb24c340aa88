"""Every space that ships."""

from __future__ import annotations

from pathlib import Path

import pytest

import search_spaces
from search_spaces import built_in_space_path, read_space
from search_spaces.points import nearest

SHIPPED = sorted(Path(search_spaces.__file__).parent.rglob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=[path.stem for path in SHIPPED])
def test_a_shipped_space_is_sound(path: Path) -> None:
    space = read_space(path)
    assert space.searched
    point = nearest(space, {})
    assert all(space[name].domain.contains(value) for name, value in point.items())


def test_a_tasks_space_is_found_by_its_name() -> None:
    path = built_in_space_path("mnist_mlp")
    assert path in SHIPPED
    assert built_in_space_path("no_such_task") is None
