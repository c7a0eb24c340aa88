"""Writes a study's trials into Optuna's tables and ours. Each write may be repeated, and waits for the database.

Each write is one transaction that begins with a check of the driver's lease. If another driver has taken over the
study, the whole write fails with LeaseLost.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Connection

from storage import checkpoints, optuna_rows, rounds, studies
from storage.additions import Addition, read_additions, record_addition
from storage.asked import Asked, read_asked
from storage.database import Database
from storage.leases import Lease
from storage.outcomes import FINISHED, Outcome, latest_trial, read_outcomes
from storage.retry import tell_on_stderr, with_retries
from storage.trials import TrialRow, read_sampler_attributes, read_trials

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

T = TypeVar("T")
# Names of the attributes that the driver stores with a trial. Notes of the user's code must not replace them.
OUR_NOTES = frozenset(
    {
        *("seed", "stop_reason", "rounds", "environment", "earlier_environments", "best_round", "because"),
        *("traceback", "evidence", "weights", "differs", "starts_over", "node", "configuration", "repeat"),
        *("added", "failed_afterwards"),
    }
)


class StudyWriter:
    """Writes one study for its driver, while the driver holds the lease.

    give_up: whether to stop waiting for an unreachable database. tell: prints a line while waiting.
    """

    def __init__(
        self, database: Database, lease: Lease, *, give_up: Callable[[], bool] = lambda: False
    ) -> None:
        self.give_up = give_up
        self.tell: Callable[[str], None] = tell_on_stderr
        self._database = database
        self._lease = lease
        self._study_id = lease.study_id
        _ = database.optuna  # ensures that its tables have a known version

    def read_outcomes(self) -> list[Outcome]:
        """The state of every trial, by number."""
        return self._with_retries(lambda: read_outcomes(self._database, self._study_id))

    def read_trials(self, numbers: Sequence[int]) -> list[TrialRow]:
        """Whole trials, by number."""
        return self._with_retries(lambda: read_trials(self._database, self._study_id, numbers))

    def read_sampler_attributes(self, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
        """The attributes that samplers stored with trials, by the trial's id."""
        return self._with_retries(lambda: read_sampler_attributes(self._database, self._study_id, numbers))

    def read_rounds(self, number: int) -> list[dict[str, Any]]:
        """A trial's rounds, in order."""
        return self._with_retries(lambda: rounds.get_rounds(self._database, self._study_id, number))

    def read_all_rounds(self) -> list[dict[str, Any]]:
        """The rounds of all trials, by trial and index."""
        return self._with_retries(lambda: rounds.all_rounds(self._database, self._study_id))

    def read_checkpoints(self) -> dict[int, dict[str, Any]]:
        """The recorded checkpoint of each trial that has one."""
        return self._with_retries(lambda: checkpoints.get_checkpoints(self._database, self._study_id))

    def read_asked(self) -> dict[int, Asked]:
        """What every trial has asked for, by number."""
        return self._with_retries(lambda: read_asked(self._database.optuna, self._study_id))

    def put_parameter(self, trial_id: int, name: str, value: float, distribution: BaseDistribution) -> None:
        """Store a parameter that a trial has asked for. value: as Optuna stores it."""
        self._write(lambda c: optuna_rows.put_parameter(c, trial_id, name, value, distribution))

    def note(self, trial_id: int, notes: Mapping[str, Any]) -> None:
        """Store notes of the user's code with a trial. If a name is in OUR_NOTES, it gets the prefix `user_`."""
        named = {f"user_{key}" if key in OUR_NOTES else key: note for key, note in notes.items()}
        if named:
            self._write(lambda connection: optuna_rows.note_trial(connection, trial_id, named))

    def note_ours(self, trial_id: int, notes: Mapping[str, Any]) -> None:
        """Add attributes with names in OUR_NOTES to a trial that has ended."""
        self._write(lambda connection: optuna_rows.note_trial(connection, trial_id, notes))

    def read_additions(self) -> list[Addition]:
        """The configurations that users have added by hand."""
        return self._with_retries(lambda: read_additions(self._database, self._study_id))

    def insert_trial(self, number: int, template: FrozenTrial, addition: int | None = None) -> int:
        """Insert a trial in one step and return its id.

        Optuna's `study.ask` can't be used: it would read all trials, and continue those that are WAITING.
        addition: the id of the user's addition that the trial comes from.
        """

        def insert(connection: Connection) -> tuple[int, int]:
            latest = latest_trial(connection, self._study_id)
            if latest is not None and latest[0] >= number:
                return latest  # an earlier attempt was carried out, but its answer was lost
            if addition is not None:
                record_addition(connection, addition, number)
            return number, optuna_rows.insert_trial(connection, self._study_id, number, template)

        stored, trial_id = self._write(insert)
        if stored != number:
            raise RuntimeError(
                f"trial {number} was stored as number {stored}: another process writes to this study"
            )
        return trial_id

    def add_round(
        self, number: int, trial_id: int, figures: Mapping[str, Any], cost: Mapping[str, Any], metric: float
    ) -> None:
        """Store a round in our table, and a copy of its metric in Optuna's."""

        def add(connection: Connection) -> None:
            if rounds.add_round(connection, self._study_id, number, figures, cost):
                optuna_rows.insert_intermediate(connection, trial_id, {int(figures["index"]): metric})

        self._write(add)

    def complete_copy(self, trial_id: int, metrics: Mapping[int, float]) -> None:
        """Add missing rounds to Optuna's copy. Earlier versions of this service could lose some when killed."""

        def complete(connection: Connection) -> None:
            there = optuna_rows.steps_of(connection, trial_id)
            lacking = {index: metric for index, metric in metrics.items() if index not in there}
            optuna_rows.insert_intermediate(connection, trial_id, lacking)

        self._write(complete)

    def update_provenance(self, provenance: Mapping[str, Any]) -> None:
        """Record the environments in which the study was run."""
        self._write(lambda connection: studies.update_provenance(connection, self._study_id, provenance))

    def put_checkpoint(self, number: int, record: Mapping[str, Any]) -> None:
        """Record a trial's latest checkpoint."""
        self._write(lambda c: checkpoints.put_checkpoint(c, self._study_id, number, record))

    def drop_checkpoints(self, numbers: Iterable[int]) -> None:
        """Delete the records of trials' checkpoints."""

        def drop(connection: Connection) -> None:
            for number in numbers:
                checkpoints.drop_checkpoint(connection, self._study_id, number)

        self._write(drop)

    def set_state(self, trial_id: int, state: str) -> None:
        """Set a trial's state to RUNNING or WAITING."""
        self._write(lambda connection: optuna_rows.set_state(connection, trial_id, state))

    def rest_trial(self, trial_id: int, notes: Mapping[str, Any]) -> None:
        """Set a trial's state to WAITING, and store the attributes that are known so far."""

        def rest(connection: Connection) -> None:
            optuna_rows.note_trial(connection, trial_id, notes)
            optuna_rows.set_state(connection, trial_id, "WAITING")

        self._write(rest)

    def reopen_trial(self, trial_id: int) -> None:
        """Let an ended trial continue: set its state to RUNNING, and remove its value."""
        self._write(lambda connection: optuna_rows.reopen(connection, trial_id))

    def end_trial(
        self,
        number: int,
        trial_id: int,
        state: str,
        value: float | None,
        notes: Mapping[str, Any],
        *,
        may_go_on: bool = False,
    ) -> None:
        """Store a trial's attributes and end it. Delete the record of its checkpoint, unless the trial may continue."""

        def end(connection: Connection) -> None:
            if (stored := optuna_rows.state_of(connection, trial_id)) in FINISHED and stored == state:
                return  # an earlier attempt was carried out
            optuna_rows.note_trial(connection, trial_id, notes)
            optuna_rows.set_state(connection, trial_id, state, value)
            if not may_go_on:
                checkpoints.drop_checkpoint(connection, self._study_id, number)

        self._write(end)

    def check_lease(self) -> None:
        """Raises LeaseLost if another driver has the lease now."""
        self._write(lambda connection: None)

    def fenced(self, action: Callable[[], T]) -> T:
        """Call a function on the study's files while no other driver can take over. The call may be repeated."""
        return self._write(lambda connection: action())

    def _write(self, write: Callable[[Connection], T]) -> T:
        def in_transaction() -> T:
            with self._lease.writing() as connection:
                return write(connection)

        return self._with_retries(in_transaction)

    def _with_retries(self, call: Callable[[], T]) -> T:
        return with_retries(call, give_up=self.give_up, tell=self.tell, host=self._database.host)
