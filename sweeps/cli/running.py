"""Commands that run studies: launch, resume, stop, delete."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sweeps.cli.formats import storage_option
from sweeps.samplers.by_name import SAMPLERS

if TYPE_CHECKING:
    from sweeps.launching import Watcher
    from sweeps.sweep import Result

_PATH = click.Path(path_type=Path)


def _applied(options: list[Any], command: Any) -> Any:
    for option in reversed(options):
        command = option(command)
    return storage_option(command)


_TOTALS = [
    click.option(
        "-n",
        "--n-trials",
        "num_trials",
        type=int,
        help="Trials in total. [default: 20; all cells of a grid]",
    ),
    click.option("--target", type=float, help="End at the first trial, by number, that reaches this metric."),
    click.option(
        "--keep-weights",
        metavar="top:K|all|none",
        help="Of which trials the best round's weights are kept. [default: top:5]",
    ),
]
_RUNNING = [
    click.option(
        "--timeout",
        "timeout_seconds",
        type=float,
        metavar="SECONDS",
        help="After SECONDS, start no new trials and pause the running ones.",
    ),
    click.option(
        "--workers",
        type=int,
        help="Trials at once. [default: what the machine can place, at most --parallelism]",
    ),
    click.option(
        "--runner",
        metavar="ray|inline",
        help="inline trains in this process: it can neither kill a trial that hangs nor survive one that "
        "runs out of memory. [default: ray]",
    ),
    click.option(
        "--address",
        metavar="HOST:PORT|auto|local",
        help="Train on the Ray cluster with this address. [default: RAY_ADDRESS, else local: a Ray of our own]",
    ),
    click.option(
        "--mixed-hardware/--same-hardware",
        default=None,
        help="Whether the cluster's nodes may differ in ways that can alter figures. [default: they may not]",
    ),
    click.option(
        "--trial-timeout",
        "trial_timeout_seconds",
        type=float,
        metavar="SECONDS",
        help="Fail a trial that takes longer, and kill its worker.",
    ),
    click.option(
        "--max-failures",
        type=int,
        help="End after so many failed trials in a row (or a quarter of all). [default: 3]",
    ),
    click.option(
        "--checkpoint-every",
        "checkpoint_seconds",
        type=float,
        metavar="SECONDS",
        help="How often a running trial's state is kept, to continue from after a crash. [default: 60]",
    ),
    click.option(
        "--data-dir",
        type=_PATH,
        help="Where data sets are looked for and put. [default: SWEEP_DATA_DIR, else your cache folder]",
    ),
    click.option(
        "--out", type=_PATH, help="Folder for best.yaml and weights. [default: in your data folder]"
    ),
]


def run_options(command: Any) -> Any:
    """Options on how a study is run: they decide none of its figures."""
    return _applied([*_TOTALS, *_RUNNING], command)


def repeat_options(command: Any) -> Any:
    """Those of them that make sense where the trials are given."""
    return _applied(_RUNNING, command)


@click.command()
@click.argument("task")
@click.argument("overrides", nargs=-1, metavar="[key=value | key=lo..hi]...")
@click.option("--space", type=_PATH, help="A search space of your own (YAML). [default: the task's]")
@click.option(
    "--study", help="The study's name. [default: the task and the start of the specification's fingerprint]"
)
@click.option("--rounds", type=int, help="Budget of a trial. [default: the task's]")
@click.option("--sampler", default="tpe", show_default=True, metavar="|".join(SAMPLERS))
@click.option(
    "--stop-rule",
    default="onset",
    show_default=True,
    metavar="RULE",
    help="When a trial is halted: onset, none; or, relative to the study, study, eager, or Optuna's median, "
    "percentile, halving, hyperband, patient.",
)
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--parallelism",
    type=int,
    default=4,
    show_default=True,
    help="Trial n is decided by trials 0 … n - parallelism.",
)
@click.option("--cpus-per-trial", type=int, default=1, show_default=True)
@click.option(
    "--gpus-per-trial", type=float, help="May be a fraction. [default: 1 where CUDA is at hand, else 0]"
)
@click.option(
    "--enqueue",
    type=_PATH,
    multiple=True,
    help="Start from this best.yaml, after the defaults. May be repeated.",
)
@click.option("--data", help="The data set. [default: the best that is at hand]")
@click.option("--train-rows", type=int, help="Train on so many rows at most. [default: all]")
@click.option("--valid-rows", type=int, help="Validate on so many rows at most. [default: all]")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@run_options
def launch(
    task: str,
    overrides: tuple[str, ...],
    space: Path | None,
    study: str | None,
    dry_run: bool,
    storage: str | None,
    **options: Any,
) -> None:
    """Run a study of TASK to its exported best configuration.

    key=value fixes a parameter and takes it out of the search; key=lo..hi changes its range. Launching the
    same specification again continues the study.
    """
    from sweeps import sweep as sweeping
    from sweeps.cli.terminal import announcement, make_console
    from sweeps.settings import RunSettings, StudySettings

    names = (
        "rounds",
        "sampler",
        "stop_rule",
        "seed",
        "parallelism",
        "cpus_per_trial",
        "gpus_per_trial",
        "data",
        "train_rows",
        "valid_rows",
    )
    settings = StudySettings(
        task=task,
        overrides=overrides,
        space=space,
        enqueue=tuple(options.pop("enqueue")),
        **{name: options.pop(name) for name in names},
    )
    run = RunSettings(**given_options(options))
    if dry_run:
        planned, there = sweeping.preview(settings, run, study=study, storage=storage)
        text = announcement(planned, there)
        make_console().print(text, "(dry run: nothing is written)", sep="\n", markup=False)
        return
    watched(lambda watcher: sweeping.launch(settings, run, study=study, storage=storage, watcher=watcher))


@click.command()
@click.argument("study")
@click.option("--force", is_flag=True, help="Go on although something that can alter figures has changed.")
@run_options
def resume(study: str, force: bool, storage: str | None, **options: Any) -> None:
    """Continue STUDY where it was; options not given stay as they were."""
    from sweeps import sweep as sweeping

    changes = given_options(options)
    watched(lambda watcher: sweeping.resume(study, changes, storage=storage, force=force, watcher=watcher))


@click.command()
@click.argument("study")
@click.option("--now", is_flag=True, help="Pause the running trials instead of waiting for them.")
@storage_option
def stop(study: str, now: bool, storage: str | None) -> None:
    """Ask the driver of STUDY to end, wherever it runs."""
    from storage.leases import LEASE_SECONDS, answers, holder
    from storage.requests import request_stop
    from sweeps.study.stored_study import load

    found = load(study, storage)
    driver = holder(found.database, found.row.study_id)
    if driver is None:
        again = f"sweep resume {study}{found.storage_option}"
        click.echo(f"Nobody drives {study}: nothing to stop. Go on with: {again}", err=True)
        return
    request_stop(found.database, found.row.study_id, now=now)
    if not answers(found.database, found.row.study_id):
        silent = f"It has not answered for {LEASE_SECONDS:g} s: it is gone, or asleep, and is to end when it wakes up."
        again = f"Another may take over: sweep resume {study}{found.storage_option}"
        click.echo(f"Asked {driver}. {silent} {again}", err=True)
        return
    how = "pauses its running trials" if now else "ends when its running trials have ended"
    click.echo(f"Asked {driver}: it {how}.", err=True)


@click.command()
@click.argument("study")
@click.option("--yes", is_flag=True, help="Don't ask.")
@storage_option
def delete(study: str, yes: bool, storage: str | None) -> None:
    """Delete STUDY: its trials, rounds, weights and best.yaml."""
    from storage.leases import acquire
    from storage.outcomes import read_outcomes
    from storage.studies import delete_study
    from sweeps.driver.results_folder import remove_results
    from sweeps.study.stored_study import load

    found = load(study, storage)
    numbers = [trial.number for trial in read_outcomes(found.database, found.row.study_id)]
    if not yes and not click.confirm(f"Delete {study} with {len(numbers)} trials?", err=True):
        click.echo("Nothing was deleted.", err=True)
        return
    lease = acquire(found.database, found.row.study_id)
    try:
        delete_study(lease, lambda: remove_results(found, numbers))
    finally:
        lease.release()
    click.echo(f"Deleted {study}.", err=True)


def given_options(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, as settings take them."""
    return {
        name: str(value.expanduser().resolve()) if isinstance(value, Path) else value
        for name, value in options.items()
        if value is not None
    }


def watched(run: Callable[[Watcher], Result]) -> None:
    """Run a study under the eyes of the terminal, which shows its best at the end; raises what it exits with."""
    from sweeps.cli.terminal import make_console, print_result, watching

    console = make_console()
    with watching(console) as watcher:
        result = run(watcher)
    print_result(console, result)
    result.raise_for_ending()
