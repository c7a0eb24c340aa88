"""`sweep report`: a study as one file that can be read offline and mailed."""

from __future__ import annotations

from pathlib import Path

import click

from sweeps.cli.formats import storage_option
from sweeps.cli.help import examples


@click.command(epilog=examples("sweep report mnist_mlp-9ee03fc6 -o report.html"))
@click.argument("study")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="HTML file to write; - for stdout. [default: report.html in the study's results folder]",
)
@storage_option
def report(study: str, output: Path | None, storage: str | None) -> None:
    """Write a report on STUDY: one HTML file that needs no network.

    It begins with the best trial, and how certain it is that this one is the best. Then it shows what to do next, the
    progress, the importance of each parameter, the training curves grouped by why the trials ended, halts, failures,
    and how to reproduce the study.
    """
    from objectives.checkpoints.atomic_write import write_whole
    from sweeps.errors import UsageError
    from sweeps.report.page.html import page_of
    from sweeps.report.study_report import study_report
    from sweeps.study.stored_study import load

    found = load(study, storage)
    page = page_of(study_report(found))
    if str(output) == "-":
        click.echo(page, nl=False)
        return
    path = output or found.out / "report.html"
    try:
        write_whole(path, page.encode())
    except OSError as error:
        raise UsageError(
            f"{path}: can't be written ({error.strerror}). Name another file with -o."
        ) from error
    click.echo(f"Wrote {path} ({len(page) / 1e6:.2g} MB). Open it in a browser.", err=True)
