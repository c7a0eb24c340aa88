"""A database that another program has changed: what is wrong is told at once, in one message."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.sweeps_tests.conftest import Sweep


@pytest.mark.parametrize(
    ("change", "words", "told"),
    [
        (
            "UPDATE sweep_studies SET specification = '[1'",
            ["trials", "s"],
            "a value that can't be read: '[1'",
        ),
        ("UPDATE sweep_studies SET run = hex(zeroblob(9))", ["resume", "s"], "can't be read: '0000"),
        ("UPDATE trial_user_attributes SET value_json = '{x'", ["trials", "s"], "can't be read: '{x'"),
        ("UPDATE trial_values SET value = 'abc'", ["status"], "can't be read: 'abc'"),
        (
            "DELETE FROM trials WHERE number = 1",
            ["resume", "s", "-n", "9"],
            "trial 2 stands in the place of trial 1",
        ),
        (
            "UPDATE trials SET number = 0 WHERE number = 1",
            ["resume", "s", "-n", "9"],
            "trial 0 stands in the place",
        ),
        ("DROP TABLE sweep_rounds", ["resume", "s", "-n", "9"], "no such table: sweep_rounds"),
    ],
)
def test_damage_is_told_and_nothing_waits_for_it(
    launch: Sweep, sweep: Sweep, home: Path, change: str, words: list[str], told: str
) -> None:
    launch("-n", "3", "--study", "s")
    with sqlite3.connect(home / "studies.db") as connection:
        connection.execute(change)
    said = sweep(*words, code=1).err
    assert told in said
    assert "bug in onset" not in said
