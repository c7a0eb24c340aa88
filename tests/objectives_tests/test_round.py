"""A round as plain figures, and back."""

from __future__ import annotations

import dataclasses
import math

from hypothesis import given
from hypothesis import strategies as st

from objectives import Cost, Round
from objectives.round import FIGURES

required = {"index", "valid_score"}
rounds = st.fixed_dictionaries(
    {name: st.floats() | st.none() if name not in required else st.floats() for name in FIGURES}
).map(lambda figures: Round(**{**figures, "index": 3}))


@given(rounds)
def test_figures_are_all_of_a_round_but_its_cost(latest: Round) -> None:
    costly = dataclasses.replace(latest, cost=Cost(1.0, 2.0, 3))
    assert repr(costly.figures()) == repr(latest.figures())
    assert repr(Round.from_figures(costly.figures())) == repr(latest)
    assert "cost" not in costly.figures()


def test_other_columns_are_left_aside() -> None:
    figures = {**dict.fromkeys(FIGURES, math.pi), "index": 1, "trial": 4, "seconds": 0.5}
    assert Round.from_figures(figures).figures().keys() == set(FIGURES)


def test_numbers_of_other_names_are_figures_too() -> None:
    with_more = Round(index=1, valid_score=0.5, extra={"recall": 0.25})
    assert with_more.figures()["recall"] == 0.25
    assert Round.from_figures(with_more.figures()) == with_more
