"""The state of a study while a driver has it open. Reading it changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from objectives import Round
from storage.outcomes import Outcome
from sweeps.driver.ended_trials import EndedTrials
from sweeps.driver.observer import Standing
from sweeps.samplers.open_proposer import proposer_of
from sweeps.study.specification import Specification
from sweeps.trial.metric import best_round
from sweeps.trial.running_trial import RunningTrial


class StudyProgress:
    """The trials of a study: which have ended, which are running, and which are paused.

    num_trials: the number of planned trials, or of configurations if each has several trials; None for all cells of a
    grid. target: the study ends when the metric reaches this value.
    """

    def __init__(self, spec: Specification, *, num_trials: int | None, target: float | None) -> None:
        self.spec = spec
        self.metric = spec.metric
        self.running: dict[int, RunningTrial] = {}
        self._most = num_trials
        self._proposer = proposer_of(spec)
        self._ended = EndedTrials(spec, self._proposer.part_of, target)
        self._waiting: list[int] = []  # a heap of the numbers of paused trials that `ask` may return
        self._paused: dict[int, RunningTrial] = {}
        self._closed = False

    @property
    def ends(self) -> Mapping[int, Outcome]:
        """How trials ended, by number."""
        return self._ended.by_number

    @property
    def table(self) -> Sequence[Outcome]:
        """The longest sequence of trials 0 … m that have all ended; with a target, up to the first that reaches it."""
        return self._ended.table

    @property
    def best(self) -> Outcome | None:
        """The best trial of the table. If configurations have several trials: the one of the best mean."""
        return self._ended.best

    @property
    def standing(self) -> Standing:
        """The progress of the study, for observers."""
        return Standing(len(self.ends), self.num_trials, self.best)

    @property
    def num_trials(self) -> int:
        """The planned number of trials. For a grid it grows with each failed cell, because that is run again."""
        return self._proposer.planned(self._most)

    def part_of(self, number: int) -> tuple[int, int]:
        """The number of the trial's configuration, and which of the configuration's trials this one is, from 0."""
        return self._proposer.part_of(number)

    @property
    def counted(self) -> Sequence[Outcome]:
        """The ended trials among which failures are counted, in an order that does not depend on the workers."""
        return self.table

    @property
    def may_go_on(self) -> Collection[int]:
        """The numbers of the paused trials. Their files are still needed."""
        return self._paused.keys()

    @property
    def target_reached(self) -> bool:
        """Whether the table ends with a trial that reaches the target."""
        return self._ended.target_reached

    @property
    def is_over(self) -> bool:
        """Whether no trial is running and no more trials will start."""
        return not self.running and (self._closed or not self._has_more())

    @property
    def is_closed(self) -> bool:
        """Whether no more trials will start."""
        return self._closed

    def best_so_far(self) -> Round | None:
        """The best round of any running trial; for display only."""
        rounds = [best_round(trial.rounds, self.metric) for trial in self.running.values()]
        return best_round([each for each in rounds if each is not None], self.metric)

    def _has_more(self) -> bool:
        return bool(self._waiting) or self._has_new()

    def _has_new(self) -> bool:
        return self._proposer.next_number < self.num_trials
