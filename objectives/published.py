"""Published results of a task: a configuration, its results, and its variants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Variant:
    """A published configuration with some changed values, which shows an error in it or a proposed cure.

    parameters: the changed values. note: what the variant shows. rounds: None for the published number. curve: results
    that were published for the variant itself, in the form of `Published.curve`.
    """

    parameters: Mapping[str, Any]
    note: str
    rounds: int | None = None
    curve: Mapping[int, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """A published configuration of a task, and its published results.

    figures: the main results, by name. curve: results by round, under the names of a Round's fields. (If
    `load_published` uses the test split for validation, `valid_score` is the score on the test split.)
    """

    parameters: Mapping[str, Any]
    rounds: int
    figures: Mapping[str, float]
    note: str = ""
    curve: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    variants: Mapping[str, Variant] = field(default_factory=dict)
