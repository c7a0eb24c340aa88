"""Which trial may be asked, and what the sampler may see.

Trial n is decided by trials 0 … n - parallelism, finished, and by the parameters of those between, and by
nothing else: so the table is the same on any number of workers. The sampler works on a mirror of exactly
those trials, an in-memory study of one fixed name that grows in the order of trial numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import optuna
from optuna.trial import TrialState, create_trial

from objectives.seeding import derive_seed
from search_spaces import Space
from search_spaces.quasi_random import sobol_point
from search_spaces.suggest import cells, distributions, nearest, suggest
from sweeps.samplers import make_sampler, on_one_thread
from sweeps.spec import Specification

_MIRROR = "mirror"  # some samplers hash the study's name


@dataclass(frozen=True)
class Proposal:
    """The searched parameters of a trial, and what its sampler wants to remember of it."""

    chosen: dict[str, Any]
    sampler_attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Finished:
    """As much of a finished trial as samplers look at. last_round: (round, metric), for pruned ones."""

    state: str
    value: float | None
    last_round: tuple[int, float] | None = None


class Window:
    """Proposes trials in order; told of finished ones in any order."""

    def __init__(self, spec: Specification) -> None:
        self._spec = spec
        self._space: Space = spec.parsed_space
        self._finished: dict[int, Finished] = {}
        self._leading = 0  # trials 0 … leading - 1 are finished
        self._mirrored = 0  # of those, told to the mirror
        self._proposed = 0
        self._given = _given_trials(spec, self._space)
        self._failed: list[int] = []  # leading trials that failed, by number
        self._mirror = optuna.create_study(
            study_name=_MIRROR, direction=optuna.study.StudyDirection[spec.direction.upper()]
        )

    @property
    def num_cells(self) -> int | None:
        """How many cells there are, where the sampler is a grid or a list."""
        return len(self._given) if self._spec.sampler in ("grid", "list") else None

    @property
    def num_points(self) -> int | None:
        """How many trials a grid has, as far as can be told now: its cells, and those that failed once more."""
        return None if self.num_cells is None else self.num_cells + len(self._failed_cells)

    @property
    def _failed_cells(self) -> list[int]:
        """Trials of a grid whose cell is to be run again: a cell that fails twice is left at that."""
        if self._spec.sampler == "list":
            return []  # the trial's number says which time it is
        return [number for number in self._failed if number < len(self._given)]

    @property
    def next_number(self) -> int:
        """The number of the next trial that is proposed."""
        return self._proposed

    @property
    def num_leading(self) -> int:
        """How many trials from 0 on are finished without a gap."""
        return self._leading

    def is_open(self) -> bool:
        """Whether the next trial may be proposed now."""
        if self.num_points is not None and self._proposed >= self.num_points:
            return False
        return self._leading > self._proposed - self._spec.parallelism

    def propose(self) -> Proposal:
        """The next trial. The window must be open."""
        assert self.is_open()
        number = self._proposed
        self._tell_mirror(up_to=number - self._spec.parallelism)
        chosen = self._counted(number)
        if chosen is not None:
            proposal = Proposal(chosen)
            self._add_running(proposal)
        else:
            proposal = self._sample(number)
        self._proposed += 1
        return proposal

    def restore(self, proposal: Proposal) -> None:
        """Take up a trial that was proposed before; called in the order of numbers."""
        self._add_running(proposal)
        self._proposed += 1

    def finish(self, number: int, outcome: Finished) -> None:
        """A trial has ended."""
        self._finished[number] = outcome
        while self._leading in self._finished:
            if self._finished[self._leading].state == "FAIL":
                self._failed.append(self._leading)
            self._leading += 1

    def _counted(self, number: int) -> dict[str, Any] | None:
        """The trial of that number where no sampler chooses it: a given one, a failed cell, a point by its index."""
        beyond = number - len(self._given)
        if beyond < 0:
            return self._given[number]
        match self._spec.sampler:
            case "grid":
                return self._given[self._failed_cells[beyond]]
            case "qmc":
                return sobol_point(self._space, beyond, derive_seed(self._spec.seed, "sobol"))
        return None

    def _sample(self, number: int) -> Proposal:
        self._mirror.sampler = make_sampler(self._spec.sampler, derive_seed(self._spec.seed, number))
        with on_one_thread():
            trial = self._mirror.ask()
            chosen = suggest(self._space, trial)
        return Proposal(chosen, dict(self._mirror._storage.get_trial_system_attrs(trial._trial_id)))

    def _add_running(self, proposal: Proposal) -> None:
        of_chosen = distributions(self._space, proposal.chosen)
        self._mirror.add_trial(
            create_trial(
                state=TrialState.RUNNING,
                params={name: proposal.chosen[name] for name in of_chosen},
                distributions=of_chosen,
                system_attrs=proposal.sampler_attributes,
            )
        )

    def _tell_mirror(self, up_to: int) -> None:
        """Let the mirror see the trials 0 … up_to as finished."""
        storage = self._mirror._storage
        while self._mirrored <= up_to:
            outcome = self._finished[self._mirrored]
            if outcome.last_round is not None:
                storage.set_trial_intermediate_value(self._mirrored, *outcome.last_round)
            values = None if outcome.value is None else [outcome.value]
            storage.set_trial_state_values(self._mirrored, TrialState[outcome.state], values)
            self._mirrored += 1


def num_points(spec: Specification) -> int | None:
    """How many trials a grid or a list has; None where a sampler goes on for ever."""
    is_counted = spec.sampler in ("grid", "list")
    return len(_given_trials(spec, spec.parsed_space)) if is_counted else None


def _given_trials(spec: Specification, space: Space) -> list[dict[str, Any]]:
    """Trials that no sampler chooses: a grid's cells, a list; else the defaults and what was enqueued."""
    if spec.sampler == "grid":
        return cells(space)
    if spec.sampler == "list":
        return spec.enqueued * spec.repeats
    return [nearest(space, spec.defaults), *spec.enqueued]


def full_parameters(spec: Specification, chosen: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a trial: what was chosen, and defaults for the rest.

    A switch whose condition does not hold is off; another parameter whose condition does not hold keeps
    its default.
    """
    values = dict(spec.defaults)
    for name in spec.space:
        if name in chosen:
            values[name] = chosen[name]
        elif isinstance(values.get(name), bool):
            values[name] = False
    return values
