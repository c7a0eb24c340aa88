"""What was published for a task: a configuration, its figures, and its variants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Variant:
    """A published configuration with some values changed: what went wrong there, or a proposed cure.

    parameters: in place of the published ones. note: what it shows. rounds: None for the published number.
    curve: what was published of the variant itself, as Published has it; the figures of the configuration that it
    changes are not the variant's.
    """

    parameters: Mapping[str, Any]
    note: str
    rounds: int | None = None
    curve: Mapping[int, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class Published:
    """A configuration that was published for a task, as it stood, and the figures given with it.

    figures: the headline figures, by name. curve: what was given by round: figures under the names of a
    Round's (where `load_published` puts the test split for validation, `valid_score` is that of the test split).
    """

    parameters: Mapping[str, Any]
    rounds: int
    figures: Mapping[str, float]
    note: str = ""
    curve: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    variants: Mapping[str, Variant] = field(default_factory=dict)
