"""Stop rules by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sweeps.pruning.learning_curve import Curve
from sweeps.pruning.onset import OnsetRule
from sweeps.pruning.relative import EagerRule, StudyRule
from sweeps.pruning.rule import StopRule, Watch
from sweeps.trial.verdict import Stop


class NoRule(StopRule):
    """Never halts: every trial runs all its rounds."""

    def verdict(self, number: int, curve: Curve) -> Stop | None:
        """None."""
        return None


def _optuna_rule(watch: Watch, name: str) -> StopRule:
    from sweeps.pruning.optuna_rules import OptunaRule

    return OptunaRule(watch, name)


RULES: dict[str, Callable[[Watch], StopRule]] = {
    "onset": OnsetRule,
    "study": StudyRule,
    "eager": EagerRule,
    **{
        name: partial(_optuna_rule, name=name)
        for name in ("median", "percentile", "halving", "hyperband", "patient")
    },
    "none": NoRule,
}
