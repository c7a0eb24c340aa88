"""Decides which trial comes next and what its sampler may see.

The parameters of trial n depend only on the results of the trials 0 … n - parallelism and on the parameters of the
trials after those. So the table is the same for any number of workers. The sampler works on a study in memory that
contains exactly these trials. In a long study, it contains only some of them, chosen by their results.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from objectives.seeding import derive_seed
from search_spaces import Space
from search_spaces.points import cells, nearest
from search_spaces.quasi_random import sobol_point
from sweeps.samplers.by_name import make_sampler, on_one_thread, sampler_of
from sweeps.samplers.sampler_study import SamplerStudy
from sweeps.samplers.visible_trials import Bound, Finished, Proposal
from sweeps.study.specification import Specification


class Proposer:
    """Proposes trials in the order of their numbers. Trials may finish in any order.

    bound: how many trials of a long study the sampler sees; by default, the sampler's own bound.
    """

    def __init__(self, spec: Specification, bound: Bound | None = None) -> None:
        self._spec = spec
        self._space: Space = spec.space
        self._finished: dict[int, Finished] = {}  # not yet in the sampler's study
        self._leading = 0  # trials 0 … leading - 1 are finished
        self._shown = 0  # how many of those are in the sampler's study
        self._proposed = 0
        self._given = _given_trials(spec, self._space)
        self._failed_cells: list[
            int
        ] = []  # cells to run again; a cell that fails twice is not run a third time
        self._bound = bound or sampler_of(spec.sampler).bound
        self._sampler_study = SamplerStudy(self._space, spec.metric.direction, self._bound)

    @property
    def num_cells(self) -> int | None:
        """The number of cells, if the sampler is a grid or a list; else None."""
        return len(self._given) if self._spec.sampler in ("grid", "list") else None

    @property
    def num_points(self) -> int | None:
        """The number of trials of a grid as known now: its cells, and one repeat for each failed cell."""
        return None if self.num_cells is None else self.num_cells + len(self._failed_cells)

    @property
    def next_number(self) -> int:
        """The number of the trial that will be proposed next."""
        return self._proposed

    @property
    def num_leading(self) -> int:
        """The number of finished trials before the first unfinished one."""
        return self._leading

    def is_open(self) -> bool:
        """Whether the next trial may be proposed now."""
        if self.num_points is not None and self._proposed >= self.num_points:
            return False
        return self._leading > self._proposed - self._spec.parallelism

    def propose(self) -> Proposal:
        """The next trial. Call it only if `is_open()`."""
        assert self.is_open()
        number = self._proposed
        self._tell_sampler_study(up_to=number - self._spec.parallelism)
        chosen = self._counted(number)
        if chosen is not None:
            proposal = Proposal(chosen)
            self._sampler_study.add(number, proposal)
        else:
            proposal = self._sample(number)
        self._proposed += 1
        return proposal

    def needed(self, values: Mapping[int, float | None]) -> list[int]:
        """The numbers of the stored trials on which a future trial may depend.

        values: the value of each stored trial; None if the trial is not complete.
        """
        since = self._bound.since(max(0, len(values) - self._spec.parallelism))
        past = {number: value for number, value in values.items() if number < since}
        return [*self._bound.chosen(past, self._spec.metric.direction), *range(since, len(values))]

    def restore(self, proposal: Proposal | None) -> None:
        """Restore a trial that was proposed before; call it in the order of numbers. None: the trial is not needed."""
        if proposal is not None:
            self._sampler_study.add(self._proposed, proposal)
        self._proposed += 1

    def finish(self, number: int, outcome: Finished) -> None:
        """A trial has ended."""
        self._finished[number] = outcome
        while self._leading in self._finished:
            is_cell = self._spec.sampler == "grid" and self._leading < len(self._given)
            if is_cell and self._finished[self._leading].state == "FAIL":
                self._failed_cells.append(self._leading)
            self._leading += 1

    def _counted(self, number: int) -> dict[str, Any] | None:
        """The trial with this number, if no sampler chooses it: a given trial, a grid cell or a computed point."""
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
        sampler = make_sampler(self._spec.sampler, derive_seed(self._spec.seed, number))
        with on_one_thread():
            return self._sampler_study.sample(number, sampler)

    def _tell_sampler_study(self, up_to: int) -> None:
        """Show the trials 0 … up_to to the sampler as finished."""
        while self._shown <= up_to:
            self._sampler_study.finish(self._shown, self._finished.pop(self._shown))
            self._shown += 1


def num_points(spec: Specification) -> int | None:
    """The number of trials of a grid or a list; None for a sampler without an end."""
    is_counted = spec.sampler in ("grid", "list")
    return len(_given_trials(spec, spec.space)) if is_counted else None


def _given_trials(spec: Specification, space: Space) -> list[dict[str, Any]]:
    """Trials that no sampler chooses: the cells of a grid, or a list; else the defaults and enqueued trials."""
    if spec.sampler == "grid":
        return cells(space)
    if spec.sampler == "list":
        return spec.enqueued * spec.repeats
    if spec.task.kind != "task":  # a user's own code has no defaults
        return spec.enqueued
    return [nearest(space, spec.defaults), *spec.enqueued]
