"""The StudyDriver: the only writer of a study's trials. It runs in the driver process.

`ask` returns the next trial, `record` stores a round and decides whether to halt the trial, `pause` and `lose` keep a
trial for later. Every call may be repeated after a crash: rounds are stored first, verdicts are computed from stored
rounds, and the copy in Optuna's tables (for its dashboard and samplers) is written after the rows in our own tables.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, cast

from optuna.distributions import json_to_distribution

from objectives import Round
from storage import Database
from storage.additions import Addition
from storage.leases import Lease
from storage.outcomes import Outcome
from storage.studies import StudyRow
from storage.study_writer import StudyWriter
from sweeps.driver.beginning import assignment_of, new_trial
from sweeps.driver.ended_trials import shown_to_sampler
from sweeps.driver.environments import Environments
from sweeps.driver.leftovers import remove_leftovers
from sweeps.driver.notices import Notices
from sweeps.driver.observer import Observer
from sweeps.driver.stored_trials import StoredTrial, check_numbers, rounds_by_trial, stored_trials
from sweeps.driver.study_progress import StudyProgress
from sweeps.driver.trial_logs import TrialLogs
from sweeps.pruning.judge import Judge
from sweeps.pruning.rule import Watch
from sweeps.samplers.open_proposer import OpenProposer
from sweeps.samplers.visible_trials import Proposal
from sweeps.study.specification import Specification
from sweeps.trial.files import Record, TrialFiles
from sweeps.trial.returned import Returned
from sweeps.trial.running_trial import Place, RunningTrial
from sweeps.trial.verdict import End, Failure, TrialEnd, end_by_itself, end_of, failed
from sweeps.trial.work import Assignment, Progress, Suggest

LOSSES_BEFORE_FAIL = 3  # a trial fails when its worker has died this often in a row without a new round


class StudyDriver(StudyProgress):
    """One study, open for writing.

    lease: protects every write. out: the folder of the study's files. num_trials, target: see StudyProgress.
    give_up: returns whether to stop waiting for an unreachable database.
    """

    def __init__(
        self,
        database: Database,
        study: StudyRow,
        out: Path,
        *,
        lease: Lease,
        num_trials: int | None,
        target: float | None = None,
        observers: Sequence[Observer] = (),
        give_up: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(Specification.from_dict(study.specification), num_trials=num_trials, target=target)
        self.study = study
        self.here = Place()
        self._out = out
        self.num_recorded = 0  # new rounds since the driver was opened
        self.writer = StudyWriter(database, lease, give_up=give_up)
        self._environments = Environments(study, self.spec, self.writer)
        self._notices = Notices()
        self.logs = TrialLogs(out, self.writer.fenced)
        self.observers: list[Observer] = [self.logs, *observers]
        watch = Watch(self.spec.rounds, self.metric, self.spec.parallelism)
        self._judge = Judge(self.spec.stop_rule, watch, ends_by_itself=self.spec.is_open)
        self._additions: dict[int, str] = {}  # by id: who added the configuration, and when
        self._restore()

    # -- environments and additions ------------------------------------------------------------------

    @property
    def environments(self) -> Mapping[str, Mapping[str, Any]]:
        """All environments in which the study was run, by the key that trials refer to."""
        return self._environments.by_key

    def note_environment(self, record: Mapping[str, Any]) -> str:
        """Store an environment with the study and return its key, by which trials refer to it."""
        return self._environments.note(record)

    def take_additions(self, additions: Iterable[Addition]) -> None:
        """Make configurations that users have added the next ones to be proposed. Each is taken once."""
        for each in additions:
            if each.number is None and each.id not in self._additions:
                self._additions[each.id] = f"by {each.asked_by}, {each.asked}"
                self._proposer.add(each.id, each.point)

    def close(self) -> None:
        """Start no more trials."""
        self._closed = True

    # -- calls for the workers -----------------------------------------------------------------------

    def ask(self, place: Place | None = None) -> Assignment | None:
        """The next trial, if one may start now. Paused trials come first, in the order of numbers; then new ones.

        place: where it will be trained; None for this process.
        """
        place = place or self.here
        while not self._closed and self._waiting:
            taken = self._take_up(heapq.heappop(self._waiting), place)
            if taken is not None:
                return taken
        while not self._closed and self._has_new() and self._proposer.is_open():
            number = self._proposer.next_number
            proposal = self._proposer.propose()
            trial = RunningTrial(
                number, self._insert(number, proposal), proposal.chosen, self._files_of(number)
            )
            if not proposal.hopeless:
                return self._start(trial, place)
            self._leave_out(trial, proposal.hopeless)
        return None

    def record(self, number: int, progress: Progress) -> End | None:
        """Store a round. Returns None if the trial continues; else its end, which is stored, too.

        The files of the round (weights, checkpoint) are written before the round is stored. If the round is stored
        already (because the trial started again), it is compared with the stored one. Raises Unwritable.
        """
        trial, latest = self.running[number], progress.round
        self.writer.note(trial.trial_id, progress.attributes)
        if progress.starts_over:
            trial.starts_over = progress.starts_over
            self._notices.starts_over(number, progress.starts_over)
        if progress.weights is not None:
            trial.keep_weights(latest.index, progress.weights)
        if latest.index <= len(trial.rounds):
            trial.compare(latest)
        else:
            if latest.index != len(trial.rounds) + 1:
                raise ValueError(f"trial {number}: round {latest.index} after round {len(trial.rounds)}")
            self._store(trial, latest)
            trial.losses, trial.alone = 0, trial.stays_alone
        if progress.checkpoint is not None:
            record = partial(self.writer.put_checkpoint, number)
            trial.keep_checkpoint(latest.index, progress.checkpoint, record)
        if latest.index < len(trial.rounds) or not progress.may_stop:
            return None
        stop = self._judge.verdict(number, trial.rounds)
        return None if stop is None else self._end(trial, end_of(stop, trial.rounds, self.metric))

    def suggest(self, number: int, wanted: Suggest) -> float:
        """The value of a parameter that the trial asks for, as Optuna stores it.

        Raises ValueError if there can be no answer.
        """
        trial, distribution = self.running[number], json_to_distribution(wanted.distribution)
        assert isinstance(self._proposer, OpenProposer)
        answer = self._proposer.suggest(number, wanted.name, distribution)
        if wanted.name not in trial.chosen:
            self.writer.put_parameter(trial.trial_id, wanted.name, answer, distribution)
            trial.chosen[wanted.name] = distribution.to_external_repr(answer)
        return answer

    def returned(self, number: int, returned: Returned) -> End:
        """Record that a trial's code has ended by itself."""
        trial = self.running[number]
        self.writer.note(trial.trial_id, returned.attributes)
        return self._end(trial, end_by_itself(returned, trial.rounds, self.spec.rounds, self.metric))

    def fail(self, number: int, failure: Failure) -> End:
        """Record that a trial has failed for good."""
        trial = self.running[number]
        return self._end(trial, failed(failure, len(trial.rounds)))

    def note_failed_afterwards(self, number: int, failure: Failure) -> None:
        """Note and print that a trial's code failed after the trial had ended. The trial's figures stay as they are.

        So the table does not depend on such a failure. Does nothing for a trial that is paused or has failed.
        """
        if number not in self.ends or self.ends[number].state == "FAIL":
            return
        self.writer.note_ours(self.ends[number].trial_id, {"failed_afterwards": failure.in_short})
        self._notices.failed_afterwards(number, failure)

    def lose(
        self, number: int, how: str, *, blameless: bool = False, with_others: bool = False
    ) -> End | None:
        """Record that the trial's worker died. The trial waits to start again; at the third death in a row it fails.

        blameless: the whole machine died, or the worker was ended because of another trial. Such a death does not
        count. with_others: the worker trained other trials, too. Any of them may be the reason, so the trial does not
        fail because of such a death: it gets a last attempt in a worker for itself.
        """
        trial = self.running[number]
        trial.lost_its_worker(LOSSES_BEFORE_FAIL, blameless=blameless, with_others=with_others)
        if trial.losses >= LOSSES_BEFORE_FAIL:
            message = f"the worker died {trial.losses} times without a new round: {how}"
            return self.fail(number, Failure("worker_lost", "WorkerLost", message))
        self.pause(number)
        return None

    def make_room(self, number: int, *, to_its_end: bool = False) -> None:
        """Pause a trial that lacked memory or time beside other trials, until it can have a worker for itself.

        to_its_end: whether it keeps this worker for itself to its end, rather than until it has a new round.
        """
        trial = self.running[number]
        trial.alone, trial.stays_alone = True, to_its_end
        self.pause(number)

    def pause(self, number: int) -> None:
        """Pause a running trial. It keeps its number, parameters and rounds, and `ask` returns it again."""
        trial = self.running.pop(number)
        self.writer.set_state(trial.trial_id, "WAITING")
        trial.resumed = True
        self._paused[number] = trial
        heapq.heappush(self._waiting, number)
        for observer in self.observers:
            observer.paused(number)

    def pause_all(self) -> None:
        """Start no more trials, and pause all running ones. `sweep resume` continues them."""
        self.close()
        self.pause_running()

    def pause_running(self) -> None:
        """Pause all running trials."""
        for number in sorted(self.running):
            self.pause(number)

    # -- the steps -----------------------------------------------------------------------------------

    def _restore(self) -> None:
        """Restore the study from the database."""
        outcomes = self.writer.read_outcomes()
        check_numbers(outcomes)
        if self._judge.needs_earlier:
            rounds = rounds_by_trial(self.writer)
            for each in outcomes:
                if each.is_finished:
                    self._judge.finished(each.number, rounds[each.number], cast(TrialEnd, each.state))
        needed = self._proposer.needed({each.number: each.completed_value for each in outcomes})
        additions = self.writer.read_additions()
        self._proposer.restore_added(
            {each.number: each.point for each in additions if each.number is not None}
        )
        if isinstance(self._proposer, OpenProposer):
            self._proposer.restore_asked(self.writer.read_asked())
        for stored in stored_trials(self.writer, self.spec, outcomes, needed, self._files_of):
            self._proposer.restore(stored.proposal)
            self._restore_trial(stored)
        self.take_additions(additions)
        remove_leftovers(self._out, self.writer, outcomes, self._paused)

    def _restore_trial(self, stored: StoredTrial) -> None:
        if stored.unfinished is None:
            self._keep_end(stored.outcome, stored.num_rounds)
        else:
            self._paused[stored.outcome.number] = stored.unfinished
            heapq.heappush(self._waiting, stored.outcome.number)

    def _insert(self, number: int, proposal: Proposal) -> int:
        """Store a new trial; returns its id."""
        added = None if proposal.added is None else self._additions[proposal.added]
        template = new_trial(self.spec, number, proposal, added)
        return self.writer.insert_trial(number, template, proposal.added)

    def _leave_out(self, trial: RunningTrial, why: str) -> None:
        """End a trial that is not trained, because earlier folds show that its configuration is hopeless."""
        self.running[trial.number] = trial
        trial.places.append(self.here)
        self._end(trial, End("PRUNED", None, None, "hopeless", because=why))

    def _take_up(self, number: int, place: Place) -> Assignment | None:
        trial = self._paused.pop(number)
        has_verdict = trial.rounds and not self.spec.is_open  # an Optuna objective may not ask for a verdict
        stop = self._judge.verdict(number, trial.rounds) if has_verdict else None
        if stop is not None and trial.is_complete(self.metric):
            # The driver died between the last round and the verdict.
            self.running[number] = trial
            trial.places.append(self.here)
            self._end(trial, end_of(stop, trial.rounds, self.metric))
            return None
        self._set_running(trial)
        return self._start(trial, place)

    def _set_running(self, trial: RunningTrial) -> None:
        self.writer.set_state(trial.trial_id, "RUNNING")

    def _start(self, trial: RunningTrial, place: Place) -> Assignment:
        self.running[trial.number] = trial
        trial.places.append(place)
        if isinstance(self._proposer, OpenProposer):
            self._proposer.begin(trial.number)
        repeat = self._proposer.part_of(trial.number)[1] if self.spec.trials_each > 1 else None
        assignment = assignment_of(self.spec, trial, repeat, self._until(trial.number))
        for observer in self.observers:
            observer.started(assignment, again=trial.resumed)
        return assignment

    def _until(self, number: int) -> int | None:
        """The round after which a trial is paused; None to train it to its end."""
        return None

    def _files_of(self, number: int) -> TrialFiles:
        return TrialFiles(self._out, number, self.writer.fenced)

    def _store(self, trial: RunningTrial, latest: Round) -> None:
        cost = asdict(latest.cost) if latest.cost is not None else {}
        self.writer.add_round(trial.number, trial.trial_id, latest.figures(), cost, latest.valid_score)
        trial.rounds.append(latest)
        self.num_recorded += 1
        for observer in self.observers:
            observer.recorded(trial.number, latest)

    def _end(self, trial: RunningTrial, end: End) -> End:
        weights = trial.weights if end.state == "COMPLETE" else None
        if weights is not None and weights["round"] != end.best_round:
            weights = None  # a user's own code may have saved its state only after other rounds
        notes = self._end_notes(trial, end, weights)
        self.writer.end_trial(trial.number, trial.trial_id, end.state, end.value, notes)
        trial.files.drop_all_but(weights)
        del self.running[trial.number]
        self._judge.finished(trial.number, trial.rounds, end.state)
        self._keep_end(Outcome(trial.trial_id, trial.number, end.state, end.value), len(trial.rounds))
        for observer in self.observers:
            observer.ended(trial.number, end, len(trial.rounds), self.standing)
        return end

    def _end_notes(self, trial: RunningTrial, end: End, weights: Record | None) -> dict[str, Any]:
        return trial.notes(end, weights)

    def _keep_end(self, outcome: Outcome, num_rounds: int | None = None) -> None:
        """Tell the sampler and the table how a trial ended. num_rounds: its rounds; None hides it from the sampler."""
        self._proposer.finish(outcome.number, shown_to_sampler(outcome, num_rounds))
        self._ended.add(outcome, self._proposer.num_leading)
