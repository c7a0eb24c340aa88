"""Proposes parameters for Optuna objectives, which ask for them one by one, so that the space is not known before.

An answer to trial n depends only on the results of the trials 0 … n - parallelism, and on what trial n has asked
before. The sampler does not see the trials between those and n, because what they have asked by now depends on how fast
they run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, json_to_distribution
from optuna.trial import TrialState, create_trial

from objectives.seeding import derive_seed
from storage.asked import Asked
from sweeps.samplers.by_name import make_sampler, on_one_thread
from sweeps.samplers.proposer import Proposer
from sweeps.samplers.sampler_study import observed_trial
from sweeps.samplers.sliced_proposer import SlicedProposer
from sweeps.samplers.visible_trials import Finished, Proposal
from sweeps.study.specification import Specification


class OpenProposer(Proposer):
    """Answers the questions of trials. Each answer depends only on the trials that it may depend on."""

    def __init__(self, spec: Specification) -> None:
        super().__init__(spec)
        self._asked: dict[int, Asked] = {}
        self._outcomes: dict[int, Finished] = {}
        self._talks: dict[int, optuna.Trial] = {}
        self._points: dict[int, dict[str, Any]] = {}  # values that no sampler chooses, by trial

    def propose(self) -> Proposal:
        """The next trial, which has asked for nothing yet."""
        assert self.is_open()
        number = self._proposed
        self._asked[number] = Asked()
        proposal = self._to_add.pop(0) if self._to_add else Proposal({})
        if proposal.added is not None:
            self._points[number] = proposal.chosen
        self._note_fixed(number)
        self._note(proposal)
        return replace(proposal, chosen={})

    def needed(self, values: Mapping[int, float | None]) -> list[int]:
        """All trials, because a trial that has waited for long may depend on early trials only."""
        return list(values)

    def restore(self, proposal: Proposal | None) -> None:
        """Restore a trial that was proposed before. `restore_asked` restores what it had asked."""
        self._asked.setdefault(self._proposed, Asked())
        self._note_fixed(self._proposed)
        self._note(None)

    def restore_added(self, points: Mapping[int, dict[str, Any]]) -> None:
        """Restore the configurations that users added, by the number of their trial."""
        super().restore_added(points)
        self._points.update(points)

    def restore_asked(self, asked: Mapping[int, Asked]) -> None:
        """Restore what stored trials have asked, by their numbers."""
        self._asked.update(asked)

    def finish(self, number: int, outcome: Finished) -> None:
        """Record that a trial has ended."""
        self._outcomes[number] = outcome
        self._talks.pop(number, None)
        super().finish(number, outcome)

    def begin(self, number: int) -> None:
        """Prepare for the first question of a trial that begins, or begins again."""
        self._talks[number] = self._study_for(number).ask()

    def suggest(self, number: int, name: str, distribution: BaseDistribution) -> float:
        """The value of a parameter, as Optuna stores it. A question that was asked before gets the same answer.

        Raises ValueError if a parameter is asked for again with another kind of range, or if its fixed value lies
        outside the range.
        """
        asked = self._asked[number]
        answer = self._answer(number, name, distribution)
        if name in asked.values:
            optuna.distributions.check_distribution_compatibility(asked.distributions[name], distribution)
            return asked.values[name]
        asked.values[name], asked.distributions[name] = answer, distribution
        return answer

    def _answer(self, number: int, name: str, distribution: BaseDistribution) -> float:
        fixed = self._fixed(number)
        # Ask the sampler even if its answer is not needed, so that its next answers stay the same.
        with on_one_thread():
            sampled = self._talks[number]._suggest(name, distribution)
        if name not in fixed:
            return distribution.to_internal_repr(sampled)
        value = fixed[name]
        if isinstance(distribution, optuna.distributions.CategoricalDistribution):
            value = next(
                (each for each in distribution.choices if each == value or str(each) == str(value)), value
            )
        try:
            internal = distribution.to_internal_repr(value)
        except ValueError:
            internal = None
        if internal is None or not distribution._contains(internal):
            raise ValueError(
                f"{name} is fixed to {value!r}, which lies outside the objective's range: {distribution}"
            )
        return internal

    def _fixed(self, number: int) -> dict[str, Any]:
        """The parameters of a trial that no sampler chooses: those fixed at launch, and those of an added trial."""
        given = self._points.get(number, {})
        return {**{each.name: each.domain.value for each in self._space}, **given}

    def _note_fixed(self, number: int) -> None:
        """If the next trial is an enqueued one, keep its parameters."""
        if number not in self._points and self._own < len(self._given):
            self._points[number] = self._given[self._own]

    def _study_for(self, number: int) -> optuna.Study:
        """A new Optuna study for trial `number`, with its own sampler.

        It contains the trials on which `number` may depend. All of them are finished.
        """
        study = optuna.create_study(
            study_name="mirror",
            direction=self._spec.metric.direction,
            sampler=make_sampler(
                "random" if self._spec.sampler == "list" else self._spec.sampler,
                derive_seed(self._spec.seed, number),
            ),
        )
        for observation in self._spec.observations:
            stored = observation["distributions"].items()
            study.add_trial(
                observed_trial(observation, {name: json_to_distribution(text) for name, text in stored})
            )
        for each in self._known_to(number):
            outcome, asked = self._outcomes[each], self._asked[each]
            study.add_trial(
                create_trial(
                    state=TrialState[outcome.state],
                    value=outcome.value if outcome.state == "COMPLETE" else None,
                    params=asked.chosen,
                    distributions=asked.distributions,
                    intermediate_values=dict([outcome.last_round]) if outcome.last_round else {},
                )
            )
        return study

    def _known_to(self, number: int) -> list[int]:
        last = number - self._spec.parallelism
        since = self._bound.since(max(0, last + 1))
        past = {n: self._outcomes[n].completed_value for n in range(since)}
        return [*self._bound.chosen(past, self._spec.metric.direction), *range(since, last + 1)]


def proposer_of(spec: Specification) -> Proposer:
    """The proposer for a study: for a schedule that pauses, for an Optuna objective, or for a known space."""
    if spec.pauses:
        return SlicedProposer(spec)
    return OpenProposer(spec) if spec.is_open else Proposer(spec)
