"""Reads the parameters that the code of an Optuna objective has asked for, one by one, as Optuna stores them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.storages import RDBStorage


@dataclass
class Asked:
    """The parameters of one trial: their values as Optuna stores them, and the distributions they were drawn from."""

    values: dict[str, float] = field(default_factory=dict)
    distributions: dict[str, BaseDistribution] = field(default_factory=dict)

    @property
    def chosen(self) -> dict[str, Any]:
        """The values in the form in which the code gets them."""
        return {
            name: distribution.to_external_repr(self.values[name])
            for name, distribution in self.distributions.items()
        }


def read_asked(optuna: RDBStorage, study_id: int) -> dict[int, Asked]:
    """The parameters that each trial of a study has asked for, by the trial's number."""
    found = {}
    for trial in optuna.get_all_trials(study_id, deepcopy=False):
        values = {
            name: each.to_internal_repr(trial.params[name]) for name, each in trial.distributions.items()
        }
        found[trial.number] = Asked(values, dict(trial.distributions))
    return found
