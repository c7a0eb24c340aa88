"""Reads a stored study: its table, its best trials, its rounds, its best configuration."""

from __future__ import annotations

import dataclasses
import itertools
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage import Database, open_database
from storage.configurations import Configuration, Part, best_first, configurations_of
from storage.confirmations import Confirmation, get_confirmations
from storage.outcomes import best_numbers, count_states, table_of
from storage.rounds import all_rounds, total_seconds
from storage.studies import StudyRow, get_study, list_studies
from storage.trials import TrialRow, read_trials
from storage.url import parse_url
from sweeps import paths
from sweeps.errors import NoCompletedTrial, UsageError
from sweeps.remedies import commands_for
from sweeps.settings import MOST, RunSettings, shown_number
from sweeps.study.specification import Specification, full_parameters

if TYPE_CHECKING:
    import pandas as pd


_NOTES = (
    "best_round",
    "rounds",
    "stop_reason",
    "because",
    "configuration",
    "repeat",
    "value_so_far",
)  # the attributes of a trial that `Study.record` reads


@dataclass(frozen=True)
class Cost:
    """The cost of a table: rounds run, rounds saved by halting, and seconds of training."""

    rounds_run: int
    rounds_saved: int
    seconds: float


class Study:
    """A stored study. It reads the database at each call and keeps nothing."""

    def __init__(self, database: Database, row: StudyRow) -> None:
        self.database = database
        self.row = row
        self.spec = Specification.from_dict(row.specification)
        self.run = RunSettings.from_dict(row.run)

    def __repr__(self) -> str:
        return f"Study({self.name!r}, {self.database.shown})"

    @property
    def name(self) -> str:
        """The study's name."""
        return self.row.name

    @property
    def out(self) -> Path:
        """The folder that holds the study's best.yaml and weights."""
        return paths.out_folder(self.run.out, self.name, self.database.url)

    @property
    def best_path(self) -> Path:
        """The path of the study's best.yaml. The file exists once a trial is completed."""
        return self.out / "best.yaml"

    @property
    def storage_option(self) -> str:
        """The option with which a command finds this study's database; empty for the default one."""
        return storage_option(self.database)

    def command(self, verb: str, *words: str) -> str:
        """The text of a command for this study, as a user can type it."""
        return " ".join(["sweep", verb, self.name, *words]) + self.storage_option

    @property
    def num_trials(self) -> int:
        """How many trials there are, finished or not."""
        return sum(count_states(self.database, self.row.study_id).values())

    def all_trials(self) -> list[TrialRow]:
        """All trials, finished or not."""
        return [_so_far(trial) for trial in read_trials(self.database, self.row.study_id)]

    def table(self) -> list[TrialRow]:
        """The longest sequence of trials 0 … m that are all finished; if trials are paused, that all have a result."""
        return self.table_among(self.all_trials())

    def table_among(self, trials: Sequence[TrialRow]) -> list[TrialRow]:
        """The table, as `table`, from `trials`: all trials of the study."""
        if self.spec.pauses:
            return list(itertools.takewhile(lambda each: each.is_finished or each.value is not None, trials))
        return table_of(trials, self.run.target, self.spec.metric.direction)

    def configurations(self) -> list[Configuration[TrialRow]]:
        """The configurations of the table, in order."""
        return configurations_of(self.table(), self.part_of, self.spec.trials_each)

    def part_of(self, trial: TrialRow) -> Part:
        """The number of the trial's configuration, and which of the configuration's trials this one is, from 0."""
        notes = trial.attributes
        return notes.get("configuration", trial.number), self.repeat_of(trial)

    def repeat_of(self, trial: TrialRow) -> int:
        """Which repeat of its configuration a trial is, from 0."""
        return int(trial.attributes.get("repeat", self.spec.repeat_of(trial.number)))

    def configuration_of(self, trial: TrialRow) -> Configuration[TrialRow]:
        """The configuration of a trial of the table."""
        number, _ = self.part_of(trial)
        return next(each for each in self.configurations() if each.number == number)

    def ranking(self, top: int | None = None) -> list[TrialRow]:
        """The completed trials of the table, the best first. Only these are read from the database.

        If configurations have several trials: the best trial of each complete configuration, in the order of the
        configurations' means. If trials are paused: the completed and the paused trials.
        """
        if self.spec.pauses:
            return self._completed_and_paused()[:top]
        numbers = self._ranked_numbers(None if top is None else min(top, MOST))
        rows = {row.number: row for row in read_trials(self.database, self.row.study_id, numbers)}
        return [rows[number] for number in numbers if number in rows]

    def _ranked_numbers(self, top: int | None) -> list[int]:
        direction = self.spec.metric.direction
        if self.spec.trials_each == 1:
            return best_numbers(self.database, self.row.study_id, direction, target=self.run.target, top=top)
        every = read_trials(self.database, self.row.study_id, notes=("configuration", "repeat"))
        found = configurations_of(table_of(every), self.part_of, self.spec.trials_each)
        return [each.best_trial(direction).number for each in best_first(found, direction)[:top]]

    def best_value(self) -> float | None:
        """The value of the best trial, as `value_of` defines it; None if no trial is complete."""
        answers = self.answers(1)
        return self.value_of(answers[0]) if answers else None

    def value_of(self, trial: TrialRow) -> float | None:
        """The value by which a trial is ranked: its own, or its configuration's mean if that has several trials."""
        return trial.value if self.spec.trials_each == 1 else self.configuration_of(trial).mean

    def _completed_and_paused(self) -> list[TrialRow]:
        there = [
            each
            for each in self.all_trials()
            if each.value is not None
            and (each.state not in ("PRUNED", "FAIL") or each.attributes.get("stop_reason") == "paused")
        ]
        sign = -1.0 if self.spec.metric.direction == "maximize" else 1.0
        return sorted(there, key=lambda each: (sign * float(each.value or 0.0), each.number))

    def check_is_search(self) -> None:
        """Raises UsageError for a range test: its trials are measurements, and none of them is a best configuration."""
        if self.spec.probe is not None:
            raise UsageError(
                f"{self.name} is a learning-rate range test, so it has no best configuration. Repeat its `sweep lr` "
                "command to see its result."
            )

    def best(self) -> TrialRow:
        """The best trial of the table. Raises NoCompletedTrial if there is none."""
        ranked = self.ranking(1)
        if not ranked:
            what = (
                "trial" if self.spec.trials_each == 1 else f"configuration of {self.spec.trials_each} trials"
            )
            raise NoCompletedTrial(f"Study {self.name!r} has no completed {what} yet.")
        return ranked[0]

    def answers(self, top: int = 1) -> list[TrialRow]:
        """The best trials, as `ranking`; but a trial that won a confirmation comes first. best.yaml holds the first."""
        ranked = self.ranking(top)
        if not ranked:
            return []
        first = self.confirmed(ranked[0])
        return [first, *(trial for trial in ranked if trial.number != first.number)][:top]

    def confirmed(self, best: TrialRow) -> TrialRow:
        """The winner of the confirmation, if `best`, the best trial of the search, took part in it; else `best`."""
        confirmation = self.confirmation()
        return self.trial(confirmation.trial) if confirmation and self.is_confirmed(best) else best

    def is_confirmed(self, best: TrialRow) -> bool:
        """Whether `best`, the best trial of the search, took part in the confirmation."""
        confirmation = self.confirmation()
        if confirmation is None:
            return False
        return best.number in (
            confirmation.trial,
            *(rival["trial"] for rival in confirmation.record["rivals"]),
        )

    def confirmation(self) -> Confirmation | None:
        """The confirmation in best.yaml: the last one that used the test split; else the last one, or None."""
        found = get_confirmations(self.database, self.row.study_id)
        opened = [each for each in found if "test" in each.record]
        return max(opened, key=lambda each: each.look or 0) if opened else found[-1] if found else None

    def trial(self, number: int) -> TrialRow:
        """One trial. Raises UsageError if there is no trial of this number."""
        rows = read_trials(self.database, self.row.study_id, [number]) if 0 <= number <= MOST else []
        if not rows:
            raise UsageError(f"Study {self.name!r} has no trial {shown_number(number)}.")
        return _so_far(rows[0])

    def cost(self, table: Sequence[TrialRow] | None = None) -> Cost:
        """The cost: rounds run and saved by the trials in `table`, and the seconds of training of all trials.

        table: the study's table; it is read from the database if not given.
        """
        run = saved = 0
        for trial in self.table() if table is None else table:
            rounds = int(trial.attributes.get("rounds", 0))
            run += rounds
            by_itself = (
                self.spec.is_open or trial.attributes.get("stop_reason") == "finished"
            )  # the code returned
            if trial.state != "FAIL" and not by_itself:
                saved += self.spec.rounds - rounds
        return Cost(run, saved, total_seconds(self.database, self.row.study_id))

    def parameters(self, trial: TrialRow) -> dict[str, Any]:
        """All parameters of a trial, also those that are not searched."""
        return full_parameters(self.spec, self.spec.point_of(trial.params))

    def record(self, trial: TrialRow) -> dict[str, Any]:
        """The record of a trial with the keys of `-f json`. Values that depend on the time of the run come last."""
        notes = trial.attributes
        several = (
            {}
            if self.spec.trials_each == 1
            else {"configuration": notes.get("configuration"), "repeat": notes.get("repeat")}
        )
        return {
            "trial": trial.number,
            **several,
            "state": trial.state,
            "value": trial.value,
            "best_round": notes.get("best_round"),
            "rounds": notes.get("rounds"),
            "stop_reason": notes.get("stop_reason"),
            "params": self.searched(trial),
            "because": notes.get("because"),
            "started": trial.started,
            "ended": trial.ended,
        }

    def records(self) -> list[dict[str, Any]]:
        """The records of all trials with the keys of `-f json`. ahead: the trial is finished, but not in the table."""
        rows = read_trials(self.database, self.row.study_id, notes=_NOTES)
        every = [_so_far(trial) for trial in rows]
        in_table = len(self.table_among(every))
        records = [self.record(trial) for trial in every]
        for trial, record in zip(every, records, strict=True):
            record["ahead"] = trial.is_finished and trial.number >= in_table
        if self.spec.trials_each > 1:
            spreads = {
                each.number: each.summary()
                for each in configurations_of(every[:in_table], self.part_of, self.spec.trials_each)
            }
            for record in records:
                record |= spreads.get(record["configuration"], {})
        return records

    def searched(self, trial: TrialRow) -> dict[str, Any]:
        """The searched parameters of a trial in the order of the space."""
        if self.spec.is_open:
            return dict(trial.params)
        return {each.name: trial.params[each.name] for each in self.spec.space if each.name in trial.params}

    def trials(self) -> pd.DataFrame:
        """The trials as a pandas frame: one row for each, with a column `params_…` for each searched parameter."""
        import pandas as pd

        rows = []
        for record in self.records():
            searched = record.pop("params")
            rows.append({**record, **{f"params_{name}": value for name, value in searched.items()}})
        return pd.DataFrame(rows)

    def rounds(self) -> pd.DataFrame:
        """All recorded rounds as a pandas frame: `trial`, `index` and the values of a Round."""
        import pandas as pd

        return pd.DataFrame(all_rounds(self.database, self.row.study_id)).drop(
            columns="study_id", errors="ignore"
        )

    @property
    def provenance(self) -> dict[str, Any]:
        """A record with the environments in which the study has run so far."""
        return get_study(self.database, self.name).provenance

    def other_environments(self, trials: Sequence[TrialRow]) -> dict[str, list[int]]:
        """The numbers of the trials whose results may differ, because they ran in another environment than the first.

        The keys describe the differences in words.
        """
        from sweeps.study.continuity import rule_difference
        from sweeps.study.environment import decisive_differences

        known = self.provenance["environments"]
        named = [(trial.number, trial.attributes) for trial in trials if "environment" in trial.attributes]
        found: dict[str, list[int]] = {}
        for number, notes in named:
            for key in (*notes.get("earlier_environments", ()), notes["environment"]):
                changed = decisive_differences(known[named[0][1]["environment"]], known[key])
                differs = "; ".join([*changed, *rule_difference(self.spec, known[key])])
                if differs and number not in found.setdefault(differs, []):
                    found[differs].append(number)
        return found


def _so_far(trial: TrialRow) -> TrialRow:
    """The trial, with its best value so far as its value if it has been paused and is not finished."""
    value = trial.attributes.get("value_so_far")
    if value is None or trial.is_finished:
        return trial
    if trial.state == "RUNNING":  # it is trained again, so the reason noted at its pause is out of date
        notes = {key: note for key, note in trial.attributes.items() if key not in ("stop_reason", "because")}
        trial = dataclasses.replace(trial, attributes=notes)
    return dataclasses.replace(trial, value=float(value))


def repeats_of(study: Study) -> list[Study]:
    """The studies in which `sweep confirm` and `sweep audit` trained trials of this study again."""
    is_repeat = re.compile(rf"{re.escape(study.name)}-(confirm|audit)-[0-9a-f]{{8}}").fullmatch
    found = [Study(study.database, row) for row in list_studies(study.database) if is_repeat(row.name)]
    return [each for each in found if each.spec.sampler == "list"]


def load(name: str, storage: str | None = None) -> Study:
    """The study of this name. Raises StudyNotFound or StorageUnavailable."""
    return load_from(open_database(paths.storage_url(storage)), name)


def load_from(database: Database, name: str) -> Study:
    """The study of this name in an open database. Raises StudyNotFound."""
    with commands_for(name, storage_option(database)):
        return Study(database, get_study(database, name))


def storage_option(database: Database) -> str:
    """The option with which a command finds a database, after a blank; empty for the default one."""
    default = parse_url(paths.storage_url(None))
    return "" if database.url == default else f" --storage {shlex.quote(database.shown)}"
