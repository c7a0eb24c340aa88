"""The Optuna study in memory from which a sampler proposes. It has a fixed name, and only the visible trials."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState, create_trial

from search_spaces import Space
from search_spaces.suggest import distributions, suggest
from sweeps.samplers.visible_trials import Bound, Finished, Proposal

_NAME = "mirror"  # fixed, because some samplers hash the study's name


class SamplerStudy:
    """The visible trials in the order of their numbers, after the observations. Trials outside the bound are removed.

    The Optuna study is built when a sampler is asked for the first time, and again after trials were removed. In
    between it grows, which gives the same study. A trial's number there is its position among the visible trials.
    """

    def __init__(
        self, space: Space, direction: str, bound: Bound, observations: Sequence[Mapping[str, Any]] = ()
    ) -> None:
        self._observations = observations
        self._space = space
        self._direction = direction
        self._bound = bound
        self._proposals: dict[int, Proposal] = {}
        self._finished: dict[int, Finished] = {}
        self._since = 0
        self._study: optuna.Study | None = None
        self._ids: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._proposals)

    def add(self, number: int, proposal: Proposal) -> None:
        """Record that a trial has begun."""
        self._proposals[number] = proposal
        if self._study is not None:
            self._show(self._study, number)

    def finish(self, number: int, outcome: Finished) -> None:
        """Record the end of a trial; call it in the order of numbers. A trial that was not added is only counted."""
        if number in self._proposals:
            self._finished[number] = outcome
            if self._study is not None:
                self._end(self._study, number, outcome)
        since = self._bound.since(number + 1)
        if since != self._since:
            self._since = since
            self._forget()

    def sample(self, number: int, sampler: BaseSampler) -> Proposal:
        """A new trial, proposed by `sampler` from the trials that it may see."""
        if self._study is None:
            self._study = self._make()
        study = self._study
        study.sampler = sampler
        trial = study.ask()
        self._ids[number] = trial._trial_id
        chosen = suggest(self._space, trial)
        noted = dict(study._storage.get_trial_system_attrs(trial._trial_id))
        self._proposals[number] = Proposal(chosen, noted)
        return self._proposals[number]

    def _forget(self) -> None:
        past = {n: outcome.completed_value for n, outcome in self._finished.items() if n < self._since}
        for number in past.keys() - set(self._bound.chosen(past, self._direction)):
            del self._proposals[number], self._finished[number]
        self._study = None

    def _make(self) -> optuna.Study:
        direction = optuna.study.StudyDirection[self._direction.upper()]
        study = optuna.create_study(study_name=_NAME, direction=direction)
        self._ids = {}
        for each in self._observations:
            study.add_trial(observed_trial(each, distributions(self._space, each["params"])))
        for number in self._proposals:
            self._show(study, number)
        return study

    def _show(self, study: optuna.Study, number: int) -> None:
        """Add a trial to the Optuna study, with its end if it has ended."""
        template = running_trial(self._space, self._proposals[number])
        outcome = self._finished.get(number)
        self._ids[number] = study._storage.create_new_trial(study._study_id, template)
        if outcome is not None:
            self._end(study, number, outcome)

    def _end(self, study: optuna.Study, number: int, outcome: Finished) -> None:
        trial_id = self._ids[number]
        if outcome.last_round is not None:
            study._storage.set_trial_intermediate_value(trial_id, *outcome.last_round)
        values = None if outcome.value is None else [outcome.value]
        study._storage.set_trial_state_values(trial_id, TrialState[outcome.state], values)


def observed_trial(
    observation: Mapping[str, Any], of_searched: Mapping[str, BaseDistribution]
) -> FrozenTrial:
    """A trial of an older study, in the form that Optuna stores."""
    is_complete, value = observation["state"] == "COMPLETE", observation["value"]
    return create_trial(
        state=TrialState[observation["state"]],
        value=value if is_complete else None,
        params={name: observation["params"][name] for name in of_searched},
        distributions=dict(of_searched),
        intermediate_values={} if is_complete else {observation["rounds"]: value},
    )


def running_trial(space: Space, proposal: Proposal) -> FrozenTrial:
    """A new running trial in the form that Optuna stores."""
    of_chosen = distributions(space, proposal.chosen)
    return create_trial(
        state=TrialState.RUNNING,
        params={name: proposal.chosen[name] for name in of_chosen},
        distributions=of_chosen,
        system_attrs=proposal.sampler_attributes,
    )
