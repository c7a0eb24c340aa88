"""How well samplers search in small budgets, replayed in seconds on a table of trials that were trained to their ends.

    python -m benchmarks.search_table --make [--only TASK …] [--minutes 15] [--data-dir FOLDER]
    python -m benchmarks.search_table [--only TASK …] [--seeds 20] [--trials 40] [--write]

--make trains 300 random configurations of each task's own space (with learning rates from 1e-5 to 1), all rounds of each,
and goes on where it was cut off. A random forest fitted to their best scores then answers for every point of the space
(a surrogate benchmark: Eggensperger et al., AAAI 2015), so that a search takes seconds. The samplers differ in nothing
else: trial n knows the trials 0 … n - 4, and no trial has the task's defaults. Reported: regret, in points (hundredths of
the score) below the best of 20,000 random points of the surrogate, after 10, 20 and 40 trials, and the mean rank of
each sampler among the others, by problem and seed.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import cross_val_predict

import sweeps
from benchmarks.page_blocks import with_block
from objectives.registry import get_task
from objectives.seeding import derive_seed
from search_spaces import Categorical, Space
from search_spaces.quasi_random import sobol_point
from search_spaces.suggest import suggest
from sweeps.samplers.by_name import SAMPLERS
from sweeps.samplers.sampler_study import SamplerStudy
from sweeps.samplers.visible_trials import NOTHING, Finished, Proposal
from sweeps.study.space_fit import resolve_space

HERE = Path(__file__).parent
POOLS = HERE / "bank" / "search"
RESULTS = HERE / "results" / "search_table.json"
PAGE = HERE.parent / "docs" / "performance.md"
OVERRIDES = ("learning_rate=1e-05..1",)
PARALLELISM = 4
AFTER = (10, 20, 40)
MANY_POINTS = 20_000


@dataclass(frozen=True)
class Pool:
    """Random trials of a task, all trained to the end. Few rows and rounds, so that hundreds cost minutes."""

    task: str
    data: str
    rounds: int
    train_rows: int | None = None
    valid_rows: int | None = None
    trials: int = 300

    @property
    def path(self) -> Path:
        return POOLS / f"{self.task}.csv"

    @property
    def space(self) -> Space:
        return resolve_space(get_task(self.task), None, OVERRIDES)

    def make(self, work: Path, seconds: float, data_dir: str | None) -> None:
        """Train what is missing, as far as the time allows, and write what there is."""
        settings = sweeps.StudySettings(
            self.task,
            OVERRIDES,
            sampler="random",
            stop_rule="none",
            seed=7,
            rounds=self.rounds,
            data=self.data,
            train_rows=self.train_rows,
            valid_rows=self.valid_rows,
        )
        run = sweeps.RunSettings(
            num_trials=self.trials,
            runner="inline",
            keep_weights="none",
            max_failures=1000,
            timeout_seconds=seconds,
            data_dir=data_dir,
            out=str(work / self.task),
        )
        work.mkdir(parents=True, exist_ok=True)
        storage = f"sqlite:///{work.resolve()}/search.db"
        study = sweeps.launch(settings, run, storage=storage, study=self.task).study
        rows = [
            {**study.searched(trial), "score": trial.value}
            for trial in study.table()
            if trial.value is not None
        ]
        self.path.parent.mkdir(parents=True, exist_ok=True)
        pd.DataFrame(rows).to_csv(self.path, index=False, float_format="%.6g")


ALL = {
    pool.task: pool
    for pool in (
        Pool("mnist_mlp", "mnist", 20, 2000, 2000),
        Pool("cora_gcn", "cora", 60),
        Pool("sequence_convnet", "mnist1d", 30, 1000, 600),
    )
}


class Surrogate:
    """Answers for every point of a pool's space."""

    def __init__(self, pool: Pool) -> None:
        self.space = pool.space
        table = pd.read_csv(pool.path)
        self.num_trials = len(table)
        self._choices = {
            each.name: each.domain.choices for each in self.space if isinstance(each.domain, Categorical)
        }
        known = [self._encoded(row) for row in table.drop(columns="score").to_dict("records")]
        scores = table["score"].to_numpy()
        self._forest = RandomForestRegressor(300, min_samples_leaf=2, random_state=0, n_jobs=1)
        guessed = cross_val_predict(self._forest, known, scores, cv=10)
        self.rank_correlation = float(pd.Series(guessed).corr(pd.Series(scores), method="spearman"))
        self._forest.fit(known, scores)
        study = optuna.create_study(sampler=RandomSampler(seed=0))
        points = [suggest(self.space, study.ask()) for _ in range(MANY_POINTS)]
        self.best = float(self._forest.predict([self._encoded(each) for each in points]).max())

    def __call__(self, point: dict[str, Any]) -> float:
        """The score of a point."""
        return float(self._forest.predict([self._encoded(point)])[0])

    def _encoded(self, point: dict[str, Any]) -> list[float]:
        """Numbers, of ranges that are searched by their logarithms these; one column a choice; -1 where there is none."""
        columns: list[float] = []
        for each in self.space:
            value = point.get(each.name)
            missing = value is None or value != value
            if each.name in self._choices:
                columns += [float(value == choice) for choice in self._choices[each.name]]
            elif missing:
                columns.append(-20.0)
            else:
                columns.append(float(np.log(value)) if each.domain.log else float(value))
        return columns


Make = Callable[[int], BaseSampler]


@dataclass(frozen=True)
class Setting:
    """How a sampler is set up. sobol: so many points at the start come from a Sobol' sequence."""

    make: Make
    sobol: int = 0


def _tpe(**how: Any) -> Make:
    def make(seed: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return TPESampler(seed=seed, **how)

    return make


def _ours(startup: int) -> Make:
    made = SAMPLERS["tpe"].make
    assert made is not None
    return lambda seed: made(seed, startup)


SETTINGS = {
    "ours: TPE, multivariate, group, constant liar, start-up 10": Setting(_ours(10)),
    "ours, start-up 5": Setting(_ours(5)),
    "ours, start-up 10 by Sobol'": Setting(_ours(10), sobol=10),
    "ours, start-up 5 by Sobol'": Setting(_ours(5), sobol=5),
    "ours, without group": Setting(_tpe(multivariate=True, constant_liar=True, n_startup_trials=10)),
    "Optuna's defaults": Setting(_tpe()),
    "independent TPE, start-up 10": Setting(
        _tpe(multivariate=False, constant_liar=False, n_startup_trials=10)
    ),
    "gp, start-up 10": Setting(
        lambda seed: GPSampler(seed=seed, n_startup_trials=10, warn_independent_sampling=False)
    ),
    "random": Setting(lambda seed: RandomSampler(seed=seed)),
}


def searched(surrogate: Surrogate, setting: Setting, seed: int, trials: int) -> list[float]:
    """The best score so far after each trial of a search; trial n knows the trials 0 … n - 4."""
    study = SamplerStudy(surrogate.space, "maximize", NOTHING)
    scores: list[float] = []
    for number in range(trials):
        if number >= PARALLELISM:
            study.finish(number - PARALLELISM, Finished("COMPLETE", scores[number - PARALLELISM]))
        if number < setting.sobol:
            point = sobol_point(surrogate.space, number, derive_seed(seed, "sobol"))
            study.add(number, Proposal(point, {}))
        else:
            point = study.sample(number, setting.make(derive_seed(seed, number) % 2**32)).chosen
        scores.append(surrogate(point))
    return list(np.maximum.accumulate(scores))


def regrets(surrogate: Surrogate, only: Sequence[str], seeds: int, trials: int) -> dict[str, np.ndarray]:
    """By setting, points below the best: an array (seeds, trials)."""
    found = {}
    for name in only:
        start = time.monotonic()
        curves = [searched(surrogate, SETTINGS[name], seed, trials) for seed in range(seeds)]
        found[name] = 100 * np.maximum(0.0, surrogate.best - np.array(curves))
        print(f"  {name}: {time.monotonic() - start:.0f} s", flush=True)
    return found


def summary(by_task: dict[str, dict[str, np.ndarray]], trials: int) -> dict[str, dict[str, Any]]:
    """A row a setting: mean regrets over tasks and seeds with their standard errors, and mean ranks."""
    after = [each for each in AFTER if each <= trials]
    rows: dict[str, dict[str, Any]] = {}
    for name in next(iter(by_task.values())):
        rows[name] = {}
        for n in after:
            values = np.stack([found[name][:, n - 1] for found in by_task.values()])
            error = values.std(axis=1, ddof=1) / np.sqrt(values.shape[1])
            rows[name][f"regret after {n}"] = (
                f"{values.mean():.2f} ± {np.sqrt((error**2).sum()) / len(values):.2f}"
            )
            rows[name][f"rank after {n}"] = round(float(_ranks(by_task, name, n)), 2)
    return rows


def _ranks(by_task: dict[str, dict[str, np.ndarray]], name: str, n: int) -> float:
    ranks = []
    for found in by_task.values():
        table = pd.DataFrame({each: curves[:, n - 1] for each, curves in found.items()})
        ranks.append(table.rank(axis=1)[name].mean())
    return float(np.mean(ranks))


def table(measured: dict[str, Any]) -> str:
    """The table in Markdown."""
    rows = measured["settings"]
    columns = list(next(iter(rows.values())))
    lines = [f"| sampler | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {name} | {' | '.join(str(row[each]) for each in columns)} |" for name, row in rows.items()]
    return "\n".join(lines)


def with_table(page: str) -> str:
    """The page with the table of the figures that were kept."""
    return with_block(page, "search", table(json.loads(RESULTS.read_text())))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=list(ALL))
    parser.add_argument("--setting", action="append", choices=list(SETTINGS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--make", action="store_true", help="Train the trials that are missing.")
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--work", type=Path, default=Path("build/search_table"))
    parser.add_argument("--data-dir")
    parser.add_argument("--write", action="store_true", help="Keep the figures, and show them in the page.")
    wanted = parser.parse_args()
    names = wanted.only or list(ALL)
    if wanted.make:
        end = time.monotonic() + 60 * wanted.minutes
        for name in names:
            if (left := end - time.monotonic()) > 5:
                ALL[name].make(wanted.work, left, wanted.data_dir)
        return
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    by_task, correlations = {}, {}
    for name in names:
        surrogate = Surrogate(ALL[name])
        correlations[name] = {"trials": surrogate.num_trials, "rank correlation": surrogate.rank_correlation}
        print(name, correlations[name], "best", round(surrogate.best, 4), flush=True)
        by_task[name] = regrets(surrogate, wanted.setting or list(SETTINGS), wanted.seeds, wanted.trials)
        alone = {"settings": summary({name: by_task[name]}, wanted.trials)}
        print(table(alone), flush=True)
    measured = {"surrogates": correlations, "settings": summary(by_task, wanted.trials)}
    print(table(measured))
    if wanted.write:
        RESULTS.write_text(json.dumps(measured, indent=1) + "\n")
        PAGE.write_text(with_table(PAGE.read_text()))


if __name__ == "__main__":
    main()
