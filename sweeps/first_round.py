"""One round of a study's first trial, trained here and kept nowhere: does the code run, and what does it report?"""

from __future__ import annotations

import contextlib
import dataclasses
import time
from dataclasses import dataclass
from typing import Any

from optuna.distributions import json_to_distribution

from objectives import Round
from sweeps.errors import UsageError
from sweeps.launching import Launch
from sweeps.runners.make_worker import make_worker
from sweeps.samplers.open_proposer import OpenProposer, proposer_of
from sweeps.study.specification import full_parameters
from sweeps.sweep import work_plan
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Assignment, Progress, Suggest


@dataclass(frozen=True)
class FirstRound:
    """What the first round told. saved_bytes: of the state that was saved in it; None if none was.

    seconds: until the round was told, with what the code does before it.
    """

    parameters: dict[str, Any]
    round: Round
    saved_bytes: int | None
    seconds: float


def first_round(launching: Launch) -> FirstRound:
    """Train the first round of trial 0. Raises UsageError with the user's own traceback if that fails."""
    spec = launching.planned.spec
    proposer = proposer_of(spec)
    parameters = full_parameters(spec, proposer.propose().chosen)
    plan = dataclasses.replace(work_plan(launching), keep_weights=True)
    if isinstance(proposer, OpenProposer):
        proposer.begin(0)
    worker, begun = make_worker(plan), time.monotonic()
    with contextlib.closing(
        worker.train(Assignment(0, parameters, spec.seed_of(0), spec.rounds))
    ) as training:
        told: Any = next(training)
        while isinstance(told, Suggest):
            assert isinstance(proposer, OpenProposer)
            distribution = json_to_distribution(told.distribution)
            answer = proposer.suggest(0, told.name, distribution)
            parameters[told.name] = distribution.to_external_repr(answer)
            told = training.send(answer)
        seconds = time.monotonic() - begun
    if isinstance(told, Failure):
        raise UsageError(f"The first round failed: {told.in_short}\n{told.traceback}".rstrip())
    if not isinstance(told, Progress):
        raise UsageError(
            "The first trial ended without a value: the objective has pruned it before any report."
        )
    size = None if told.weights is None else len(told.weights.content)
    return FirstRound(parameters, told.round, size, seconds)
