"""Spaces such as a person might write, for properties."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import strategies as st

from search_spaces import Categorical, Condition, Fixed, Numeric, Space
from search_spaces.schema import Domain, Parameter

words = st.text("abcdefxyzäΩ_-+ .~#:'\"{}0123456789", min_size=1, max_size=6)
numbers = st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False)
scalars = st.none() | st.booleans() | numbers | words


@st.composite
def ranges(draw: st.DrawFn) -> Numeric:
    """A range, whole or not, logarithmic, a ladder, or neither."""
    log, ladder = draw(st.sampled_from([(False, False), (True, False), (False, True)]))
    if draw(st.booleans()):
        low, span = draw(st.integers(1 if log else -1000, 1000)), draw(st.integers(1, 5000))
        return Numeric(low, low + span, log, draw(st.integers(1, span)) if ladder else None, integer=True)
    if ladder:  # in the few decimals that people write
        low, span = draw(st.integers(-1000, 1000)), draw(st.integers(1, 5000))
        return Numeric(low / 100, (low + span) / 100, step=draw(st.integers(1, span)) / 100)
    start, width = draw(st.floats(1e-6 if log else -1e3, 1e3)), draw(st.floats(1e-3, 1e3))
    return Numeric(start, start + width, log)


choices = st.lists(scalars, min_size=2, max_size=5, unique=True).map(tuple).map(Categorical)
domains = ranges() | choices | scalars.map(Fixed)


def conditions_on(parameter: Parameter) -> st.SearchStrategy[Condition]:
    """A condition that can hold."""
    domain: Domain = parameter.domain
    if isinstance(domain, Numeric):
        low, high = domain.nearest(domain.low), domain.nearest(domain.high)
        between = Condition(parameter.name, low=low, high=high)
        return st.sampled_from([between, replace(between, low=-math.inf), replace(between, high=math.inf)])
    values = domain.choices if isinstance(domain, Categorical) else (domain.value,)
    wanted = st.lists(st.sampled_from(values), min_size=1, unique=True)
    return wanted.map(lambda listed: Condition(parameter.name, tuple(listed)))


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """Up to five parameters, each perhaps on conditions on those before it."""
    names = draw(st.lists(words, min_size=1, max_size=5, unique=True))
    parameters: list[Parameter] = []
    for name in names:
        parents = draw(st.lists(st.sampled_from(parameters), max_size=2, unique=True)) if parameters else []
        when = tuple(draw(conditions_on(parent)) for parent in parents)
        parameters.append(Parameter(name, draw(domains), when))
    return Space(tuple(parameters))
