"""Measures the time for orchestration per trial: ours, bare Optuna's and a bare Ray Tuner's, with an empty task.

    python -m benchmarks.overhead [--trials 40] [--repeats 5] [--no-ray]

Each run notes when its trials end. Its figure is the mean time between the ends of two trials; the first five trials are
not counted, so that start-up time has no influence. Ours and the other run in turn. The output is the median of each over
the repeats, and the median of the ratios of neighbouring runs.
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
WARM_UP = 5  # trials

Run = Callable[[int, Path], list[float]]  # trials and a folder; when each trial ended, in seconds


def bare_optuna(trials: int, folder: Path) -> list[float]:
    """Run trials by Optuna's ask, five reports and tell, on SQLite as Optuna opens it by default."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        storage=f"sqlite:///{folder / 'bare.db'}", sampler=optuna.samplers.TPESampler(seed=0)
    )
    ends = []
    for _ in range(trials):
        trial = study.ask()
        x = trial.suggest_float("x", 0.0, 1.0)
        for step in range(ROUNDS):
            trial.report(x, step)
        study.tell(trial, x)
        ends.append(time.perf_counter())
    return ends


class Clock:
    """A watcher of a study that notes when trials start and end."""

    def __init__(self) -> None:
        self.starts: list[float] = []
        self.ends: list[float] = []

    def begins(self, *arguments: object) -> None: ...

    def started(self, *arguments: object, again: bool) -> None:
        self.starts.append(time.perf_counter())

    def recorded(self, *arguments: object) -> None: ...

    def paused(self, number: int) -> None: ...

    def ended(self, *arguments: object) -> None:
        self.ends.append(time.perf_counter())


def ours(runner: str, workers: int | None) -> Run:
    """A function that launches a sweep of the task that does nothing."""

    def run(trials: int, folder: Path) -> list[float]:
        import sweeps
        from sweeps.sweep import launch

        os.environ["SWEEP_HOME"] = str(folder)
        settings = sweeps.StudySettings(f"{HERE / 'nothing.py'}:Nothing", space=HERE / "nothing.yaml")
        options = sweeps.RunSettings(num_trials=trials, runner=runner, workers=workers, keep_weights="none")
        clock = Clock()
        launch(settings, options, watcher=clock)
        return clock.ends

    return run


def bare_tuner(trials: int, folder: Path) -> list[float]:
    """Run trials by a Ray Tuner with reused actors and the same reports, one trial at a time."""
    import ray
    from ray import tune

    import sweeps.runners.ray_tune.ray_import  # noqa: F401 - the same quiet settings

    ends: list[float] = []

    class Ends(tune.Callback):
        def on_trial_complete(self, iteration: int, trials: object, trial: object, **info: object) -> None:
            ends.append(time.perf_counter())

    def train(config: dict[str, float]) -> None:
        for _ in range(ROUNDS):
            tune.report({"score": config["x"]})

    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="CRITICAL")
    tune.Tuner(
        tune.with_resources(train, {"cpu": 1}),
        param_space={"x": tune.uniform(0.0, 1.0)},
        tune_config=tune.TuneConfig(num_samples=trials, max_concurrent_trials=1, reuse_actors=True),
        run_config=tune.RunConfig(storage_path=str(folder), verbose=0, callbacks=[Ends()]),
    ).fit()
    ray.shutdown()
    return ends


def per_trial(run: Run, trials: int) -> float:
    """Mean seconds per trial, without the first trials."""
    with tempfile.TemporaryDirectory(prefix="overhead-") as folder:
        ends = run(trials + WARM_UP, Path(folder))
    return (ends[-1] - ends[WARM_UP - 1]) / (len(ends) - WARM_UP)


def compare(name: str, mine: Run, other: Run, trials: int, repeats: int) -> None:
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
