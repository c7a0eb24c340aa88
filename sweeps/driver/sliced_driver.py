"""The driver of a study whose schedule pauses trials. Workers train slices: some rounds of a trial without a pause.

Each slice is trained because of one decision, which says which trial to train next and for how many rounds
(`sweeps/schedule/decisions.py`). A driver that takes over a study makes all decisions
again from the first one on; a slice whose rounds are stored is not trained again. So a crash changes nothing. If the
number of trials grows later, the decisions are the same as in a study that was launched with the larger number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from objectives import Round
from storage.outcomes import Outcome, ranking
from sweeps.driver.ended_trials import shown_to_sampler
from sweeps.driver.stored_trials import StoredTrial, rounds_by_trial
from sweeps.driver.study_driver import StudyDriver
from sweeps.pruning.learning_curve import curve_of
from sweeps.samplers.sliced_proposer import SlicedProposer
from sweeps.samplers.visible_trials import Finished
from sweeps.schedule.decisions import Decisions, Result
from sweeps.schedule.names import make_schedule
from sweeps.schedule.slices import Slice
from sweeps.trial.files import Record
from sweeps.trial.running_trial import Place, RunningTrial
from sweeps.trial.verdict import End, Stop, end_of
from sweeps.trial.work import Assignment, Progress


class SlicedDriver(StudyDriver):
    """One study whose schedule pauses and continues trials, open for writing."""

    def _restore(self) -> None:
        schedule = make_schedule(self.spec.schedule, self.spec.rounds)
        self._decisions = Decisions(schedule, parallelism=self.spec.parallelism, num_trials=0)
        # By trial: the number of its decision, and the slice, whose result is not known yet.
        self._todo: dict[int, tuple[int, Slice]] = {}
        self._ended_rounds: dict[int, list[Round]] = {}
        # Trials that ended by an error, and not by a verdict on their last round.
        self._errors: set[int] = set()
        self._so_far: dict[int, Outcome] = {}  # the best value so far of each trial that was paused
        self._counted: list[Outcome] = []
        self._all_rounds = rounds_by_trial(self.writer)
        super()._restore()
        del self._all_rounds
        self._decisions.num_trials = max(self.num_trials, self._proposer.next_number)
        self._advance()

    def _restore_trial(self, stored: StoredTrial) -> None:
        number = stored.outcome.number
        if stored.unfinished is not None:
            self._paused[number] = stored.unfinished
            self._note_so_far(stored.unfinished, stored.value_so_far)
            return
        self._ended_rounds[number] = self._all_rounds[number]
        if stored.stop_reason == "error":
            self._errors.add(number)
        self._keep_end(stored.outcome, stored.num_rounds)

    # -- the state of the study ----------------------------------------------------------------------

    @property
    def best(self) -> Outcome | None:
        """The best of the completed and the paused trials."""
        there = [*self.ends.values(), *(each for n, each in self._so_far.items() if n not in self.ends)]
        can_be = [
            Outcome(each.trial_id, each.number, "COMPLETE", each.value) for each in there if _counts(each)
        ]
        best = ranking(can_be, self.metric.direction)
        return best[0] if best else None

    @property
    def counted(self) -> Sequence[Outcome]:
        """Trials in the order in which their first results became known. A trial that fails later is added again."""
        return self._counted

    @property
    def is_over(self) -> bool:
        """Whether no trial is running and no more slices will be trained."""
        return not self.running and (self._closed or (self._decisions.is_over and not self._todo))

    # -- calls for the workers -----------------------------------------------------------------------

    def ask(self, place: Place | None = None) -> Assignment | None:
        """The next slice, if one may start now, in the order of the decisions."""
        while not self._closed and (waiting := self._next_waiting()) is not None:
            taken = self._take_up(waiting, place or self.here)
            if taken is not None:
                return taken
        return None

    def record(self, number: int, progress: Progress) -> End | None:
        """As in StudyDriver. After the last round of its slice, the trial is paused."""
        trial = self.running[number]
        end = super().record(number, progress)
        if end is None and progress.round.index == self._until(number):
            self._rest(trial)
        return end

    # -- the steps -----------------------------------------------------------------------------------

    def _next_waiting(self) -> int | None:
        """The trial of the earliest decision whose slice waits to be trained."""
        self._advance()
        waiting = [
            (decision, number) for number, (decision, _) in self._todo.items() if number not in self.running
        ]
        if not waiting:
            return None
        number = min(waiting)[1]
        if number == self._proposer.next_number:
            self._begin(number)
        return number

    def _advance(self) -> None:
        """Make decisions until one has a slice that waits to be trained. At the study's end, end all paused trials."""
        decisions = self._decisions
        while not self._todo.keys() - self.running.keys() and decisions.is_open and not decisions.is_over:
            number, chosen = decisions.decide()
            if chosen is not None:
                self._todo[chosen.trial] = (number, chosen)
                self._report_if_known(chosen.trial)
        if decisions.is_over and not self._todo:
            for trial in self._paused.values():
                self._end_paused(trial)

    def _begin(self, number: int) -> None:
        """Propose and store a new trial."""
        proposer = cast(SlicedProposer, self._proposer)
        proposal = proposer.propose_from(self._told_to_sampler())
        trial_id = self._insert(number, proposal)
        self._paused[number] = RunningTrial(number, trial_id, proposal.chosen, self._files_of(number))

    def _told_to_sampler(self) -> dict[int, Finished]:
        """For the sampler: how trials ended; an unfinished trial counts as complete with its best score so far."""
        told = {}
        for trial in self._decisions.known:
            if trial.is_ended:
                outcome = self.ends[trial.number]
                told[trial.number] = shown_to_sampler(outcome, len(self._ended_rounds[trial.number]))
            elif trial.has_result:
                told[trial.number] = Finished("COMPLETE", self.metric.oriented(float(trial.best[-1])))
        return told

    def _until(self, number: int) -> int | None:
        return self._todo[number][1].end

    def _set_running(self, trial: RunningTrial) -> None:
        if trial.is_ended_in_store:
            self.writer.reopen_trial(trial.trial_id)
            trial.is_ended_in_store = False
        elif trial.resumed:
            super()._set_running(trial)

    def _rest(self, trial: RunningTrial) -> None:
        """Pause a trial at the end of its slice."""
        del self.running[trial.number]
        self.writer.rest_trial(trial.trial_id, self._notes_so_far(trial))
        trial.show_weights()
        trial.resumed = True
        self._paused[trial.number] = trial
        self._note_so_far(trial, self._paused_end(trial).value)
        self._report_if_known(trial.number, is_resting=True)
        for observer in self.observers:
            observer.paused(trial.number)
        self._advance()

    def _notes_so_far(self, trial: RunningTrial) -> dict[str, object]:
        end = self._paused_end(trial)
        is_best = trial.weights is not None and trial.weights["round"] == end.best_round
        if not trial.places:  # an earlier driver ran the trial, and stored where
            trial.places.append(Place())
        notes = trial.notes(end, trial.weights if is_best else None)
        return {"weights": None, **notes, "value_so_far": end.value}

    def _paused_end(self, trial: RunningTrial) -> End:
        because = f"paused after {len(trial.rounds)} of {self.spec.rounds} rounds: others were more promising"
        return end_of(Stop("paused", len(trial.rounds), {}, because), trial.rounds, self.metric)

    def _note_so_far(self, trial: RunningTrial, value: float | None) -> None:
        if value is not None:
            self._so_far[trial.number] = Outcome(trial.trial_id, trial.number, "WAITING", value)

    def _end(self, trial: RunningTrial, end: End) -> End:
        self._ended_rounds[trial.number] = trial.rounds
        if end.stop_reason == "error":
            self._errors.add(trial.number)
        super()._end(trial, end)
        self._report_if_known(trial.number)
        self._advance()
        return end

    def _end_notes(self, trial: RunningTrial, end: End, weights: Record | None) -> dict[str, Any]:
        """The attributes at the trial's end. None deletes one that was stored at a pause and is out of date."""
        return {**trial.all_notes(end, weights), "value_so_far": None}

    def _end_paused(self, trial: RunningTrial) -> None:
        """At the study's end, store a paused trial as ended. Keep its files: it may continue if the study grows."""
        if trial.is_ended_in_store:
            self._keep_end(self._outcome_of(trial))
            return
        end = self._paused_end(trial)
        notes = {**self._notes_so_far(trial), "value_so_far": None}
        self.writer.end_trial(trial.number, trial.trial_id, end.state, end.value, notes, may_go_on=True)
        trial.is_ended_in_store = True
        self._keep_end(self._outcome_of(trial))
        for observer in self.observers:
            observer.ended(trial.number, end, len(trial.rounds), self.standing)

    def _outcome_of(self, trial: RunningTrial) -> Outcome:
        end = self._paused_end(trial)
        return Outcome(trial.trial_id, trial.number, end.state, end.value)

    # -- the results of slices -----------------------------------------------------------------------

    def _report_if_known(self, number: int, *, is_resting: bool = False) -> None:
        if number not in self._todo:
            return
        decision, chosen = self._todo[number]
        result = self._result(chosen, is_resting=is_resting)
        if result is None:
            return
        del self._todo[number]
        self._decisions.report(decision, result)
        outcome = self.ends.get(number) or self._so_far.get(number)
        if outcome is not None and (chosen.start == 0 or outcome.state == "FAIL"):
            self._counted.append(outcome)

    def _result(self, chosen: Slice, *, is_resting: bool) -> Result | None:
        """The result of a slice; None until it is trained to its end and the state to continue from is saved."""
        if chosen.trial in self.ends and chosen.trial in self._ended_rounds:
            return self._result_of_ended(chosen)
        trial = self._paused.get(chosen.trial)
        if trial is None or len(trial.rounds) < chosen.end:
            return None
        if len(trial.rounds) == chosen.end and not is_resting and not self._is_at_rest(trial):
            return None
        return Result(curve_of(trial.rounds[: chosen.end], self.metric), is_ended=False)

    def _is_at_rest(self, trial: RunningTrial) -> bool:
        """Whether a paused trial needs no more training for its slice.

        This holds if its state after its last round is stored, and no verdict ends the trial there.
        """
        is_kept = trial.checkpoint is not None and trial.checkpoint["round"] == len(trial.rounds)
        return is_kept and self._judge.verdict(trial.number, trial.rounds) is None

    def _result_of_ended(self, chosen: Slice) -> Result:
        rounds = self._ended_rounds[chosen.trial]
        goes_on = len(rounds) > chosen.end or (len(rounds) == chosen.end and chosen.trial in self._errors)
        has_failed = self.ends[chosen.trial].state == "FAIL" and not goes_on
        curve = None if has_failed else curve_of(rounds[: chosen.end], self.metric)
        return Result(curve, is_ended=not goes_on)


def _counts(outcome: Outcome) -> bool:
    """Whether a trial can be the best: it is complete, or paused."""
    return outcome.state in ("COMPLETE", "WAITING") and outcome.value is not None
