"""Ray Tune, as its tutorials on PyTorch and on Optuna show it.

    python -m benchmarks.peers.ray_tune_peer PROBLEM --log FILE [--trials 20] [--seed 0]

OptunaSearch with a define-by-run space, ASHA, a DataLoader, and one trial a core. Rows are read once in each worker
process, which Tune uses for several trials.
"""

from __future__ import annotations

import functools
import tempfile
from typing import Any

import ray
import torch
from ray import tune
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search.optuna import OptunaSearch

from benchmarks.peers.plain_loop import epochs
from benchmarks.peers.problem import PROBLEMS, WORKERS
from benchmarks.peers.round_log import RoundLog, run_script
from search_spaces.suggest import suggest


def train(config: dict[str, Any], name: str, log: RoundLog) -> None:
    """One trial."""
    torch.set_num_threads(1)
    for score in epochs(name, config):
        log.add(tune.get_context().get_trial_id(), score)
        tune.report({"score": score})


def search(name: str, trials: int, seed: int, log: RoundLog) -> None:
    """One study."""
    problem = PROBLEMS[name]
    define_by_run = functools.partial(suggest, problem.space)
    ray.init(num_cpus=WORKERS, include_dashboard=False)
    with tempfile.TemporaryDirectory() as folder:
        tune.Tuner(
            tune.with_resources(tune.with_parameters(train, name=name, log=log), {"cpu": 1}),
            tune_config=tune.TuneConfig(
                metric="score",
                mode="max",
                search_alg=OptunaSearch(define_by_run, metric="score", mode="max", seed=seed),
                scheduler=ASHAScheduler(max_t=problem.rounds, grace_period=1, reduction_factor=2),
                num_samples=trials,
                max_concurrent_trials=WORKERS,
            ),
            run_config=tune.RunConfig(storage_path=folder, verbose=1),
        ).fit()
    ray.shutdown()


if __name__ == "__main__":
    run_script(search, __doc__)
