"""`sweep new`: writes a file of training code that the user then edits."""

from __future__ import annotations

import click

from sweeps.cli.help import examples


@click.command(epilog=examples("sweep new train", "sweep new study --like optuna"))
@click.argument("name")
@click.option(
    "--like",
    default="pytorch",
    show_default=True,
    metavar="pytorch|lightning|optuna|sklearn",
    help="Library that the training code uses.",
)
def new(name: str, like: str) -> None:
    """Write NAME.py: training code that can be swept without any change.

    Put your own data and model into it. An existing file is never overwritten.
    """
    from sweeps.own_code.template import TEMPLATES, write_template
    from sweeps.settings import check_word

    check_word("--like", like, TEMPLATES)
    path = write_template(name, like)
    click.echo(f"Wrote {path}. It runs without any change:", err=True)
    click.echo(f"  sweep launch {path} --try    # train one round and show what it reported", err=True)
    click.echo(f"  sweep launch {path} -n 12    # run a study of 12 trials", err=True)
