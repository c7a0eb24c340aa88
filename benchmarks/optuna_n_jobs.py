"""Checks whether plain Optuna with `n_jobs=2` gives the same table of trials twice, from the same seed.

    python -m benchmarks.optuna_n_jobs

It runs `examples/optuna/sklearn_conditional.py` three times on one thread and three times on two, all with the same seed,
and prints the first trial at which the tables differ. A sweep gives the same table on any number of workers
(`tests/sweeps_tests/own_code/test_optuna_objectives.py`).
"""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import optuna

EXAMPLE = Path(__file__).parents[1] / "examples" / "optuna" / "sklearn_conditional.py"
NUM_TRIALS = 30


def table(num_jobs: int) -> list[dict[str, Any]]:
    """The parameters of each trial, in the order of their numbers."""
    objective = runpy.run_path(str(EXAMPLE))["objective"]
    np.random.seed(0)
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=0))
    study.optimize(objective, n_trials=NUM_TRIALS, n_jobs=num_jobs)
    return [trial.params for trial in study.trials]


def parting(first: list[dict[str, Any]], second: list[dict[str, Any]]) -> str:
    """A text that says at which trial two tables differ first."""
    differing = [number for number in range(NUM_TRIALS) if first[number] != second[number]]
    if not differing:
        return "the same"
    return f"part at trial {differing[0]}; {len(differing)} of {NUM_TRIALS} trials differ"


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    for num_jobs in (1, 2):
        tables = [table(num_jobs) for _ in range(3)]
        for index in (1, 2):
            print(f"n_jobs={num_jobs}, runs 1 and {index + 1}: {parting(tables[0], tables[index])}")


if __name__ == "__main__":
    main()
