"""Ours: `sweeps.launch`, whose first trial has the task's default parameters.

python -m benchmarks.peers.ours PROBLEM --log FILE [--trials 20] [--seed 0]
"""

from __future__ import annotations

import dataclasses
import os
import tempfile
from typing import Any

import optuna

from benchmarks.overhead import Clock
from benchmarks.peers.problem import OVERRIDES, PROBLEMS, WORKERS
from benchmarks.peers.round_log import RoundLog, run_script
from objectives.round import Round
from search_spaces.suggest import suggest
from sweeps.launching import prepare
from sweeps.settings import RunSettings, StudySettings
from sweeps.sweep import run_planned


class Rounds(Clock):
    """A watcher that notes each round."""

    def __init__(self, log: RoundLog) -> None:
        super().__init__()
        self._log = log

    def recorded(self, number: int, latest: Round) -> None:
        """A round was stored."""
        self._log.add(str(number), latest.valid_score)


def launched(
    name: str, trials: int, seed: int, log: RoundLog, *, has_default: bool = True, **how: Any
) -> None:
    """A study of two workers, whose files are thrown away. has_default: whether trial 0 has the task's defaults; else
    it is drawn at random. how: other settings of the study."""
    problem = PROBLEMS[name]
    settings = StudySettings(
        name,
        OVERRIDES,
        data=problem.data,
        train_rows=problem.train_rows,
        valid_rows=problem.valid_rows,
        rounds=problem.rounds,
        seed=seed,
        **how,
    )
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SWEEP_HOME"] = folder
        run = RunSettings(num_trials=trials, workers=WORKERS)
        launch = prepare(settings, run, study=None, storage=None)
        planned = launch.planned
        if not has_default:
            spec = dataclasses.replace(planned.spec, defaults=planned.spec.defaults | drawn(name, seed))
            planned = dataclasses.replace(planned, spec=spec)
        run_planned(planned, launch.run, study=launch.name, watcher=Rounds(log))


def drawn(name: str, seed: int) -> dict[str, Any]:
    """A random point of the space."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return suggest(PROBLEMS[name].space, study.ask())


def search(name: str, trials: int, seed: int, log: RoundLog) -> None:
    """Trials that can't become the best are halted."""
    launched(name, trials, seed, log, stop_rule="study")


if __name__ == "__main__":
    run_script(search, __doc__)
