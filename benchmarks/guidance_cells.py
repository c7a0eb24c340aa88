"""Makes the missing measurements for docs/guidance.md: range tests, batch probes, and studies that use both.

    python -m benchmarks.guidance_cells [--part rates|batch|first] [--only NAME] [--work FOLDER] [--data-dir FOLDER]

- rates: all curves of `sweep lr` for each recipe of `benchmarks.wide_rates` and three seeds, on the same rows.
- batch: `sweep batch` for each task, on all rows of its data set.
- first: the score and seconds of each round, in studies of two cheap tasks with five seeds each. They search the task's
  own space, a space with a wide range of rates, and the wide space narrowed by `sweep lr` and `sweep batch`.

Cells that exist (`benchmarks/results/guidance/NAME.json`) are not made again.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

import sweeps
from benchmarks.wide_rates import RECIPES, Recipe, read_cell, write_cell
from sweeps.guidance.batch_probe import probe_batches
from sweeps.guidance.narrowed import with_range
from sweeps.guidance.rate_plan import RateTest
from sweeps.guidance.rate_study import RateAnswer, rate_test
from sweeps.study.stored_study import Study

TEST_SEEDS, STUDY_SEEDS = range(3), range(5)
FIRST = ("mnist_mlp", "mnist_mlp_online")
STUDY_TRIALS = 20
WIDE = "learning_rate=1e-5..1:log"
WAYS = ("own", "wide", "guided")
LARGEST = {"cifar10_cnn": 256, "mnist_convnet": 1024, "food101_squeezenet": 64}  # else steps take seconds


def make_rates(name: str, seed: int, work: Path, data_dir: str | None) -> dict[str, Any]:
    """A range test of a recipe. If the recipe names no optimizer and the task searches it, the default is fixed."""
    answer = test_rates(RECIPES[name], seed, (optimizer_of(name),), work / f"rates-{name}-{seed}", data_dir)
    return {"recipe": name, "seed": seed, **answer.record()}


def optimizer_of(name: str) -> str:
    """The recipe's optimizer as an override."""
    from objectives.registry import get_task

    recipe = RECIPES[name]
    default = get_task(recipe.task).Parameters().optimizer  # type: ignore[attr-defined]
    return f"optimizer={dict(recipe.fixed).get('optimizer', default)}"


def test_rates(
    recipe: Recipe, seed: int, overrides: tuple[str, ...], out: Path, data_dir: str | None
) -> RateAnswer:
    """The answer of a range test for a study of a recipe."""
    others = tuple(f"{name}={value}" for name, value in recipe.fixed if name != "optimizer")
    settings = recipe.settings(seed=seed, overrides=(*overrides, *others))
    run = sweeps.RunSettings(runner="inline", data_dir=data_dir, out=str(out), max_failures=1000)
    result, answer = rate_test(RateTest(settings), run=run, storage=f"sqlite:///{out.resolve()}.db")
    if answer is None:
        result.raise_for_ending()
        raise SystemExit(f"{out} is not complete")
    return answer


def make_batch(task: str, data_dir: str | None) -> dict[str, Any]:
    """A batch probe of a task on all rows of its recipe's data set."""
    settings = dataclasses.replace(
        RECIPES[task].settings(), train_rows=None, valid_rows=None, rounds=None, overrides=()
    )
    answer = probe_batches(settings, largest=LARGEST.get(task), data_dir=data_dir)
    return {"task": task, "data": settings.data, **answer.record()}


def make_first(task: str, seed: int, way: str, work: Path, data_dir: str | None) -> dict[str, Any]:
    """One study, and the cost of the tests before it."""
    recipe, name = RECIPES[task], f"first-{task}-{seed}-{way}"
    others = tuple(f"{key}={value}" for key, value in recipe.fixed)
    settings = recipe.settings(seed=seed, overrides=(*others, WIDE) if way == "wide" else others)
    before: dict[str, Any] = {"rows": 0, "seconds": 0.0}
    if way == "guided":
        sizes = (read_cell(f"batch-{task}") or {})["sizes"]
        answer = test_rates(recipe, seed, (), work / f"{name}-lr", data_dir)
        settings = with_range(settings, answer)
        settings = dataclasses.replace(
            settings, overrides=(*settings.overrides, f"batch_size={','.join(map(str, sizes))}")
        )
        before = {"rows": answer.rows, "seconds": answer.study.cost().seconds, "bounds": answer.bounds}
    run = sweeps.RunSettings(
        num_trials=STUDY_TRIALS,
        runner="inline",
        keep_weights="none",
        max_failures=1000,
        data_dir=data_dir,
        out=str(work / name),
    )
    storage = f"sqlite:///{work.resolve()}/{name}.db"
    study = sweeps.launch(settings, run, storage=storage, study=name).study
    return {"task": task, "seed": seed, "way": way, "before": before, **_course(study)}


def _course(study: Study) -> dict[str, Any]:
    """The score and the seconds of each round, in the order of trials."""
    rounds = study.rounds().sort_values(["trial", "index"])
    return {
        "overrides": study.spec.space.to_dict()["learning_rate"],
        "rows_per_round": study.spec.data.train_rows,
        "scores": [None if score is None else round(float(score), 5) for score in rounds["valid_score"]],
        "seconds": [round(float(value), 4) for value in rounds["seconds"]],
    }


def main() -> None:
    """Make the missing cells."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=("rates", "batch", "first"))
    parser.add_argument("--only", action="append", metavar="NAME", choices=RECIPES)
    parser.add_argument("--work", type=Path, default=Path("build/guidance"))
    parser.add_argument("--data-dir")
    wanted = parser.parse_args()
    wanted.work.mkdir(parents=True, exist_ok=True)
    for name, make in _jobs(wanted.work, wanted.data_dir).items():
        part = name.partition("-")[0]
        if wanted.part not in (None, part) or read_cell(name) is not None:
            continue
        if wanted.only and not any(
            name.startswith(f"{part}-{only}-") or name == f"{part}-{only}" for only in wanted.only
        ):
            continue
        write_cell(name, make())
        print(name, flush=True)


def _jobs(work: Path, data_dir: str | None) -> dict[str, Any]:
    """The function that makes each cell, by the cell's name."""
    jobs: dict[str, Any] = {}
    for recipe in RECIPES:
        for seed in TEST_SEEDS:
            jobs[f"rates-{recipe}-{seed}"] = lambda r=recipe, s=seed: make_rates(r, s, work, data_dir)
    for task in (name for name in RECIPES if "-" not in name):
        jobs[f"batch-{task}"] = lambda t=task: make_batch(t, data_dir)
    for task in FIRST:
        for seed in STUDY_SEEDS:
            for way in WAYS:
                jobs[f"first-{task}-{seed}-{way}"] = lambda t=task, s=seed, w=way: make_first(
                    t, s, w, work, data_dir
                )
    return jobs


if __name__ == "__main__":
    main()
