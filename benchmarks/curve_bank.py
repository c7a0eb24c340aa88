"""The bank: full learning curves of every task, never halted, on which stop rules are compared.

    python -m benchmarks.curve_bank [--part develop|report] [--only TASK-SPACE] [--work FOLDER] [--data-dir FOLDER]

For each task two studies at random: one in a wide space (`benchmarks/bank_spaces/`), where training fails in every way,
one in the task's own. Rules are developed on one part and reported on the other, which differ in the study's seed. Each
study is a file `benchmarks/bank/PART/TASK-SPACE.csv.gz` with the columns of `sweep diagnose --curves`; those that are
there are left alone, and a study that was cut off goes on from its database in --work.
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
PARTS = {"develop": 1, "report": 2}  # with the seed of its studies
COLUMNS = {
    "trial": "trial",
    "index": "round",
    **{name: name for name in (*LOSSES, *SCORES, *SIGNALS) if name != "running_loss"},
}


@dataclass(frozen=True)
class Recipe:
    """How large the curves of a task are: few rows, so that it overfits and costs little.

    trials: by part. own_valid_rows: of the data set's own validation split, where that is taken whole.
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
        """Rows behind a validation score."""
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
        """A row a round, sorted by trial and round."""
        return pd.read_csv(self.path)

    def make(self, work: Path, data_dir: str | None) -> None:
        """Run the study, or go on with it, and write its file."""
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
    """As `sweep diagnose --curves` takes it: a loss or score that was no number is written as such."""
    said = table.copy()
    for name in (each for each in (*LOSSES, *SCORES) if each in said):
        said[name] = said[name].map(lambda value: f"{value:.6g}")
    return str(said.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def bank_studies(part: str) -> Iterator[BankStudy]:
    """All studies of a part, whether they are there or not."""
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
