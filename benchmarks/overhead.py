"""Orchestration per trial: ours against bare Optuna and a bare Ray Tuner, in turn, with a task that does nothing.

    python benchmarks/overhead.py [--trials 40] [--repeats 5] [--no-ray]

Each figure is the median over repeats of (seconds of the whole run) / trials; the ratio is the median of the
ratios of runs that stood next to each other. Ray's start and end are left out on both sides: a run of n trials
is compared with a run of 2 n trials of the same kind, and the difference counted.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import optuna

HERE = Path(__file__).parent
ROUNDS = 5


def bare_optuna(trials: int, folder: Path) -> None:
    """Ask, five reports, tell, on SQLite as Optuna opens it."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=f"sqlite:///{folder / 'bare.db'}", sampler=optuna.samplers.TPESampler(seed=0)
    )
    for _ in range(trials):
        trial = study.ask()
        x = trial.suggest_float("x", 0.0, 1.0)
        for step in range(ROUNDS):
            trial.report(x, step)
        study.tell(trial, x)


def ours(runner: str, workers: int | None) -> Callable[[int, Path], None]:
    """`sweep launch` of the task that does nothing."""

    def run(trials: int, folder: Path) -> None:
        import sweeps

        os.environ["SWEEP_HOME"] = str(folder)
        settings = sweeps.StudySettings(f"{HERE / 'nothing.py'}:Nothing", space=HERE / "nothing.yaml")
        options = sweeps.RunSettings(num_trials=trials, runner=runner, workers=workers, keep_weights="none")
        sweeps.launch(settings, options)

    return run


def bare_tuner(trials: int, folder: Path) -> None:
    """A Tuner with reused actors and the same reports, one at a time."""
    import ray
    from ray import tune

    import sweeps.runners.ray_tune  # noqa: F401 - the same quiet settings

    def train(config: dict[str, float]) -> None:
        for _ in range(ROUNDS):
            tune.report({"score": config["x"]})

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="CRITICAL")
    tune.Tuner(
        tune.with_resources(train, {"cpu": 1}),
        param_space={"x": tune.uniform(0.0, 1.0)},
        tune_config=tune.TuneConfig(num_samples=trials, max_concurrent_trials=1, reuse_actors=True),
        run_config=tune.RunConfig(storage_path=str(folder), verbose=0),
    ).fit()
    ray.shutdown()


def seconds_of(run: Callable[[int, Path], None], trials: int) -> float:
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        started = time.perf_counter()
        run(trials, Path(folder))
        return time.perf_counter() - started


def per_trial(run: Callable[[int, Path], None], trials: int) -> float:
    """Seconds a trial, start and end left out."""
    return (seconds_of(run, 2 * trials) - seconds_of(run, trials)) / trials


def compare(
    name: str,
    mine: Callable[[int, Path], None],
    other: Callable[[int, Path], None],
    trials: int,
    repeats: int,
) -> None:
    pairs = [(per_trial(mine, trials), per_trial(other, trials)) for _ in range(repeats)]
    a, b = (statistics.median(side) * 1000 for side in zip(*pairs, strict=True))
    ratio = statistics.median(x / y for x, y in pairs)
    print(f"{name:<44} {a:7.1f} ms   {b:7.1f} ms   ratio {ratio:.2f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--no-ray", action="store_true")
    chosen = parser.parse_args()
    compare("inline / bare Optuna", ours("inline", None), bare_optuna, chosen.trials, chosen.repeats)
    if not chosen.no_ray:
        compare(
            "ray, 1 worker / bare Tuner, 1 at a time",
            ours("ray", 1),
            bare_tuner,
            chosen.trials,
            chosen.repeats,
        )


if __name__ == "__main__":
    main()
