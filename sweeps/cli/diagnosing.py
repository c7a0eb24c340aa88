"""`sweep diagnose`: what became of training runs, of a study or of a file of curves from anywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sweeps.cli.formats import format_option, print_rows, storage_option
from sweeps.errors import UsageError

if TYPE_CHECKING:
    from sweeps.diagnosis.report import Diagnosed

COLUMNS = ("trial", "label", "best_round", "halt_round", "reason", "saved", "because")


@click.command()
@click.argument("study", required=False)
@click.argument("trial", type=int, required=False)
@click.option(
    "--curves",
    "path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A CSV file: trial, round, train_loss, valid_loss, and more (docs/diagnosis.md).",
)
@click.option(
    "--direction",
    type=click.Choice(["maximize", "minimize"]),
    help="Of the file's scores. [default: maximize]",
)
@click.option(
    "--total-rounds",
    type=click.IntRange(min=1),
    help="What the file's trials were to have. [default: the longest]",
)
@click.option(
    "--valid-rows", type=click.IntRange(min=1), help="Rows behind a score of the file, where known."
)
@click.option(
    "--chance", type=float, help="The file's score of a model that has learnt nothing, where known."
)
@click.option("--rule", default="onset", show_default=True, help="Where this stop rule would have halted.")
@click.option(
    "--plot", "folder", type=click.Path(path_type=Path, file_okay=False), help="Draw each curve here."
)
@format_option
@storage_option
def diagnose(
    study: str | None,
    trial: int | None,
    path: Path | None,
    direction: str | None,
    total_rounds: int | None,
    valid_rows: int | None,
    chance: float | None,
    rule: str,
    folder: Path | None,
    form: str,
    storage: str | None,
) -> None:
    """Say of each trial of STUDY, or of each curve of a file, what it died of.

    And where a stop rule, seeing one round at a time, would have halted it.
    """
    from sweeps.diagnosis.curve_file import read_curves
    from sweeps.diagnosis.report import diagnose_file, diagnose_study
    from sweeps.study.stored_study import load

    if (study is None) == (path is None):
        raise UsageError("Name a study, or a file with --curves FILE.csv.")
    if path is not None:
        file = read_curves(
            path,
            "minimize" if direction == "minimize" else "maximize",
            valid_rows=valid_rows or 0,
            chance=math.nan if chance is None else chance,
        )
        metric, found = file.metric, diagnose_file(file, total_rounds=total_rounds, rule=rule)
    else:
        if given := [
            name
            for name, value in {
                "--direction": direction,
                "--total-rounds": total_rounds,
                "--valid-rows": valid_rows,
                "--chance": chance,
            }.items()
            if value is not None
        ]:
            raise UsageError(f"{given[0]} goes with --curves: a study knows it.")
        loaded = load(str(study), storage)
        metric, found = loaded.spec.metric, diagnose_study(loaded, trial, rule=rule)
    print_rows([each.record() for each in found], form, columns=COLUMNS)
    if form == "table":
        for advice, trials in _advised(found).items():
            click.echo(f"{trials}: {advice}", err=True)
    if folder is not None:
        from sweeps.diagnosis.plot import plot

        for each in found:
            plot(each, metric, folder)
        click.echo(f"{len(found)} pictures in {folder}", err=True)


def _advised(found: Sequence[Diagnosed]) -> dict[str, str]:
    """The trials that each advice is given for."""
    advised: dict[str, list[str]] = {}
    for each in found:
        if each.diagnosis.advice:
            advised.setdefault(each.diagnosis.advice, []).append(each.named.name)
    return {advice: f"trial{'s' * (len(names) > 1)} {', '.join(names)}" for advice, names in advised.items()}
