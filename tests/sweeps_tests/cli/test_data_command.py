"""`sweep data` tells what is there and what is missing, for every data set of every task."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from objectives.datasets.catalogue import CATALOGUE
from objectives.registry import all_tasks
from tests.sweeps_tests.conftest import Sweep


def test_every_data_set_is_in_the_catalogue_and_documented() -> None:
    names = {name for task in all_tasks() for name in task.data_sets}
    assert names == set(CATALOGUE)
    page = (Path(__file__).parents[3] / "docs" / "data.md").read_text()
    assert not [name for name in names if f"`{name}`" not in page]


def test_what_is_there_is_told_from_what_is_missing(sweep: Sweep, tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "mine.txt").write_text("some words")
    rows = {row["data"]: row for row in json.loads(sweep("data", "--data-dir", tmp_path, "-f", "json").out)}
    assert rows["text"]["there"]
    assert rows["mnist1d"]["there"]
    assert not rows["cora"]["there"]
    assert rows["text"]["tasks"] == ["text8_skipgram"]
    said = sweep("data", "--data-dir", tmp_path)
    assert str(tmp_path) in said.err
    assert "downloaded at the first launch, 170 MB" in said.out


@pytest.mark.real_data
def test_a_whole_data_root_lacks_nothing_but_what_is_said(sweep: Sweep, data_root: Path) -> None:
    rows = {row["data"]: row["there"] for row in json.loads(sweep("data", "-f", "json").out)}
    assert all(rows[name] for name in ("mnist", "cora", "cifar10", "text"))
