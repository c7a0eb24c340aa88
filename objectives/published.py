"""Published results of a task: a configuration, its results, and its variants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Variant:
    """A published configuration with some changed values: an error in it, or a proposed cure.

    parameters: replace the published ones. note: what it shows. rounds: None for the published number. curve: published
    results of the variant itself, in the form of Published; those of the original configuration are not repeated.
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
