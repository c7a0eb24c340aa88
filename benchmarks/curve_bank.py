"""Makes the bank of curves: learning curves of every task to the last round, never halted, to compare stop rules on.

    python -m benchmarks.curve_bank [--part develop|report] [--only TASK-SPACE] [--work FOLDER] [--data-dir FOLDER]

Each task has two random-search studies: one in a wide space (`benchmarks/bank_spaces/`), where training fails in many
ways, and one in the task's own space. Rules are developed on one part of the bank and reported on the other part; the
two parts differ in the studies' seeds. Each study is a file `benchmarks/bank/PART/TASK-SPACE.csv.gz` with the columns of
`sweep diagnose --curves`. Files that exist are not made again. An interrupted study continues from its database in
--work.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

import sweeps
from sweeps.pruning.learning_curve import LOSSES, SCORES, SIGNALS

HERE = Path(__file__).parent
BANK = HERE / "bank"
SPACES = ("wide", "own")
PARTS = {"develop": 1, "report": 2}  # the seed of the studies of each part
COLUMNS = {
    "trial": "trial",
    "index": "round",
    **{name: name for name in (*LOSSES, *SCORES, *SIGNALS) if name != "running_loss"},
}


@dataclass(frozen=True)
class Recipe:
    """The size of a task's curves: few rows, so that training overfits and costs little.

    trials: their number, by part. own_valid_rows: size of the data set's own validation split, if all of it is used.
    """

    data: str
    rounds: int
    train_rows: int | None = None
    valid_rows: int | None = None
    fixed: tuple[str, ...] = ()
    trials: tuple[int, int] = (15, 25)
    own_valid_rows: int = 0

    @property
    def num_valid(self) -> int:
        """Number of rows from which a validation score is computed."""
        return self.valid_rows or self.own_valid_rows


RECIPES = {
    "mnist_mlp": Recipe("mnist", 60, 2000, 2000),
    "mnist_mlp_online": Recipe("mnist", 40, None, 2000, ("images_per_round=1000",)),
    "mnist_mlp_bn": Recipe("mnist", 50, 2000, 2000),
    "mnist_convnet": Recipe("mnist", 40, 800, 1000, trials=(15, 15)),
    "cifar10_cnn": Recipe("cifar10", 30, 800, 500, trials=(8, 8)),
    "cora_gcn": Recipe("cora", 80, own_valid_rows=500),
    "text8_skipgram": Recipe("text", 40, 20_000, 2000, ("pairs_per_round=10000",)),
    "food101_squeezenet": Recipe("food101-cifar10", 20, 404, 404, trials=(5, 6)),
    "sequence_convnet": Recipe("mnist1d", 60, 1000, 600),
}


@dataclass(frozen=True)
class BankStudy:
    """One file of the bank."""

    part: str
    task: str
    space: str

    @property
    def name(self) -> str:
        return f"{self.task}-{self.space}"

    @property
    def path(self) -> Path:
        return BANK / self.part / f"{self.name}.csv.gz"

    @property
    def recipe(self) -> Recipe:
        return RECIPES[self.task]

    def read(self) -> pd.DataFrame:
        """The curves: one row for each round, sorted by trial and round."""
        return pd.read_csv(self.path)

    def make(self, work: Path, data_dir: str | None) -> None:
        """Run the study, or continue it, and write its file."""
        recipe = self.recipe
        wide = HERE / "bank_spaces" / f"{self.task}.yaml"
        settings = sweeps.StudySettings(
            self.task,
            overrides=recipe.fixed,
            space=wide if self.space == "wide" else None,
            sampler="random",
            stop_rule="none",
            seed=PARTS[self.part],
            rounds=recipe.rounds,
            data=recipe.data,
            train_rows=recipe.train_rows,
            valid_rows=recipe.valid_rows,
        )
        run = sweeps.RunSettings(
            num_trials=recipe.trials[list(PARTS).index(self.part)],
            runner="inline",
            keep_weights="none",
            max_failures=1000,
            data_dir=data_dir,
            out=str(work / self.part / self.name),
        )
        work.mkdir(parents=True, exist_ok=True)
        storage = f"sqlite:///{work.resolve()}/{self.part}.db"
        result = sweeps.launch(settings, run, storage=storage, study=self.name)
        table = result.study.rounds()[list(COLUMNS)].rename(columns=COLUMNS).sort_values(["trial", "round"])
        text = as_csv(table)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(gzip.compress(text.encode(), mtime=0))


def as_csv(table: pd.DataFrame) -> str:
    """The curves in the form of `sweep diagnose --curves`. A loss or score that was NaN is written as NaN."""
    said = table.copy()
    for name in (each for each in (*LOSSES, *SCORES) if each in said):
        said[name] = said[name].map(lambda value: f"{value:.6g}")
    return str(said.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def bank_studies(part: str) -> Iterator[BankStudy]:
    """All studies of a part, whether their files exist or not."""
    for task in RECIPES:
        for space in SPACES:
            yield BankStudy(part, task, space)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--only", action="append", metavar="TASK-SPACE")
    parser.add_argument("--work", type=Path, default=Path("build/curve_bank"))
    parser.add_argument("--data-dir")
    wanted = parser.parse_args()
    for part in wanted.part or PARTS:
        for study in bank_studies(part):
            if (not wanted.only or study.name in wanted.only) and not study.path.exists():
                study.make(wanted.work, wanted.data_dir)
                curves = study.read()
                print(
                    f"{part} {study.name}: {curves['trial'].nunique()} curves, {len(curves)} rounds",
                    flush=True,
                )


if __name__ == "__main__":
    main()
