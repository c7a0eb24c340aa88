"""`key=value` and `key=lo..hi` on the command line."""

from __future__ import annotations

import json

import pytest

from search_spaces import Categorical, Fixed, Numeric, Space, SpaceError, parse_override
from search_spaces.schema import Domain
from tests.search_spaces_tests.conftest import SpaceReader

SPACE = (
    "space:\n  learning_rate: {low: 1e-4, high: 3e-2, log: true}\n  width: {low: 8, high: 64}\n"
    "  norm: {choices: [true, false]}\n  momentum: {low: 0.1, high: 0.9, when: {norm: true}}\n"
)


@pytest.mark.parametrize(
    ("text", "kind", "domain"),
    [
        ("learning_rate=1e-3", float, Fixed(1e-3)),
        ("width=32", int, Fixed(32)),
        ("norm=false", bool, Fixed(False)),
        ("mode=on", str, Fixed("on")),
        ("mode=2024-01-31", str, Fixed("2024-01-31")),
        ("clip=null", float, Fixed(None)),
        ("file=a: b", str, Fixed("a: b")),
        ("file=a=b", str, Fixed("a=b")),
        ("width=16..128", int, Numeric(16, 128, integer=True)),
        ("momentum=0..1", float, Numeric(0, 1)),
        ("momentum=.1.. .2", float, Numeric(0.1, 0.2)),
        ("shift=-1.5..-.5", float, Numeric(-1.5, -0.5)),
        ("new=1..9", None, Numeric(1, 9, integer=True)),
        ("new=1..9.5", None, Numeric(1, 9.5)),
        ("learning_rate=1e-5..1e-1", float, Numeric(1e-5, 1e-1, log=True)),
    ],
)
def test_an_override_fixes_or_ranges(read: SpaceReader, text: str, kind: type | None, domain: Domain) -> None:
    name, parsed = parse_override(text, read(SPACE), kind)
    assert (name, parsed) == (text.partition("=")[0], domain)
    assert not isinstance(parsed, Fixed) or type(parsed.value) is type(domain.value)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("width", "'width' is neither key=value nor key=lo..hi"),
        ("=3", "neither key=value"),
        ("width=", "neither key=value"),
        ("width=8..", "command line: width: high must be a finite number, not None"),
        ("width=a..b", "command line: width: low must be a finite number, not 'a'"),
        ("width=1..2..3", "high must be a finite number, not '2..3'"),
        ("width=64..8", "width: low 64 is above high 8. Swap them"),
        ("width=8..8", "To fix the parameter at it, write `width: 8`"),
        ("learning_rate=0..1", "a logarithmic range must start above 0, not at 0"),
        ("width=.nan", "width=.nan: '.nan' is not a finite number, a word, true, false or null"),
        ("width=1...inf", "high must be a finite number, not inf"),
    ],
)
def test_garbage_is_refused_by_what_was_typed(read: SpaceReader, text: str, why: str) -> None:
    with pytest.raises(SpaceError) as refusal:
        parse_override(text, read(SPACE), int)
    assert why in str(refusal.value)


def test_an_override_takes_its_parameters_place_and_condition(read: SpaceReader) -> None:
    space = read(SPACE)
    overridden = space.with_domain("momentum", Fixed(0.5))
    assert list(overridden.to_dict()) == list(space.to_dict())
    assert overridden["momentum"].when == space["momentum"].when
    assert overridden["norm"].domain == Categorical((True, False))


def test_a_new_parameter_comes_first_so_that_conditions_may_name_it(read: SpaceReader) -> None:
    assert next(iter(read(SPACE).with_domain("depth", Fixed(3)).to_dict())) == "depth"


def test_fixing_a_switch_leaves_a_space_that_reads_back(read: SpaceReader) -> None:
    space = read(SPACE).with_domain("norm", Fixed(False))
    again = Space.from_dict(json.loads(json.dumps(space.to_dict())))
    assert again == space
    assert not again["momentum"].is_active({"norm": False})
