"""`sweep logs`: what the code of trials has printed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from sweeps.cli.formats import format_option, print_rows, storage_option
from sweeps.cli.help import examples
from sweeps.printable import printable
from sweeps.trial.log_text import LogText, log_path

if TYPE_CHECKING:
    from sweeps.study.stored_study import Study

LOOK_SECONDS = 1.0


@click.command(
    epilog=examples(
        "sweep logs mnist_mlp-9ee03fc6",
        "sweep logs mnist_mlp-9ee03fc6 12",
        "sweep logs train-1a2b3c4d 12 --follow",
    )
)
@click.argument("study")
@click.argument("trial", type=click.IntRange(min=0), required=False)
@click.option(
    "--tail", "num_lines", type=click.IntRange(min=1), metavar="N", help="Show only the last N lines."
)
@click.option(
    "--follow", is_flag=True, help="Go on until the trial has ended, or the study does not run any more."
)
@format_option
@storage_option
def logs(
    study: str, trial: int | None, num_lines: int | None, follow: bool, form: str, storage: str | None
) -> None:
    """Show what the code of TRIAL has printed, to stdout and stderr.

    Without TRIAL: list the trials of STUDY that have printed something, with the last line of each. Of a long log, the
    beginning and the end are kept. With --runner inline, output of C libraries and child processes goes to the terminal
    only. The files stand in the folder of the study's results, on the machine that ran the study.
    """
    from sweeps.study.stored_study import load

    found = load(study, storage)
    if trial is None:
        _check_alone(num_lines, follow)
        _list(found, form)
        return
    if form != "table":
        raise click.UsageError(f"-f {form} lists trials, so it can't be used together with TRIAL.")
    found.trial(trial)  # raises if there is none
    shown = _read(found, trial)
    text = str(shown)
    click.echo(printable(text if num_lines is None else _last_lines(text, num_lines)), nl=False)
    if follow:
        shown = _follow(found, trial, shown)
    if not shown.length:
        click.echo(_nothing(found, trial), err=True)


def _check_alone(num_lines: int | None, follow: bool) -> None:
    """Raises UsageError for an option that needs a trial."""
    option = "--follow" if follow else "--tail" if num_lines is not None else None
    if option is not None:
        raise click.UsageError(f"{option} needs the number of a trial: sweep logs STUDY TRIAL {option}")


def _list(study: Study, form: str) -> None:
    rows: list[dict[str, Any]] = []
    for trial in study.all_trials():
        log = _read(study, trial.number)
        if log.length:
            lines = str(log).splitlines()
            rows.append(
                {
                    "trial": trial.number,
                    "state": trial.state,
                    "characters": log.length,
                    "last_line": printable(lines[-1]),
                    "file": str(log_path(study.out, trial.number)),
                }
            )
    columns = ("trial", "state", "characters", "last_line")
    print_rows(rows, form, columns=columns, empty=_nothing(study, None))


def _nothing(study: Study, trial: int | None) -> str:
    who = f"No trial of {study.name}" if trial is None else f"Trial {trial} of {study.name}"
    told = f"{who} has printed {'anything' if trial is None else 'nothing'}"
    if study.out.is_dir():
        return f"{told}."
    return f"{told}, or its log stands on another machine: there is no folder {study.out} here."


def _read(study: Study, number: int) -> LogText:
    """The log of a trial; empty if there is none."""
    try:
        return LogText.read(log_path(study.out, number).read_text("utf-8", "replace"))
    except OSError:
        return LogText()


def _last_lines(text: str, num: int) -> str:
    return "".join(text.splitlines(keepends=True)[-num:])


def _follow(study: Study, number: int, shown: LogText) -> LogText:
    """Print what is added, until the trial has ended or nobody runs its study; returns the whole log."""
    from storage.leases import holder

    while True:
        is_over = study.trial(number).is_finished or holder(study.database, study.row.study_id) is None
        latest = _read(study, number)
        if latest.length < shown.length:  # another study has this folder by now
            return latest
        click.echo(printable(latest.since(shown.length)), nl=False)
        shown = latest
        if is_over:
            return shown
        time.sleep(LOOK_SECONDS)
