"""Seeds: the same in every process, unrelated for neighbours."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from objectives.seeding import derive_seed

parts = st.integers() | st.text("abc01 ", max_size=4)


def test_a_seed_is_the_same_for_ever() -> None:
    assert derive_seed(0, "weights") == 7831180306208225803
    assert derive_seed("1", "ab") == derive_seed(1, "ab")


@given(st.lists(parts, max_size=3), st.lists(parts, max_size=3))
def test_seeds_differ_where_their_parts_do(one: list[int | str], other: list[int | str]) -> None:
    same = [str(part) for part in one] == [str(part) for part in other]
    assert (derive_seed(*one) == derive_seed(*other)) == (same or {repr(one), repr(other)} == {"[]", "['']"})
    assert 0 <= derive_seed(*one) < 2**63
