"""Stop rules by name. A rule is imported at its first use, because importing numpy for the names takes too long."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sweeps.pruning.rule import StopRule, Watch

_OPTUNA = "sweeps.pruning.optuna_rules:OptunaRule"
RULES = {
    "onset": "sweeps.pruning.onset:OnsetRule",
    "study": "sweeps.pruning.relative:StudyRule",
    "eager": "sweeps.pruning.relative:EagerRule",
    "median": _OPTUNA,
    "percentile": _OPTUNA,
    "halving": _OPTUNA,
    "hyperband": _OPTUNA,
    "patient": _OPTUNA,
    "none": "sweeps.pruning.rule:NoRule",
}


def make_rule(name: str, watch: Watch) -> StopRule:
    """The rule called `name`."""
    return _class_of(name).named(name, watch)


def stands_alone(name: str) -> bool:
    """Whether the rule called `name` judges a trial by its own rounds only."""
    return not _class_of(name).needs_earlier


def _class_of(name: str) -> type[StopRule]:
    module, _, class_name = RULES[name].partition(":")
    found: type[StopRule] = getattr(importlib.import_module(module), class_name)
    return found
