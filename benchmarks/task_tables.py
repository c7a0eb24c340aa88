"""Writes the tables of docs/tasks.md from the cells of `benchmarks.figures`, `studies` and `label_changes`.

    python -m benchmarks.task_tables [--make] [--work FOLDER] [--data-dir FOLDER]

A table whose cells are missing is not changed. --make first makes all missing cells, which takes hours on two cores. An
interrupted cell continues.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import figures, label_changes, studies
from benchmarks.headline_tables import spread_of, studies_table, study_commands
from benchmarks.page_blocks import markdown_table, read_cell, with_blocks
from objectives.registry import get_task
from sweeps.cli.formats import cell as shown
from sweeps.repeats.reproduce import published_for
from sweeps.repeats.significance import Spread

PAGE = Path(__file__).parent.parent / "docs" / "tasks.md"


def grid_table() -> str:
    """The eight published cells of mnist_mlp, at the end of 301 steps."""
    rows = []
    for name in figures.GRID:
        record = read_cell(figures.RESULTS / f"mnist_mlp-{name}.json")
        last = {row["figure"]: row["ours"] for row in record["figures"]}
        width, rate = name.removeprefix("h").split("-lr")
        (run,) = record["runs"]
        verdict = "86.6 / 86.4 %" if name == "h1024-lr0.0001" else "below 80 %"
        scores = (f"{last[figure]:.3f}" for figure in ("train_score", "valid_score"))
        rows.append((width, rate, verdict, *scores, shown(last["running_loss"]), *_fate(run)))
    head = ("width", "rate", "published", "training", "test", "loss", "dead units", "became")
    return markdown_table(head, rows)


def steps_table() -> str:
    """mnist_mlp as published, on all images, at the steps whose figures were published."""
    record = read_cell(figures.RESULTS / "mnist_mlp-published.json")
    ours = {(row["round"], row["figure"]): row["ours"] for row in record["figures"]}
    rows = []
    for round_, given in published_for(get_task("mnist_mlp")).curve.items():
        losses = (f"{figure:,.0f}" for figure in (given["running_loss"], ours[round_, "running_loss"]))
        scores = (
            f"{figure:.3f}"
            for name in ("train_score", "valid_score")
            for figure in (given[name], ours[round_, name])
        )
        rows.append((round_ - 1, *scores, *losses))
    head = ("step", "training, published", "ours", "test, published", "ours", "loss, published", "ours")
    return markdown_table(head, rows)


def cures_table() -> str:
    """mnist_mlp_online as published and with each cure, after the last round of each run."""
    rows = []
    for name in ("published", *figures.CURES):
        for run in read_cell(figures.RESULTS / f"mnist_mlp_online-{name}.json")["runs"]:
            scores = (f"{run['last'][figure]:.3f}" for figure in ("train_score", "valid_score"))
            halt = "" if run["reason"] is None else f"{run['halt_round']}, {run['reason']}"
            rows.append((f"`{name}`", *scores, *_fate(run), halt))
    return markdown_table(
        ("variant", "training, at the end", "test", "dead units", "became", "halted at"), rows
    )


def course_table() -> str:
    """How mnist_mlp_online collapses as published."""
    course = read_cell(figures.RESULTS / "mnist_mlp_online-published.json")["course"]
    names = ("running_loss", "valid_loss", "train_score", "valid_score", "dead_share")
    head = ("round", "training loss", "test loss", "training accuracy", "test accuracy", "dead units")
    return markdown_table(head, [(row["round"], *(shown(row.get(name)) for name in names)) for row in course])


def ablations_table() -> str:
    """mnist_convnet with and without batch norm and dropout, and with either form of the loss."""
    variants = {
        "published": "batch norm, dropout, naive loss",
        "cross-entropy": "batch norm, dropout, cross-entropy on logits",
        "no-dropout": "batch norm",
        "no-batch-norm": "dropout",
        "neither": "neither",
        "momentum-0.001": "batch norm of momentum 0.001, dropout, cross-entropy",
    }
    rows = []
    for variant, what in variants.items():
        record = read_cell(figures.RESULTS / f"mnist_convnet-{variant}.json")
        ends = {
            row["round"]: f"{row['ours']:.4f} ± {row['std']:.4f}"
            for row in record["figures"]
            if row["figure"] == "valid_score"
        }
        lasting = ", ".join(f"round {index}: {value}" for index, value in ends.items())
        each = ", ".join(f"{run['last']['valid_score']:.3f}" for run in record["runs"])
        labels = ", ".join(sorted({run["label"] for run in record["runs"]}))
        rows.append((f"`{variant}`", what, lasting, each, labels))
    return markdown_table(("variant", "what", "test accuracy", "each seed, at the end", "became"), rows)


def pairs_table() -> str:
    """text8_skipgram: one pair per step, and the cures."""
    steps = {"published": 5_995, "all_pairs": 195, "two_tables": 195}  # steps per round
    rows = []
    for variant, per_round in steps.items():
        course = read_cell(figures.RESULTS / f"text8_skipgram-{variant}.json")["course"]
        for row in (course[0], course[len(course) // 2], course[-1]):
            values = (f"{row[name]:.3f}" for name in ("running_loss", "valid_loss", "valid_score"))
            rows.append((f"`{variant}`", f"{per_round * row['round']:,}", *values))
    return markdown_table(("variant", "steps", "training loss", "validation loss", "reciprocal rank"), rows)


def batch_sizes_table() -> str:
    """mnist_mlp_online over batch sizes: the score, the diagnosis and the cost of each cell."""
    cells = read_cell(studies.RESULTS / "batch-sizes.json")["cells"]
    rows = [
        (
            row["batch_size"],
            row["weight_init"],
            *(f"{row[name]:.4f}" for name in ("best", "last_train_score", "last_valid_score")),
            row["label"],
            f"{row['rows_per_second']:,}",
        )
        for row in sorted(cells, key=lambda row: (row["weight_init"], row["batch_size"]))
    ]
    head = (
        "images a step",
        "weights",
        "best",
        "training, at the end",
        "validation",
        "became",
        "images a second",
    )
    return markdown_table(head, rows)


def transfer_table() -> str:
    """food101_squeezenet from scratch and from pretrained weights."""
    cells = read_cell(studies.RESULTS / "transfer.json")["cells"]
    names = ("best", "last_train_score", "last_valid_score")
    rows = [(f"`{row['transfer']}`", *(f"{row[name]:.4f}" for name in names), row["label"]) for row in cells]
    return markdown_table(("transfer", "best", "training, at the end", "validation", "became"), rows)


def label_changes_table() -> str:
    """sequence_convnet: labels that change with the other rows of a batch, for both kinds of evaluation statistics."""
    measured = read_cell(label_changes.RESULTS)
    sizes = [str(size) for size in label_changes.BATCH_SIZES]
    rows: list[Sequence[Any]] = [("as it was published", ".90", "", ".03–.10", "")]
    for variant, statistics in (("published", "batch"), ("running", "running")):
        runs = measured[variant]
        scores = ", ".join(f"{run['score']:.3f}" for run in runs)
        changed = (", ".join(f"{run['changed'][size]:.3f}" for run in runs) for size in sizes)
        rows.append((f"`{statistics}` (`{variant}`)", scores, *changed))
    return markdown_table(
        ("evaluated with", "best accuracy of each seed", *(f"changed, batches of {n}" for n in sizes)), rows
    )


def cora_table() -> str:
    """The winners of cora_gcn's two studies: over seeds, over folds, and on the test split."""
    rows = []
    for name, setting in (("cora", "transductive"), ("cora-inductive", "inductive")):
        record = read_cell(studies.RESULTS / f"{name}.json")
        for command, ranked in zip(record["commands"][1:], record["confirmed"], strict=True):
            winner, folds = ranked[0], "--folds" in command
            spread = Spread.of(winner["values"])
            test = "sealed" if folds else spread_of(record["test"])
            over = f"{spread.count} {'folds' if folds else 'seeds'}"
            rows.append((setting, over, winner["trial"], f"{spread.mean:.4f} ± {spread.std:.4f}", test))
    return markdown_table(("setting", "over", "winner", "validation", "test"), rows)


def epochs_table() -> str:
    """mnist_mlp_bn as published: our accuracy and the published one, by epoch."""
    record = read_cell(figures.RESULTS / "mnist_mlp_bn-published.json")
    ours = {
        (row["round"], row["figure"]): f"{row['ours']:.4f} ± {row['std']:.4f}" for row in record["figures"]
    }
    rows = [
        (
            index - 1,
            *(
                text
                for name in ("valid_score", "train_score")
                for text in (f"{given[name]:.4f}", ours[index, name])
            ),
        )
        for index, given in published_for(get_task("mnist_mlp_bn")).curve.items()
    ]
    return markdown_table(("epoch", "validation, published", "ours", "training, published", "ours"), rows)


def cora_runs_table() -> str:
    """cora_gcn's ten runs, with the model kept or a new one for each: scores after the last and after the first epoch."""
    curve = published_for(get_task("cora_gcn")).curve
    given = [figures["valid_score"] for figures in curve.values()]
    rows: list[Sequence[Any]] = [("published", *(f"{score:.3f}" for score in given), _plain_spread(given))]
    for variant, name in (("published", "model kept"), ("fresh", "`fresh`")):
        moments = read_cell(figures.RESULTS / f"cora_gcn-{variant}.json")["moments"]
        ends = [moments[str(index)] for index in curve]
        each = ", ".join(_plain_spread(runs) for runs in zip(*ends, strict=True))
        rows.append((name, *(f"{Spread.of(scores).mean:.3f}" for scores in ends), each))
        first = [Spread.of(moments[str(index - 199)]).mean for index in curve]
        rows.append((f"{name}, after the first epoch", *(f"{score:.3f}" for score in first), ""))
    numbers = (str(number) for number in range(1, len(given) + 1))
    return markdown_table(("", *numbers, "mean ± deviation of the ten"), rows)


def _plain_spread(values: Sequence[float]) -> str:
    spread = Spread.of(list(values))
    return f"{spread.mean:.3f} ± {spread.std:.3f}"


def _fate(run: Mapping[str, Any]) -> tuple[str, str]:
    dead = run["last"].get("dead_share")
    return ("" if dead is None else f"{dead:.0%}", run["label"])


BLOCKS: dict[str, Callable[[], str]] = {
    "studies": studies_table,
    "study-commands": study_commands,
    "mlp-steps": steps_table,
    "grid": grid_table,
    "collapse": course_table,
    "cures": cures_table,
    "batch-sizes": batch_sizes_table,
    "bn": epochs_table,
    "ablations": ablations_table,
    "pairs": pairs_table,
    "transfer": transfer_table,
    "cora": cora_table,
    "cora-runs": cora_runs_table,
    "label-changes": label_changes_table,
}


def with_tables(page: str) -> str:
    """docs/tasks.md with its tables. Raises FileNotFoundError if a cell is missing."""
    return with_blocks(page, BLOCKS)


def make(options: Sequence[str]) -> None:
    """Make all missing cells, and docs/figures.md."""
    for name in ("figures", "studies", "label_changes"):
        subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], check=True)
    (PAGE.parent / "figures.md").write_text("\n".join(figures.page()).rstrip() + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--make", action="store_true", help="First make the missing cells, and docs/figures.md."
    )
    wanted, options = parser.parse_known_args()
    if wanted.make:
        make(options)
    elif options:
        parser.error(f"{' '.join(options)} can only be used with --make")
    try:
        PAGE.write_text(with_tables(PAGE.read_text()))
    except FileNotFoundError as error:
        parser.exit(1, f"{error.filename} is missing: make it with --make.\n")


if __name__ == "__main__":
    main()
