"""`sweep tensorboard`, `sweep mlflow`, `sweep wandb`: write the trials of a study for other tracking tools."""

from __future__ import annotations

from pathlib import Path

import click

from sweeps.cli.formats import storage_option
from sweeps.cli.help import examples


@click.command(epilog=examples("sweep tensorboard mnist_mlp-9ee03fc6 -o runs", "tensorboard --logdir runs"))
@click.argument("study")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("runs"),
    show_default=True,
    help="Folder to write; it must be new or empty.",
)
@storage_option
def tensorboard(study: str, output: Path, storage: str | None) -> None:
    """Write the finished trials of STUDY as TensorBoard files.

    Each trial is a run with its training and validation curves, its parameters and why it ended.
    """
    from sweeps.report.exporters.tensorboard_files import write_events
    from sweeps.study.stored_study import load

    count = write_events(load(study, storage), output)
    click.echo(
        f"Wrote {_runs(count)} to {output}. To look: tensorboard --logdir {output}",
        err=True,
    )


@click.command(
    epilog=examples("sweep mlflow mnist_mlp-9ee03fc6", "mlflow ui --backend-store-uri sqlite:///mlflow.db")
)
@click.argument("study")
@click.option(
    "--tracking-uri",
    default="sqlite:///mlflow.db",
    show_default=True,
    metavar="URI",
    help="Database or server of MLflow.",
)
@click.option("--experiment", metavar="NAME", help="Experiment to create. [default: the study's name]")
@storage_option
def mlflow(study: str, tracking_uri: str, experiment: str | None, storage: str | None) -> None:
    """Write the finished trials of STUDY as runs of an MLflow experiment.

    Each trial is a run with its training and validation curves, its parameters and why it ended.
    """
    from sweeps.report.exporters.mlflow_runs import write_runs
    from sweeps.study.stored_study import load

    count = write_runs(load(study, storage), tracking_uri, experiment)
    click.echo(
        f"Wrote {_runs(count)} to {tracking_uri}. To look: mlflow ui --backend-store-uri {tracking_uri}",
        err=True,
    )


@click.command(
    epilog=examples(
        "sweep wandb mnist_mlp-9ee03fc6 -o wandb-runs", "wandb sync wandb-runs/wandb/offline-run-*"
    )
)
@click.argument("study")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("wandb-runs"),
    show_default=True,
    help="Folder to write; it must be new or empty.",
)
@storage_option
def wandb(study: str, output: Path, storage: str | None) -> None:
    """Write the finished trials of STUDY as offline runs of Weights & Biases.

    Nothing is sent: `wandb sync` does that. Each trial is a run with its training and validation curves, its parameters
    and why it ended.
    """
    from sweeps.report.exporters.wandb_runs import write_offline_runs
    from sweeps.study.stored_study import load

    count = write_offline_runs(load(study, storage), output)
    click.echo(
        f"Wrote {_runs(count)} to {output}. To send: wandb sync {output}/wandb/offline-run-*", err=True
    )


def _runs(count: int) -> str:
    return f"{count} {'run' if count == 1 else 'runs'}"
