"""Makes full curves of kinds of training that our tasks do not cover: `benchmarks/bank/PART/kinds/KIND.csv.gz`.

    python -m benchmarks.kinds_bank [--part develop|report] [--only KIND] [--work FOLDER] [--data-dir FOLDER]

As in `benchmarks.curve_bank`, rules are developed on one part and reported on the other. The parts differ in the seeds of
data and configurations. No curve is halted. Curves that exist are not made again; an interrupted file continues from its
curves in --work. The columns are those of `sweep diagnose --curves`, and two that only the true class uses: `score_error`,
the standard error of the validation score, and `chance`.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch

from benchmarks.curve_bank import BANK, as_csv
from benchmarks.kinds import digits, long_and_steps, regression
from benchmarks.kinds.kind import Kind
from benchmarks.kinds.training import draw, rounds_of
from sweeps.paths import data_root

PARTS = {"develop": 101, "report": 202}  # the seed of data and configurations of each part
KINDS = {kind.name: kind for kind in (*regression.KINDS, *digits.KINDS, *long_and_steps.KINDS)}


@dataclass(frozen=True)
class KindStudy:
    """One file of the bank."""

    part: str
    kind: Kind

    @property
    def name(self) -> str:
        return self.kind.name

    @property
    def path(self) -> Path:
        return BANK / self.part / "kinds" / f"{self.name}.csv.gz"

    def read(self) -> pd.DataFrame:
        """The curves: one row for each round, sorted by trial and round."""
        return pd.read_csv(self.path)

    @property
    def num_there(self) -> int:
        """How many curves the file already has."""
        return int(self.read()["trial"].nunique()) if self.path.exists() else 0

    @property
    def num_wanted(self) -> int:
        return self.kind.trials[list(PARTS).index(self.part)]

    def make(self, work: Path, root: Path) -> None:
        """Train every curve that is neither in the file nor in the folder `work` yet, and write the file."""
        seed, kind = PARTS[self.part], self.kind
        problem = kind.problem(seed, root)
        folder = work / self.part / self.name
        folder.mkdir(parents=True, exist_ok=True)
        curves = [self.read()] if self.num_there else []
        for trial in range(self.num_there, self.num_wanted):
            path = folder / f"{trial}.csv"
            if not path.exists():
                rounds = rounds_of(kind, problem, draw(kind, seed, trial), 1000 * seed + trial)
                rows = [{"trial": trial, **figures, "chance": problem.chance} for figures in rounds]
                write_whole(path, as_csv(pd.DataFrame(rows)))
            curves.append(pd.read_csv(path))
        table = pd.concat(curves)
        if kind.decimals is not None:
            table[["train_score", "valid_score"]] = table[["train_score", "valid_score"]].round(kind.decimals)
        if kind.score is None:
            table = table.drop(columns=["train_score", "valid_score", "score_error"], errors="ignore")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_bytes(gzip.compress(as_csv(table).encode(), mtime=0))


def write_whole(path: Path, text: str) -> None:
    """Write a file atomically: completely or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.replace(path)


def kind_studies(part: str) -> Iterator[KindStudy]:
    """All files of a part, whether they exist or not."""
    for kind in KINDS.values():
        yield KindStudy(part, kind)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--only", action="append", choices=KINDS)
    parser.add_argument("--work", type=Path, default=Path("build/kinds_bank"))
    parser.add_argument("--data-dir")
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    for part in wanted.part or PARTS:
        for study in kind_studies(part):
            if (not wanted.only or study.name in wanted.only) and study.num_there < study.num_wanted:
                study.make(wanted.work, data_root(wanted.data_dir))
                curves = study.read()
                print(
                    f"{part} {study.name}: {curves['trial'].nunique()} curves, {len(curves)} rounds",
                    flush=True,
                )


if __name__ == "__main__":
    main()
