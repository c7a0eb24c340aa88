"""Finds the best learning rate in a wide range, to which the ranges of `sweep lr` are compared.

    python -m benchmarks.wide_rates [--only TASK] [--work FOLDER] [--data-dir FOLDER]

Each recipe is one grid study: rates from 1e-5 to 1, two per decade (three for mnist_mlp), with three seeds each. All other
parameters have the task's defaults, but a recipe may name another optimizer. Data and rounds are few, so that everything
takes less than an hour of one core. The cell of a recipe, `benchmarks/results/guidance/best-NAME.json`, has the best score
of each rate and seed. Cells that exist are not made again. An interrupted study continues from its database in --work.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sweeps

CELLS = Path(__file__).parent / "results" / "guidance"
DECADES = 5  # of the range, which starts at 1e-5
SEEDS = 3


@dataclass(frozen=True)
class Recipe:
    """A task at a size that is small enough.

    rounds: those of each trial. fixed: parameters that differ from the defaults. per_decade: number of rates per decade.
    """

    task: str
    data: str
    rounds: int
    train_rows: int | None = None
    valid_rows: int | None = None
    fixed: tuple[tuple[str, Any], ...] = ()
    per_decade: int = 2

    @property
    def rates(self) -> list[float]:
        """The learning rates of the grid."""
        return [
            float(f"{10 ** (-5 + k / self.per_decade):.3g}") for k in range(DECADES * self.per_decade + 1)
        ]

    def settings(self, **others: Any) -> sweeps.StudySettings:
        """The settings of a study of this task."""
        return sweeps.StudySettings(
            self.task,
            rounds=self.rounds,
            data=self.data,
            train_rows=self.train_rows,
            valid_rows=self.valid_rows,
            gpus_per_trial=0,
            stop_rule="none",
            **others,
        )


_ONLINE = (("images_per_round", 500),)
_PAIRS = (("pairs_per_round", 4000),)
RECIPES = {
    "mnist_mlp": Recipe("mnist_mlp", "mnist-5k", 10, 1000, 500, per_decade=3),
    "mnist_mlp_online": Recipe("mnist_mlp_online", "mnist-5k", 10, 1000, 500, _ONLINE),
    "mnist_mlp_bn": Recipe("mnist_mlp_bn", "mnist-5k", 8, 1000, 500),
    "sequence_convnet": Recipe("sequence_convnet", "mnist1d", 10, 1000, 600),
    "cora_gcn": Recipe("cora_gcn", "cora", 25),
    "text8_skipgram": Recipe("text8_skipgram", "text", 5, 10_000, 1000, _PAIRS),
    "mnist_convnet": Recipe("mnist_convnet", "mnist-5k", 5, 400, 400),
    "food101_squeezenet": Recipe("food101_squeezenet", "food101-cifar10", 4, 202, 202),
    "cifar10_cnn": Recipe("cifar10_cnn", "cifar10", 3, 256, 256),
    "mnist_mlp-momentum": Recipe("mnist_mlp", "mnist-5k", 10, 1000, 500, (("optimizer", "momentum"),)),
    "mnist_mlp_bn-momentum": Recipe("mnist_mlp_bn", "mnist-5k", 8, 1000, 500, (("optimizer", "momentum"),)),
    "sequence_convnet-momentum": Recipe(
        "sequence_convnet", "mnist1d", 10, 1000, 600, (("optimizer", "momentum"),)
    ),
}


def cell_path(name: str) -> Path:
    """Where a cell is stored."""
    return CELLS / f"{name}.json"


def write_cell(name: str, record: dict[str, Any]) -> None:
    """Store a cell."""
    CELLS.mkdir(parents=True, exist_ok=True)
    cell_path(name).write_text(json.dumps(record) + "\n")


def read_cell(name: str) -> dict[str, Any] | None:
    """A stored cell; None if it was not made yet."""
    path = cell_path(name)
    return json.loads(path.read_text()) if path.exists() else None


def space_file(recipe: Recipe, work: Path) -> Path:
    """A space with the recipe's rates and fixed parameters."""
    lines = [f"task: {recipe.task}", "space:", f"  learning_rate: {{choices: {recipe.rates}}}"]
    lines += [f"  {name}: {value}" for name, value in recipe.fixed]
    path = work / f"{recipe.task}-{'-'.join(str(value) for _, value in recipe.fixed)}.yaml"
    path.write_text("\n".join(lines) + "\n")
    return path


def make_best(name: str, work: Path, data_dir: str | None) -> dict[str, Any]:
    """The cell of one recipe."""
    recipe = RECIPES[name]
    run = sweeps.RunSettings(
        runner="inline",
        keep_weights="none",
        max_failures=1000,
        data_dir=data_dir,
        out=str(work / f"best-{name}"),
    )
    settings = recipe.settings(space=space_file(recipe, work), sampler="grid", repeats=SEEDS)
    storage = f"sqlite:///{work.resolve()}/best-{name}.db"
    study = sweeps.launch(settings, run, storage=storage, study=f"best-{name}").study
    scores: dict[str, list[float | None]] = {f"{rate:g}": [] for rate in recipe.rates}
    for trial in study.all_trials():
        rate = study.spec.point_of(trial.params)["learning_rate"]
        scores[f"{rate:g}"].append(trial.value)
    cost = study.cost()
    return {
        "task": recipe.task,
        "data": study.spec.data.to_dict(),
        "rounds": study.spec.rounds,
        "fixed": dict(recipe.fixed),
        "metric": study.spec.metric.name,
        "direction": study.spec.metric.direction,
        "scores": scores,
        "cost": {"rounds": cost.rounds_run, "seconds": round(cost.seconds, 1)},
    }


def main() -> None:
    """Make the missing cells."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", metavar="RECIPE", choices=RECIPES)
    parser.add_argument("--work", type=Path, default=Path("build/guidance"))
    parser.add_argument("--data-dir")
    wanted = parser.parse_args()
    wanted.work.mkdir(parents=True, exist_ok=True)
    for name in wanted.only or RECIPES:
        if read_cell(f"best-{name}") is None:
            record = make_best(name, wanted.work, wanted.data_dir)
            write_cell(f"best-{name}", record)
            print(name, record["cost"], flush=True)


if __name__ == "__main__":
    main()
