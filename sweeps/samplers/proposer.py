"""Decides which trial comes next and what its sampler may see.

The parameters of trial n depend only on the results of the trials 0 … n - parallelism and on the parameters of the
trials after those. So the table is the same for any number of workers. The sampler works on a study in memory that
contains exactly these trials. In a long study, it contains only some of them, chosen by their results.

If each configuration has several trials (repeats, folds), they follow one another, and the sampler sees one trial for
each configuration, with their mean. A user may add configurations by hand: each takes the next number, which is
recorded, and all others keep their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from objectives.seeding import derive_seed
from search_spaces import Space
from search_spaces.points import cells, nearest
from search_spaces.quasi_random import sobol_point
from sweeps.samplers.by_name import make_sampler, on_one_thread, sampler_of
from sweeps.samplers.folds import FoldWatch
from sweeps.samplers.sampler_study import SamplerStudy
from sweeps.samplers.visible_trials import Bound, Finished, Proposal, together
from sweeps.study.specification import Specification

Part = tuple[int, int]  # the number of a configuration, and which of its trials, from 0


class Proposer:
    """Proposes trials in the order of their numbers. Trials may finish in any order.

    bound: how many trials of a long study the sampler sees; by default, the sampler's own bound.
    """

    def __init__(self, spec: Specification, bound: Bound | None = None) -> None:
        self._spec = spec
        self._space: Space = spec.space
        self._each = spec.trials_each
        self._finished: dict[int, Finished] = {}  # not yet in the sampler's study
        self._leading = 0  # trials 0 … leading - 1 are finished
        self._shown = 0  # how many of those are in the sampler's study
        self._proposed = 0
        self._configurations = 0
        self._own = 0  # how many configurations are neither added by a user nor failed cells run again
        self._to_add: list[Proposal] = []
        self._added: set[int] = set()  # numbers of first trials of configurations that were added
        self._parts: dict[int, Part] = {}  # by trial, if its configuration has several
        self._unfinished: Proposal | None = None  # the latest trial, if its configuration has more trials
        self._given = _given_trials(spec, self._space)
        self._failed: list[Part] = []  # to run again, but only once
        self._cell_of: dict[int, int] = {}  # the cell of each of a grid's configurations
        self._again: set[int] = set()  # the numbers of trials that run a failed cell again
        self._watch = FoldWatch(spec.metric, self._each) if spec.halts_folds else None
        self._watched = 0
        self._together: list[Finished] = []
        self._bound = bound or sampler_of(spec.sampler).bound
        self._sampler_study = SamplerStudy(self._space, spec.metric.direction, self._bound, spec.observations)

    @property
    def num_cells(self) -> int | None:
        """The number of cells, if the sampler is a grid or a list; else None."""
        return len(self._given) if self._spec.sampler in ("grid", "list") else None

    @property
    def num_points(self) -> int | None:
        """The number of trials of a grid or a list: of all cells, and one more for each cell that has failed by now."""
        return None if self.num_cells is None else self.num_cells * self._each + len(self._failed)

    def planned(self, most: int | None) -> int:
        """The number of trials if there are `most` configurations besides those that users added.

        most: None for all cells of a grid; failed cells are then run again, and counted.
        """
        added = (len(self._added) + len(self._to_add)) * self._each
        if most is None:
            assert self.num_points is not None
            return self.num_points + added
        return (most if self.num_cells is None else min(most, self.num_cells)) * self._each + added

    def add(self, request: int, chosen: dict[str, Any]) -> None:
        """Make a user's configuration the next one. request: the id of the user's request. chosen: the parameters."""
        self._to_add.append(Proposal(chosen, added=request))

    def restore_added(self, points: Mapping[int, dict[str, Any]]) -> None:
        """Restore the configurations that users added, by the number of their first trial. Call it before `restore`."""
        self._added.update(points)

    @property
    def next_number(self) -> int:
        """The number of the trial that will be proposed next."""
        return self._proposed

    @property
    def num_leading(self) -> int:
        """The number of finished trials before the first unfinished one."""
        return self._leading

    def part_of(self, number: int) -> Part:
        """The number of the trial's configuration, and which of the configuration's trials this one is, from 0."""
        return self._parts.get(number, (number, 0))

    def is_open(self) -> bool:
        """Whether the next trial may be proposed now."""
        return self._has_next() and self._leading > self._decided_by()

    def propose(self) -> Proposal:
        """The next trial. Call it only if `is_open()`."""
        assert self.is_open()
        latest = self._unfinished
        proposal = self._next_configuration() if latest is None else self._next_trial(latest)
        self._note(proposal)
        return proposal

    def needed(self, values: Mapping[int, float | None]) -> list[int]:
        """The numbers of the stored trials on which a future trial may depend.

        values: the value of each stored trial; None if the trial is not complete.
        """
        if self._each > 1:
            return list(values)
        since = self._bound.since(max(0, len(values) - self._spec.parallelism))
        past = {number: value for number, value in values.items() if number < since}
        return [*self._bound.chosen(past, self._spec.metric.direction), *range(since, len(values))]

    def restore(self, proposal: Proposal | None) -> None:
        """Restore a trial that was proposed before; call it in the order of numbers. None: the trial is not needed."""
        if proposal is not None and (proposal.part is None or proposal.part[1] == 0):
            configuration = self._proposed if proposal.part is None else proposal.part[0]
            if configuration == self._configurations:  # else it is a failed cell that runs again
                self._sampler_study.add(configuration, proposal)
        self._note(proposal)

    def finish(self, number: int, outcome: Finished) -> None:
        """Record that a trial has ended."""
        self._finished[number] = outcome
        while self._leading in self._finished:
            self._run_again_if_failed(self._leading)
            self._leading += 1

    def _has_next(self) -> bool:
        if self._unfinished or self._to_add or self.num_cells is None:
            return True
        return self._own < self.num_cells or len(self._again) < len(self._failed)

    def _decided_by(self) -> int:
        """The last trial on which the next one depends; a later fold also depends on its configuration's first fold."""
        last = self._proposed - self._spec.parallelism
        if self._watch is None or self._unfinished is None or self._unfinished.part is None:
            return last
        return max(last, self._proposed - 1 - self._unfinished.part[1])

    def _next_trial(self, latest: Proposal) -> Proposal:
        """Another trial of the latest configuration."""
        assert latest.part is not None
        configuration, repeat = latest.part
        hopeless = latest.hopeless
        if self._watch is not None and not hopeless:
            self._tell_watch(up_to=self._decided_by())
            hopeless = self._watch.verdict(configuration)
        return Proposal(latest.chosen, part=(configuration, repeat + 1), hopeless=hopeless)

    def _next_configuration(self) -> Proposal:
        """The first trial of a new configuration, or a failed cell that is run again."""
        self._tell_sampler_study(up_to=self._proposed - self._spec.parallelism)
        part = None if self._each == 1 else (self._configurations, 0)
        if self._to_add:
            proposal = replace(self._to_add.pop(0), part=part)
        elif self.num_cells is not None and self._own >= self.num_cells:
            return self._run_again(self._failed[len(self._again)])
        else:
            chosen = self._counted(self._own)
            if chosen is None:
                return replace(self._sample(self._configurations), part=part)
            proposal = Proposal(chosen, part=part)
        self._sampler_study.add(self._configurations, proposal)
        return proposal

    def _run_again(self, cell: Part) -> Proposal:
        return Proposal(self._given[self._cell_of[cell[0]]], part=None if self._each == 1 else cell)

    def _note(self, proposal: Proposal | None) -> None:
        """Give a trial the next number, and keep which configuration it belongs to."""
        number, part = self._proposed, None if proposal is None else proposal.part
        self._proposed += 1
        if part is not None:
            self._parts[number] = part
        is_added = number in self._added or (proposal is not None and proposal.added is not None)
        is_first = part is None or part == (self._configurations, 0)
        if (not is_first and self._unfinished is None) or (not is_added and self._is_grid_done(part)):
            self._again.add(number)
            self._configurations += self._each == 1
            return
        if is_first:
            self._begin(number, is_added=is_added)
        self._unfinished = proposal if part is not None and part[1] + 1 < self._each else None

    def _begin(self, number: int, *, is_added: bool) -> None:
        """Count a new configuration, whose first trial has this number."""
        if is_added:
            self._added.add(number)
        elif self._spec.sampler == "grid":
            self._cell_of[self._configurations] = self._own
        self._configurations += 1
        self._own += not is_added

    def _is_grid_done(self, part: Part | None) -> bool:
        return part is None and self._spec.sampler == "grid" and self._own >= len(self._given)

    def _run_again_if_failed(self, number: int) -> None:
        if self._spec.sampler != "grid" or self._watch is not None or number in self._again:
            return
        if self._finished[number].state == "FAIL" and self.part_of(number)[0] in self._cell_of:
            self._failed.append(self.part_of(number))

    def _counted(self, own: int) -> dict[str, Any] | None:
        """Configuration `own` (from 0) if no sampler chooses it: given, a grid cell or a Sobol' point; else None."""
        beyond = own - len(self._given)
        if beyond < 0:
            return self._given[own]
        if self._spec.sampler == "qmc":
            return sobol_point(self._space, beyond, derive_seed(self._spec.seed, "sobol"))
        return None

    def _sample(self, number: int) -> Proposal:
        sampler = make_sampler(self._spec.sampler, derive_seed(self._spec.seed, number))
        with on_one_thread():
            return self._sampler_study.sample(number, sampler)

    def _tell_sampler_study(self, up_to: int) -> None:
        """Show the trials 0 … up_to to the sampler as finished."""
        self._tell_watch(up_to)
        while self._shown <= up_to:
            outcome = self._finished.pop(self._shown)
            configuration, _ = self.part_of(self._shown)
            if self._shown not in self._again or self._each == 1:
                self._together.append(outcome)
            if len(self._together) == self._each:
                told = self._together[0] if self._each == 1 else together(self._together)
                self._sampler_study.finish(configuration, told)
                self._together = []
            self._shown += 1

    def _tell_watch(self, up_to: int) -> None:
        while self._watch is not None and self._watched <= up_to:
            self._watch.tell(self.part_of(self._watched), self._finished[self._watched])
            self._watched += 1


def num_points(spec: Specification) -> int | None:
    """The number of configurations of a grid or a list; None for any other sampler, which never ends."""
    is_counted = spec.sampler in ("grid", "list")
    return len(_given_trials(spec, spec.space)) if is_counted else None


def _given_trials(spec: Specification, space: Space) -> list[dict[str, Any]]:
    """Trials that no sampler chooses: the cells of a grid, or a list; else the defaults and enqueued trials."""
    if spec.sampler == "grid":
        return cells(space)
    if spec.sampler == "list":
        return spec.enqueued * (1 if spec.seeds_of else spec.repeats)
    if spec.task.kind != "task":  # a user's own code has no defaults
        return spec.enqueued
    defaults = nearest(space, spec.defaults)
    known = any(each["params"] == defaults for each in spec.observations)
    return [*([] if known else [defaults]), *spec.enqueued]
