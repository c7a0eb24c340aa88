"""Published configurations and their variants, run as `sweep reproduce` runs them: docs/figures.md, cell by cell.

    python -m benchmarks.figures [--only TASK[-VARIANT]] [--work FOLDER] [--data-dir FOLDER]
    python -m benchmarks.figures --page > docs/figures.md

Each cell is a file in `benchmarks/results/figures/` with its figures, the diagnosis of each run and the command for it.
Cells that exist are not made again. An interrupted cell continues from its database in --work.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from objectives.registry import get_task
from sweeps.cli.formats import cell as shown
from sweeps.diagnosis.report import diagnose_study
from sweeps.repeats.reproduce import Reproduction, beside, published_for, reproduce, variant_for
from sweeps.settings import RunSettings
from sweeps.study.stored_study import Study

RESULTS = Path(__file__).parent / "results" / "figures"
COURSE = 9  # number of rounds of a run that the page shows
COURSE_FIGURES = (
    *("running_loss", "valid_loss", "train_score", "valid_score"),
    *("gradient_norm", "first_layer_gradient_norm", "dead_share"),
)

HEAD = """# Published figures and ours

`python -m benchmarks.figures` makes this page. It trains each published configuration and its variants, if their results
are missing, and keeps the results in `benchmarks/results/figures/`; `--page` prints this page from them. Each section is
one command, which continues after an interruption if it is called again. The columns `valid …` are measured on the rows on
which the figures were published: the test split for `mnist_mlp`, `mnist_mlp_online`, `mnist_convnet`, `cifar10_cnn` and
`cora_gcn`, the first 5,000 training images for `mnist_mlp_bn`, and our validation split for the others. A variant is
compared only with results that were published of this variant. *Became* is the label that `sweep diagnose` gives a run;
*halt* is the round after which the rule `onset` would have ended it.
"""


@dataclass(frozen=True)
class Cell:
    """A published configuration (variant None) or a variant, at a size that two cores allow.

    moments: rounds, besides the published ones, of which each seed's validation score is stored. size: a word that
    distinguishes the cell from one of the same configuration at another size.
    """

    task: str
    variant: str | None = None
    data: str | None = None
    fraction: float = 1.0
    seeds: int = 1
    rounds: int | None = None
    moments: Sequence[int] = ()
    size: str = ""

    @property
    def name(self) -> str:
        return f"{self.task}-{self.variant or 'published'}{self.size and '-' + self.size}"

    @property
    def path(self) -> Path:
        return RESULTS / f"{self.name}.json"

    @property
    def reproduction(self) -> Reproduction:
        return Reproduction(
            self.task,
            self.variant,
            data=self.data,
            fraction=self.fraction,
            seeds=self.seeds,
            rounds=self.rounds,
        )

    @property
    def command(self) -> str:
        words = ["sweep reproduce", self.task, *([self.variant] if self.variant else [])]
        words += [f"--data {self.data}"] if self.data else []
        words += [f"--data-fraction {self.fraction:g}"] if self.fraction != 1 else []
        words += [f"--seeds {self.seeds}"] if self.seeds != 1 else []
        words += [f"--rounds {self.rounds}"] if self.rounds else []
        return " ".join(words)


GRID = (
    "h300-lr0.5",
    "h400-lr0.5",
    "h400-lr0.01",
    "h400-lr0.001",
    "h1024-lr0.5",
    "h1024-lr0.01",
    "h1024-lr0.001",
    "h1024-lr0.0001",
)
CURES = ("batch-100", "he", "leaky-relu", "clipping", "softplus")
CELLS = [
    Cell("mnist_mlp_online", rounds=24),
    Cell("mnist_convnet", "momentum-0.001", fraction=0.1, seeds=3, rounds=4),
    Cell("mnist_convnet", size="full"),
    Cell("mnist_convnet", fraction=0.1, seeds=4, rounds=40),
    Cell("mnist_convnet", "cross-entropy", fraction=0.1, seeds=4, rounds=40),
    Cell("mnist_mlp"),
    *(Cell("mnist_mlp", variant, fraction=0.1) for variant in GRID),
    *(Cell("cora_gcn", variant, seeds=3, moments=range(1, 2000, 200)) for variant in (None, "fresh")),
    Cell("sequence_convnet", seeds=3),
    Cell("sequence_convnet", "running", seeds=3),
    Cell("mnist_mlp_bn", seeds=3),
    Cell("text8_skipgram", data="text"),
    Cell("text8_skipgram", "all_pairs", data="text", seeds=3),
    Cell("text8_skipgram", "two_tables", data="text", seeds=3),
    *(
        Cell("mnist_mlp_online", variant, rounds=24, seeds=3 if variant == "batch-100" else 1)
        for variant in CURES
    ),
    *(
        Cell("food101_squeezenet", variant, data="food101-cifar10", rounds=3)
        for variant in (None, "head", "all", "he", "batch_norm")
    ),
    *(Cell("cifar10_cnn", variant, fraction=0.1, rounds=20) for variant in (None, "shared", "towers")),
    *(
        Cell("mnist_convnet", variant, fraction=0.1, seeds=4, rounds=10)
        for variant in ("no-dropout", "no-batch-norm", "neither")
    ),
]


def run(cell: Cell, work: Path, data_dir: str | None) -> None:
    """Train a cell, or continue it, and write its file."""
    work.mkdir(parents=True, exist_ok=True)
    settings = RunSettings(
        runner="inline", keep_weights="none", data_dir=data_dir, out=str(work / "results" / cell.name)
    )
    result = reproduce(cell.reproduction, run=settings, storage=f"sqlite:///{work.resolve()}/{cell.name}.db")
    if result.ending is None:
        cell.path.parent.mkdir(parents=True, exist_ok=True)
        cell.path.write_text(json.dumps(_record(cell, result.study), indent=1) + "\n")


def _record(cell: Cell, study: Study) -> dict[str, Any]:
    data = study.spec.data
    return {
        "command": cell.command,
        "fingerprint": study.row.fingerprint,
        "data": {"name": data.plan.name, "train_rows": data.train_rows, "valid_rows": data.valid_rows},
        "rounds": study.spec.rounds,
        "seconds": round(study.cost().seconds),
        "figures": [
            _plain({name: row[name] for name in ("round", "figure", "ours", "std", "seeds")})
            for row in beside(study, published_for(get_task(cell.task)))
        ],
        "course": _course(study.rounds()),
        "moments": _moments(cell, study),
        "runs": [
            {
                "label": each.diagnosis.label,
                "because": each.diagnosis.because,
                "halt_round": each.halt_round,
                "reason": None if each.stop is None else each.stop.reason,
                "evidence": {} if each.stop is None else _plain(dict(each.stop.evidence)),
                "last": _plain(
                    {
                        "train_score": float(each.named.curve.train_score[-1]),
                        "valid_score": float(each.named.curve.valid_score[-1]),
                        **_latest(each.named.curve),
                    }
                ),
            }
            for each in diagnose_study(study)
        ],
    }


def _moments(cell: Cell, study: Study) -> dict[int, list[float]]:
    """Validation scores of each seed, at the published rounds and those that the cell names."""
    wanted = {*published_for(get_task(cell.task)).curve, *cell.moments}
    rounds = study.rounds()
    kept = rounds[rounds["index"].isin(wanted)].groupby("index")["valid_score"]
    return {int(index): [float(f"{score:.6g}") for score in scores] for index, scores in kept}


def _course(rounds: pd.DataFrame) -> list[dict[str, Any]]:
    """Means over the runs at about nine rounds, from the first to the last."""
    last = int(rounds["index"].max())
    wanted = sorted({round(1 + (last - 1) * step / (COURSE - 1)) for step in range(COURSE)})
    recorded = [name for name in COURSE_FIGURES if rounds[name].notna().any()]
    shown = rounds[rounds["index"].isin(wanted)].groupby("index")[recorded]
    means = shown.agg(lambda column: column.mean(skipna=False))  # a run that is NaN makes the mean NaN
    return [_plain({"round": int(index), **row.to_dict()}) for index, row in means.iterrows()]


def _latest(curve: Any) -> dict[str, float]:
    names = (
        *("batch_statistics_score", "gradient_norm", "first_layer_gradient_norm"),
        *("dead_share", "saturated_share"),
    )
    return {name: float(values[-1]) for name in names if (values := getattr(curve, name)) is not None}


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """The record with numbers rounded to six digits; NaN and infinities become text, because JSON lacks them."""
    return {
        key: value
        if not isinstance(value, float)
        else float(f"{value:.6g}")
        if math.isfinite(value)
        else repr(value)
        for key, value in record.items()
    }


def page() -> Iterator[str]:
    """The lines of docs/figures.md, from the stored cells."""
    yield HEAD
    task = ""
    for cell in sorted((each for each in CELLS if each.path.exists()), key=lambda each: each.task):
        if cell.task != task:
            task = cell.task
            published = published_for(get_task(task))
            figures = ", ".join(f"{name} {shown(value)}" for name, value in published.figures.items())
            yield f"\n## {task}\n\nPublished: {figures} ({published.note}).\n"
        yield from _section(cell, json.loads(cell.path.read_text()))


def _section(cell: Cell, record: dict[str, Any]) -> Iterator[str]:
    data = record["data"]
    yield f"### {cell.variant or 'as published'}{cell.size and ', ' + cell.size}\n"
    yield (
        f"`{record['command']}`: {data['train_rows']:,} training and {data['valid_rows']:,} validation rows of "
        f"{data['name']}, {record['rounds']} rounds, {record['seconds'] / 60:.1f} minutes of one core.\n"
    )
    yield "| round | figure | published | ours | std | seeds |"
    yield "|---|---|---|---|---|---|"
    task = get_task(cell.task)
    known = variant_for(task, cell.variant) or published_for(task)
    for row in record["figures"]:
        published = known.curve.get(row["round"], {}).get(row["figure"])
        values = (row["round"], row["figure"], published, row["ours"], row["std"], row["seeds"])
        yield "| " + " | ".join(shown(value) for value in values) + " |"
    yield ""
    if course := record.get("course"):
        names = [name for name in COURSE_FIGURES if any(name in row for row in course)]
        yield "| round | " + " | ".join(name.replace("_", " ") for name in names) + " |"
        yield "|---" * (len(names) + 1) + "|"
        for row in course:
            yield f"| {row['round']} | " + " | ".join(shown(row.get(name)) for name in names) + " |"
        yield ""
    yield "| seed | became | halt | because | at the end |"
    yield "|---|---|---|---|---|"
    for seed, each in enumerate(record["runs"]):
        halt = "·" if each["reason"] is None else f"{each['halt_round']}, {each['reason']}"
        yield f"| {seed} | {each['label']} | {halt} | {each['because']} | {shown(each['last'])} |"
    yield ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", metavar="TASK[-VARIANT]")
    parser.add_argument("--work", type=Path, default=Path("build/figures"))
    parser.add_argument("--data-dir")
    parser.add_argument("--page", action="store_true", help="Print docs/figures.md.")
    wanted = parser.parse_args()
    if wanted.page:
        print("\n".join(page()).rstrip())
        return
    for cell in CELLS:
        if cell.path.exists() or (wanted.only and not {cell.task, cell.name} & set(wanted.only)):
            continue
        run(cell, wanted.work, wanted.data_dir)
        print(f"{cell.name}: {'done' if cell.path.exists() else 'not complete'}", flush=True)


if __name__ == "__main__":
    main()
