"""Writes a study's trials, in Optuna's tables and ours: each write may be repeated, and waits for the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.exc import IntegrityError

from storage import checkpoints, rounds
from storage.database import Database
from storage.outcomes import Outcome, latest_trial, read_outcomes
from storage.retry import tell_on_stderr, with_retries
from storage.studies import update_provenance
from storage.trials import TrialRow, read_sampler_attributes, read_trials

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

T = TypeVar("T")


class StudyWriter:
    """The driver's hand on one study.

    give_up: whether to stop waiting for a database that is away. tell: what is said while waiting.
    """

    def __init__(
        self, database: Database, study_id: int, *, give_up: Callable[[], bool] = lambda: False
    ) -> None:
        self.give_up = give_up
        self.tell: Callable[[str], None] = tell_on_stderr
        self._database = database
        self._optuna = database.optuna
        self._study_id = study_id

    def read_outcomes(self) -> list[Outcome]:
        """How every trial stands, by number."""
        return self._with_retries(lambda: read_outcomes(self._database, self._study_id))

    def read_trials(self, numbers: Sequence[int]) -> list[TrialRow]:
        """Trials as they stand, by number."""
        return self._with_retries(lambda: read_trials(self._database, self._study_id, numbers))

    def read_sampler_attributes(self, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
        """What samplers remembered of trials, by the trial's id."""
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

    def insert_trial(self, number: int, template: FrozenTrial) -> int:
        """A new trial, whole at once; returns its id. (`study.ask` would scan all and pop waiting ones.)"""

        def insert() -> tuple[int, int]:
            latest = latest_trial(self._database, self._study_id)
            if (
                latest is None or latest[0] < number
            ):  # else an earlier attempt was carried out, its answer lost
                self._optuna.create_new_trial(self._study_id, template)
                latest = latest_trial(self._database, self._study_id)
            assert latest is not None
            return latest

        stored, trial_id = self._with_retries(insert)
        if stored != number:
            raise RuntimeError(f"trial {number} was stored as {stored}: somebody else writes to this study")
        return trial_id

    def add_round(
        self, number: int, trial_id: int, figures: Mapping[str, Any], cost: Mapping[str, Any], metric: float
    ) -> None:
        """Store a round: in our table first, which is the truth, then Optuna's copy."""

        def add() -> None:
            try:
                rounds.add_round(self._database, self._study_id, number, figures, cost)
            except IntegrityError:  # an earlier attempt was carried out
                if not rounds.has_round(self._database, self._study_id, number, int(figures["index"])):
                    raise

        self._with_retries(add)
        index = int(figures["index"])
        self._with_retries(lambda: self._optuna.set_trial_intermediate_value(trial_id, index, metric))

    def update_provenance(self, provenance: Mapping[str, Any]) -> None:
        """Record where the study has been run."""
        self._with_retries(lambda: update_provenance(self._database, self._study_id, provenance))

    def put_checkpoint(self, number: int, record: Mapping[str, Any]) -> None:
        """Record a trial's latest checkpoint."""
        self._with_retries(lambda: checkpoints.put_checkpoint(self._database, self._study_id, number, record))

    def drop_checkpoint(self, number: int) -> None:
        """Forget a trial's checkpoint."""
        self._with_retries(lambda: checkpoints.drop_checkpoint(self._database, self._study_id, number))

    def set_state(self, trial_id: int, state: str) -> None:
        """RUNNING or WAITING."""
        from optuna.trial import TrialState

        self._with_retries(lambda: self._optuna.set_trial_state_values(trial_id, TrialState[state]))

    def end_trial(self, trial_id: int, state: str, value: float | None, notes: Mapping[str, Any]) -> None:
        """Note what is to be known of a trial, then end it: an end that was recorded is whole."""
        from optuna.exceptions import UpdateFinishedTrialError
        from optuna.trial import TrialState

        for key, note in notes.items():
            self._with_retries(partial(self._optuna.set_trial_user_attr, trial_id, key, note))
        values = None if value is None else [value]

        def end() -> None:
            try:
                self._optuna.set_trial_state_values(trial_id, TrialState[state], values)
            except UpdateFinishedTrialError:  # an earlier attempt was carried out
                if self._optuna.get_trial(trial_id).state is not TrialState[state]:
                    raise

        self._with_retries(end)

    def _with_retries(self, call: Callable[[], T]) -> T:
        return with_retries(call, give_up=self.give_up, tell=self.tell)
