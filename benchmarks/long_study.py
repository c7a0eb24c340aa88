"""Makes a study of many trials within seconds, by inserting in bulk the rows that the service would have written.

Trial 0 is launched, which creates the study. The rows of the other trials are inserted without running them.
`tests/sweeps_tests/driver/test_long_study.py` compares the rows with those of a study of which all trials were launched.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import distribution_to_json
from optuna.storages._rdb import models
from optuna.trial import TrialState
from sqlalchemy import Connection, Table, insert, select

import sweeps
from benchmarks.nothing import NothingRun, Parameters
from objectives import Round
from search_spaces.suggest import distributions, suggest
from storage.schema import rounds as rounds_table
from sweeps.samplers.by_name import sampler_of
from sweeps.samplers.visible_trials import Proposal
from sweeps.study.specification import Specification, full_parameters
from sweeps.study.stored_study import Study
from sweeps.trial.verdict import Stop, end_of

HERE = Path(__file__).parent
TASK = f"{HERE / 'nothing.py'}:Nothing"
NAME = "long"
BATCH = 1000  # trials per transaction

Rows = dict[Table, list[dict[str, Any]]]


def launch(num_trials: int, *, name: str = NAME, rounds: int = 20, storage: str | None = None) -> Study:
    """Launch a study of the task that does nothing."""
    settings = sweeps.StudySettings(TASK, space=HERE / "scale.yaml", rounds=rounds)
    run = sweeps.RunSettings(num_trials=num_trials, runner="inline", keep_weights="none")
    return sweeps.launch(settings, run, storage=storage, study=name).study


def random_proposals(spec: Specification, num_trials: int) -> Iterator[Proposal]:
    """Random points of the space for the trials from 1 on, with the attributes that TPE would have stored."""
    random_until = sampler_of(spec.sampler).startup_trials + spec.parallelism - 1
    drawing = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for number in range(1, num_trials):
        chosen = suggest(spec.space, drawing.ask())
        learnt = spec.sampler == "tpe" and number >= random_until
        yield Proposal(chosen, {"tpe:relative_params:0": json.dumps(chosen)} if learnt else {})


def build(num_trials: int, *, name: str = NAME, rounds: int = 20, storage: str | None = None) -> Study:
    """A study of `num_trials` trials. Only the first is run; the rows of the others are inserted."""
    study = launch(1, name=name, rounds=rounds, storage=storage)
    extend(study, list(random_proposals(study.spec, num_trials)))
    return study


def extend(study: Study, proposals: Sequence[Proposal]) -> None:
    """Insert the rows of further trials, as if they had run all their rounds."""
    written = len(study.all_trials())
    environment = study.trial(0).attributes["environment"]
    for start in range(0, len(proposals), BATCH):
        batch = dict(enumerate(proposals[start : start + BATCH], start=written + start))
        with study.database.engine.begin() as connection:
            ids = _insert_trials(connection, study.row.study_id, list(batch))
            rows: Rows = defaultdict(list)
            for number, proposal in batch.items():
                _add_rows(rows, study, number, ids[number], proposal, environment)
            for table, of_table in rows.items():
                connection.execute(insert(table), of_table)


def _insert_trials(connection: Connection, study_id: int, numbers: list[int]) -> dict[int, int]:
    """The ids of new trials, by number."""
    now = datetime.now(UTC).replace(tzinfo=None)
    trials = models.TrialModel.__table__
    whole = {
        "study_id": study_id,
        "state": TrialState.COMPLETE,
        "datetime_start": now,
        "datetime_complete": now,
    }
    connection.execute(insert(trials), [{"number": number, **whole} for number in numbers])
    ids = select(trials.c.number, trials.c.trial_id).where(
        trials.c.study_id == study_id, trials.c.number >= numbers[0]
    )
    return dict(connection.execute(ids).all())


def _add_rows(
    rows: Rows, study: Study, number: int, trial_id: int, proposal: Proposal, environment: str
) -> None:
    """Add all rows that belong to a trial."""
    recorded = list(_rounds(study, number, proposal))
    end = end_of(Stop("finished", len(recorded), {}, "ran all its rounds"), recorded, study.spec.metric)
    for name, distribution in distributions(study.spec.space, proposal.chosen).items():
        value = distribution.to_internal_repr(proposal.chosen[name])
        rows[models.TrialParamModel.__table__].append(
            {
                "trial_id": trial_id,
                "param_name": name,
                "param_value": value,
                "distribution_json": distribution_to_json(distribution),
            }
        )
    rows[models.TrialValueModel.__table__].append(
        {"trial_id": trial_id, "objective": 0, "value": end.value, "value_type": "FINITE"}
    )
    notes = {
        "seed": str(study.spec.seed_of(number)),
        "stop_reason": end.stop_reason,
        "rounds": len(recorded),
        "environment": environment,
        "best_round": end.best_round,
        "because": end.because,
    }
    for model, attributes in (
        (models.TrialUserAttributeModel, notes),
        (models.TrialSystemAttributeModel, proposal.sampler_attributes),
    ):
        rows[model.__table__] += [
            {"trial_id": trial_id, "key": key, "value_json": json.dumps(value)}
            for key, value in attributes.items()
        ]
    for each in recorded:
        cost = asdict(each.cost) if each.cost else {}
        rows[rounds_table].append({"study_id": study.row.study_id, "trial": number, **each.figures(), **cost})
        rows[models.TrialIntermediateValueModel.__table__].append(
            {
                "trial_id": trial_id,
                "step": each.index,
                "intermediate_value": each.valid_score,
                "intermediate_value_type": "FINITE",
            }
        )


def _rounds(study: Study, number: int, proposal: Proposal) -> Iterator[Round]:
    parameters = Parameters(**full_parameters(study.spec, proposal.chosen))
    run = NothingRun(parameters, study.spec.rounds, study.spec.seed_of(number))
    while run.rounds_done < run.rounds:
        yield run.advance()
