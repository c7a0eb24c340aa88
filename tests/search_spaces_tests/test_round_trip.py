"""What is written of a space reads back as the same space: a study's table hangs on it."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given, settings

from search_spaces import Space, read_space
from tests.search_spaces_tests.conftest import SpaceReader
from tests.search_spaces_tests.strategies import spaces


@given(spaces())
@settings(max_examples=60, deadline=None)
def test_a_space_survives_json(space: Space) -> None:
    again = Space.from_dict(json.loads(json.dumps(space.to_dict())))
    assert again == space
    assert repr(again.to_dict()) == repr(space.to_dict())  # 1 stays 1, and 1.0 stays 1.0


def test_the_order_of_parameters_survives_json(read: SpaceReader) -> None:
    space = read("space:\n  z: {low: 0, high: 1}\n  a: {low: 0, high: 1, when: {z: 1}}\n")
    assert list(Space.from_dict(json.loads(json.dumps(space.to_dict()))).to_dict()) == ["z", "a"]


def test_a_space_is_the_same_in_another_file_and_layout(tmp_path: Path) -> None:
    (tmp_path / "flow.yaml").write_text("space: {x: {low: 1, high: 2}}")
    (tmp_path / "block.yaml").write_text("# mine\nspace:\n  x:\n    high: 2\n    low: 1\n")
    assert read_space(tmp_path / "flow.yaml") == read_space(tmp_path / "block.yaml")
