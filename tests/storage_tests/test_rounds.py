"""Rounds: what a worker told comes back bit for bit, whatever it was."""

from __future__ import annotations

import math
import struct
import sys
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from storage import Database
from storage.rounds import add_round, all_rounds, get_rounds, last_rounds, total_seconds
from tests.storage_tests.figures import COST, FIGURES, OPTIONAL, store_round

_trials = count()
_tiny, _least = sys.float_info.min, math.ulp(0.0)
_odd = [
    math.nan,
    math.inf,
    -math.inf,
    0.0,
    -0.0,
    _tiny,
    _least,
    -_least,
    sys.float_info.max,
    0.1 + 0.2,
    2.0**53 + 2,
]


def _bits(value: float | None) -> bytes | None:
    """NaNs are all one."""
    return None if value is None else b"nan" if math.isnan(value) else struct.pack("d", value)


@given(
    st.fixed_dictionaries(
        {name: st.floats() | st.none() if name in OPTIONAL else st.floats() for name in FIGURES}
    ),
    st.fixed_dictionaries({name: st.none() | st.floats() for name in COST}),
)
@example(dict(zip(FIGURES, _odd, strict=False)), dict(zip(COST, _odd[-3:], strict=True)))
@example({**dict.fromkeys(FIGURES, -0.0), **dict.fromkeys(OPTIONAL)}, dict.fromkeys(COST))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_round_comes_back_bit_for_bit(
    database: Database, figures: dict[str, Any], cost: dict[str, Any]
) -> None:
    trial = next(_trials)
    with database.engine.begin() as connection:
        assert add_round(connection, 1, trial, {"index": 1, **figures}, cost)
        assert not add_round(connection, 1, trial, {"index": 1, **figures}, cost)
    (found,) = get_rounds(database, 1, trial)
    stored = {**figures, **cost}
    assert {name: _bits(found[name]) for name in stored} == {
        name: _bits(value) for name, value in stored.items()
    }
    assert (found["study_id"], found["trial"], found["index"]) == (1, trial, 1)


def test_what_is_not_finite_is_kept_by_name_in_sqlite(database: Database, dialect: str) -> None:
    store_round(
        database, 1, 0, 1, train_loss=math.nan, valid_loss=math.inf, running_loss=-math.inf, dead_share=None
    )
    with database.engine.connect() as connection:
        raw = connection.execute(
            text("SELECT train_loss, valid_loss, running_loss, dead_share FROM sweep_rounds")
        ).one()
    if dialect == "sqlite":
        assert tuple(raw) == ("nan", "inf", "-inf", None)
    else:
        assert [repr(value) for value in raw] == ["nan", "inf", "-inf", "None"]


def test_a_whole_number_is_a_float_when_it_comes_back(database: Database) -> None:
    store_round(database, 1, 0, 1, train_score=1, peak_memory_bytes=2**40)
    (found,) = get_rounds(database, 1, 0)
    assert [repr(found[name]) for name in ("train_score", "peak_memory_bytes")] == ["1.0", repr(float(2**40))]


def test_rounds_come_in_order(database: Database) -> None:
    for trial, index in [(1, 2), (0, 3), (1, 1), (0, 1), (0, 2)]:
        store_round(database, 1, trial, index)
    store_round(database, 2, 0, 9)
    assert [row["index"] for row in get_rounds(database, 1, 0)] == [1, 2, 3]
    found = [(row["trial"], row["index"]) for row in all_rounds(database, 1)]
    assert found == [(0, 1), (0, 2), (0, 3), (1, 1), (1, 2)]
    assert last_rounds(database, 1) == {0: 3, 1: 2}
    assert last_rounds(database, 1, [1, 7]) == {1: 2}
    assert last_rounds(database, 1, []) == {}
    assert get_rounds(database, 1, 7) == []


def test_a_round_is_stored_once(database: Database) -> None:
    store_round(database, 1, 0, 1, valid_loss=1.0)
    with pytest.raises(RuntimeError, match=r"round 1 is stored with a different valid_loss \(1.0, now 2.0\)"):
        store_round(database, 1, 0, 1, valid_loss=2.0)
    assert [row["valid_loss"] for row in get_rounds(database, 1, 0)] == [1.0]


def test_seconds_are_summed_over_a_study(database: Database) -> None:
    assert total_seconds(database, 1) == 0.0
    for study, trial, seconds in [(1, 0, 0.25), (1, 1, 0.5), (1, 2, None), (2, 0, 8.0)]:
        store_round(database, study, trial, 1, seconds=seconds)
    assert total_seconds(database, 1) == 0.75


def test_numbers_of_other_names_come_back_beside_the_figures(database: Database) -> None:
    store_round(database, 1, 0, 1, f1=0.5, auc=math.nan)
    store_round(database, 1, 0, 2)
    first, second = get_rounds(database, 1, 0)
    assert (first["f1"], repr(first["auc"])) == (0.5, "nan")
    assert set(first) - set(second) == {"f1", "auc"}
    assert "extra" not in second
