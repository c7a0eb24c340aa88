"""`sweep diagnose`: explains how training runs ended; they come from a study or from a file of curves."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sweeps.cli.formats import cell, format_option, print_rows, storage_option
from sweeps.cli.help import examples
from sweeps.errors import UsageError

if TYPE_CHECKING:
    from sweeps.diagnosis.report import Diagnosed
    from sweeps.study.stored_study import Study

COLUMNS = ("trial", "label", "best_round", "halt_round", "reason", "saved", "because")


@click.command(
    epilog=examples(
        "sweep diagnose mnist_mlp-9ee03fc6 --plot pictures",
        "sweep diagnose mnist_mlp-9ee03fc6 12",
        "sweep diagnose --curves runs.csv --direction minimize",
    )
)
@click.argument("study", required=False)
@click.argument("trial", type=int, required=False)
@click.option(
    "--curves",
    "path",
    metavar="FILE",
    help="Diagnose these learning curves in place of a study: a CSV or JSON file of any framework, a folder of "
    "TensorBoard event files, or an Optuna database (docs/diagnosis.md).",
)
@click.option(
    "--columns",
    "named",
    metavar="FIGURE=NAME,…",
    help="Columns of the file, if their names don't tell what they are: train_loss=loss,valid_loss=val_loss.",
)
@click.option(
    "--direction",
    type=click.Choice(["maximize", "minimize"]),
    help="Whether a larger or a smaller score in the file is better. [default: guessed from its name, else maximize]",
)
@click.option(
    "--total-rounds",
    type=click.IntRange(min=1),
    help="Planned rounds of each trial in the file. [default: the rounds of its longest trial]",
)
@click.option(
    "--valid-rows",
    type=click.IntRange(min=1),
    help="Number of validation rows from which the scores in the file were computed. [default: unknown]",
)
@click.option("--chance", type=float, help="Score that a model reaches by guessing. [default: unknown]")
@click.option(
    "--rule",
    help="Also tell in which round this stop rule would have halted. [default: onset for a file; for a study, tell the "
    "recorded halts]",
)
@click.option(
    "--plot",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Draw a picture of each curve into this folder.",
)
@format_option
@storage_option
def diagnose(
    study: str | None,
    trial: int | None,
    path: str | None,
    named: str | None,
    direction: str | None,
    total_rounds: int | None,
    valid_rows: int | None,
    chance: float | None,
    rule: str | None,
    folder: Path | None,
    form: str,
    storage: str | None,
) -> None:
    """Explain how each trial of STUDY, or of a file of curves, ended.

    With TRIAL, explain only the trial of that number. The result also tells in which round the trial was halted. With
    --rule, or for a file, it tells in which round a stop rule that sees one round after the other would have halted it.
    """
    from sweeps.diagnosis.curve_files.reading import read_curves
    from sweeps.diagnosis.report import diagnose_file, diagnose_study
    from sweeps.study.stored_study import load

    if (study is None) == (path is None):
        raise UsageError("Give the name of a study, or a file of curves: --curves FILE.csv.")
    loaded = None
    if path is not None:
        file = read_curves(
            path,
            None if direction is None else "minimize" if direction == "minimize" else "maximize",
            valid_rows=valid_rows or 0,
            chance=math.nan if chance is None else chance,
            columns=_named_columns(named),
        )
        for note in file.notes:
            click.echo(note, err=True)
        metric, found = file.metric, diagnose_file(file, total_rounds=total_rounds, rule=rule or "onset")
    else:
        if given := [
            name
            for name, value in {
                "--columns": named,
                "--direction": direction,
                "--total-rounds": total_rounds,
                "--valid-rows": valid_rows,
                "--chance": chance,
            }.items()
            if value is not None
        ]:
            raise UsageError(f"{given[0]} can only be used with --curves: a study has this value recorded.")
        loaded = load(str(study), storage)
        metric, found = loaded.spec.metric, diagnose_study(loaded, trial, rule=rule)
    print_rows([each.record() for each in found], form, columns=COLUMNS)
    if form == "table":
        for advice, trials in _advised(found).items():
            click.echo(f"{cell(_trials_text(trials))}: {advice}", err=True)
            if loaded is not None and (command := _next(loaded, advice, trials)):
                click.echo(f"  Next: {command}", err=True)
    if folder is not None:
        from sweeps.diagnosis.plot import plot

        for each in found:
            plot(each, metric, folder)
        click.echo(f"Wrote {len(found)} pictures to {folder}.", err=True)


def _named_columns(said: str | None) -> dict[str, str]:
    """`train_loss=loss,valid_loss=val_loss` as a mapping. Raises UsageError."""
    parts = [part.partition("=") for part in (said or "").split(",") if part.strip()]
    for figure, equals, name in parts:
        if not (figure.strip() and equals and name.strip()):
            raise UsageError(
                f"--columns {said} can't be read. Write FIGURE=NAME, and a comma between two of them. Example: "
                "--columns train_loss=loss,valid_loss=val_loss"
            )
    return {figure.strip(): name.strip() for figure, _, name in parts}


def _next(study: Study, advice: str, trials: Sequence[str]) -> str | None:
    """The command that tries what the advice says."""
    from sweeps.report.next_command import command_for

    return command_for(study, study.table(), advice, [int(name) for name in trials])


def _trials_text(names: Sequence[str]) -> str:
    return f"trial{'s' * (len(names) > 1)} {', '.join(names)}"


def _advised(found: Sequence[Diagnosed]) -> dict[str, list[str]]:
    """Each advice with the names of the trials that it is for."""
    advised: dict[str, list[str]] = {}
    for each in found:
        if each.diagnosis.advice:
            advised.setdefault(each.diagnosis.advice, []).append(each.named.name)
    return advised
