"""Commands that extend a study: add (a trial by hand), branch (a new study with another space)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sweeps.cli.formats import cell, storage_option
from sweeps.cli.help import OTHER, RESULTS, GroupedCommand, examples, option
from sweeps.cli.run_options import given_options, run_options
from sweeps.cli.running import watched

if TYPE_CHECKING:
    from sweeps.settings import RunSettings


@click.command(epilog=examples("sweep add mnist_mlp-9ee03fc6 learning_rate=0.003 hidden_width=512"))
@click.argument("study")
@click.argument("values", nargs=-1, required=True, metavar="key=value...")
@storage_option
def add(study: str, values: tuple[str, ...], storage: str | None) -> None:
    """Add a trial to STUDY by hand, also while it is running.

    A parameter that you do not name has its default. The next new trial has these values. It does not count towards -n,
    and the study records its number. The values must lie in the study's space.
    """
    from storage.additions import request_addition
    from storage.leases import holder
    from sweeps.study.adding import point_to_add
    from sweeps.study.stored_study import load

    found = load(study, storage)
    point = point_to_add(found, values)
    request_addition(found.database, found.row.study_id, point)
    click.echo(f"Added to {study}: {cell(point)}", err=True)
    driver = holder(found.database, found.row.study_id)
    if driver is None:
        click.echo(f"To train it: {found.command('resume')}", err=True)
    else:
        click.echo(
            f"{cell(driver)} takes it as its next new trial. If that run ends before: {found.command('resume')}",
            err=True,
        )


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "sweep branch mnist_mlp-9ee03fc6 learning_rate=1e-4..1e-1:log",
        "sweep branch mnist_mlp-9ee03fc6 optimizer=adam dropout=0..0.3 -n 40",
    ),
)
@click.argument("older", metavar="STUDY")
@click.argument("overrides", nargs=-1, required=True, metavar="[key=value | key=a,b | key=lo..hi]...")
@option(
    "--study",
    "name",
    group=RESULTS,
    help="Name of the new study. [default: the task's name and the start of the specification's fingerprint]",
)
@option("--dry-run", is_flag=True, group=OTHER, help="Show what would be done, and do nothing.")
@run_options
def branch(
    older: str,
    overrides: tuple[str, ...],
    name: str | None,
    dry_run: bool,
    storage: str | None,
    **options: Any,
) -> None:
    """Run a new study from STUDY with another space.

    The trials of STUDY that still fit are copied into the new study as observations, which its sampler sees from the
    start. The others are listed. STUDY itself does not change. Options that only say where and how the trials run keep
    the values of STUDY unless you give them.
    """
    from sweeps import paths
    from sweeps.cli.terminal import announcement, make_console
    from sweeps.launching import launch_of
    from sweeps.settings import RunSettings, check_study_name
    from sweeps.study.branch import plan_branch
    from sweeps.study.stored_study import load
    from sweeps.sweep import run_planned

    if name is not None:
        check_study_name(name)
    found = load(older, storage)
    run = RunSettings(**_as_before(found.run, given_options(options)))
    planned = plan_branch(
        found, overrides, paths.data_root(run.data_dir), gpus_elsewhere=run.cluster is not None
    )
    study = name or f"{planned.spec.task.name}-{planned.spec.fingerprint[:8]}"
    if dry_run:
        launching = launch_of(planned, run, study, storage)
        make_console().print(
            announcement(launching, None), "(dry run: nothing is written)", sep="\n", markup=False
        )
        return
    watched(lambda watcher: run_planned(planned, run, study=study, storage=storage, watcher=watcher))


def _as_before(run: RunSettings, given: dict[str, Any]) -> dict[str, Any]:
    """Run settings of the new study: those of `run` that are named in `_KEPT`, replaced by the `given` options.

    The number of trials, the folder and the limits of the older study are not kept.
    """
    kept = {name: getattr(run, name) for name in _KEPT}
    if given.get("runner", run.runner) != run.runner:
        kept["workers"] = None
    return {**kept, **given}


_KEPT = (
    *(
        "task",
        "data_dir",
        "runner",
        "workers",
        "address",
        "mixed_hardware",
        "keep_weights",
        "checkpoint_seconds",
    ),
    "max_failures",
)
