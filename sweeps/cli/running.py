"""Commands that run studies: launch, resume, stop, delete."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sweeps.cli.formats import cell, storage_option
from sweeps.cli.help import (
    BUDGET,
    DATA,
    OTHER,
    RESULTS,
    SEARCH,
    SPACE,
    WHERE_IT_RUNS,
    GroupedCommand,
    examples,
    option,
)
from sweeps.cli.run_options import ResumeCommand, given_options, notify_option, run_options
from sweeps.samplers.by_name import SAMPLERS

if TYPE_CHECKING:
    from search_spaces import Space
    from sweeps.launching import Watcher
    from sweeps.sweep import Result

_PATH = click.Path(path_type=Path)


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "sweep launch mnist_mlp --data mnist-5k -n 16 --rounds 40 --out demo",
        "sweep launch train.py lr=1e-5..1e-1:log optimizer=adam,sgd",
        "sweep launch mnist_mlp optimizer=adam dropout=0..0.3",
        "sweep launch mnist_mlp --space my_space.yaml --sampler grid",
        "sweep launch mnist_mlp --parallelism 16 --trials-per-gpu 16",
        "sweep launch cifar10_cnn --workers 4 --gpus-per-trial 0.25",
    ),
)
@click.argument("task")
@click.argument("overrides", nargs=-1, metavar="[key=value | key=a,b | key=lo..hi]...")
@option(
    "--space", type=_PATH, group=SPACE, help="YAML file with your search space. [default: the task's own]"
)
@option(
    "--space-from",
    metavar="STUDY",
    group=SPACE,
    help="Search the space of a stored study, with its fixed parameters.",
)
@option(
    "--enqueue",
    type=_PATH,
    multiple=True,
    group=SPACE,
    help="Try the values of this best.yaml first, right after the task's defaults. May be given several times.",
)
@option(
    "--warm-start",
    metavar="STUDY",
    group=SEARCH,
    help="Begin with the trials of an older study of the same metric. If its task, data set or number of rounds is "
    "another, its trials are only hints: the best five are tried first.",
)
@option(
    "--sampler",
    default="tpe",
    show_default=True,
    metavar="|".join(SAMPLERS),
    group=SEARCH,
    help="Method that proposes the parameters of each trial.",
)
@option("--seed", type=int, default=0, show_default=True, group=SEARCH, help="Random seed of the study.")
@option(
    "--parallelism",
    type=int,
    default=4,
    show_default=True,
    group=SEARCH,
    help="How many trials may run at once. The results depend on this number, not on --workers.",
)
@option(
    "--rounds", type=int, group=BUDGET, help="Largest number of rounds of a trial. [default: the task's own]"
)
@option(
    "--stop-rule",
    default="onset",
    show_default=True,
    metavar="RULE",
    group=BUDGET,
    help="Rule that halts a trial before its last round. onset looks at the trial alone. study and eager, and Optuna's "
    "median, percentile, halving, hyperband and patient, also compare it with other trials. none halts no trial.",
)
@option(
    "--repeats",
    type=int,
    default=1,
    show_default=True,
    metavar="K",
    group=SEARCH,
    help="Train each configuration K times, from K seeds. Its value is the mean of the K trials. -n is the number of "
    "configurations.",
)
@option(
    "--folds",
    type=int,
    metavar="K",
    group=SEARCH,
    help="Train each configuration over K folds of the training and validation rows. Its value is the mean of "
    "the folds. If its first folds are hopeless, the other folds are not trained.",
)
@option(
    "--schedule",
    default="full",
    show_default=True,
    metavar="full|thaw",
    group=BUDGET,
    help="Rule that chooses which trial is trained next. full trains each trial to its end. thaw pauses trials after "
    "a part of their rounds, and continues the most promising ones.",
)
@option("--data", group=DATA, help="Name of the data set. [default: the best one that is available]")
@option("--train-rows", type=int, group=DATA, help="Train on at most this many rows. [default: all]")
@option("--valid-rows", type=int, group=DATA, help="Validate on at most this many rows. [default: all]")
@option(
    "--cpus-per-trial",
    type=int,
    default=1,
    show_default=True,
    group=WHERE_IT_RUNS,
    help="Number of CPU cores of a trial.",
)
@option(
    "--gpus-per-trial",
    type=float,
    group=WHERE_IT_RUNS,
    help="Number of GPUs of a trial. With 0.25, four trials share a GPU. [default: 1 if there is a GPU, else 0]",
)
@option(
    "--study",
    group=RESULTS,
    help="Name of the study. [default: the task's name and the start of the specification's fingerprint]",
)
@option(
    "--lr-range",
    "is_range_tested",
    is_flag=True,
    group=SPACE,
    help="First run a learning-rate range test (`sweep lr`), and search only the range that it suggests.",
)
@option("--dry-run", is_flag=True, group=OTHER, help="Show what would be done, and do nothing.")
@option(
    "--try",
    "is_tried",
    is_flag=True,
    group=OTHER,
    help="A dry run that also trains one round of the first trial here, and shows what it reported.",
)
@notify_option
@run_options
def launch(
    task: str,
    overrides: tuple[str, ...],
    space: Path | None,
    space_from: str | None,
    study: str | None,
    is_range_tested: bool,
    dry_run: bool,
    is_tried: bool,
    storage: str | None,
    notify: str | None,
    **options: Any,
) -> None:
    """Run a study of TASK and export its best configuration.

    TASK is the name of a task, or your own code: FILE.py, FILE.py:NAME or package.module:NAME. That may be a function
    decorated with @sweeps.objective, an Optuna objective or a Task class. Use key=value to fix a parameter: it is no
    longer searched. Use key=lo..hi, key=lo..hi:log or key=a,b,c to change its range. To continue a study, launch the
    same specification again.
    """
    from sweeps import sweep as sweeping
    from sweeps.cli.terminal import announcement, make_console
    from sweeps.settings import RunSettings, StudySettings

    names = (
        "rounds",
        "sampler",
        "stop_rule",
        "schedule",
        "seed",
        "parallelism",
        "cpus_per_trial",
        "gpus_per_trial",
        "data",
        "train_rows",
        "valid_rows",
        "repeats",
        "folds",
        "warm_start",
    )
    settings = StudySettings(
        task=task,
        overrides=overrides,
        space=space if space_from is None else _space_of(space_from, space, storage),
        enqueue=tuple(options.pop("enqueue")),
        **{name: options.pop(name) for name in names},
    )
    run = RunSettings(**given_options(options))
    if is_range_tested:
        settings = _with_tested_range(settings, run, storage, is_dry=dry_run or is_tried)
    if dry_run or is_tried:
        planned, there = sweeping.preview(settings, run, study=study, storage=storage)
        console = make_console()
        console.print(announcement(planned, there), markup=False)
        if is_tried:
            from sweeps.cli.trying import tried_text

            console.print(tried_text(planned), markup=False)
        console.print("(dry run: nothing is written)", markup=False)
        return
    watched(
        lambda watcher: sweeping.launch(settings, run, study=study, storage=storage, watcher=watcher), notify
    )


def _space_of(study: str, given: Path | None, storage: str | None) -> Space:
    """The space of a stored study. Raises UsageError if it has none, or if a file is given, too."""
    from sweeps.errors import UsageError
    from sweeps.study.stored_study import load

    if given is not None:
        raise UsageError("--space and --space-from both name a space. Leave out one of the two.")
    spec = load(study, storage).spec
    if spec.is_open:
        raise UsageError(
            f"--space-from {study}: the code of an Optuna objective sets its ranges, so the study has no space."
        )
    return spec.space


@click.command(
    cls=ResumeCommand,
    epilog=examples("sweep resume mnist_mlp-9ee03fc6", "sweep resume mnist_mlp-9ee03fc6 -n 40 --workers 4"),
)
@click.argument("study")
@option(
    "--force",
    is_flag=True,
    group=OTHER,
    help="Continue even if something has changed that can change results, such as the version of torch.",
)
@notify_option
@run_options
def resume(study: str, force: bool, storage: str | None, notify: str | None, **options: Any) -> None:
    """Continue STUDY where it ended.

    Options that you do not give keep their earlier values.
    """
    from sweeps import sweep as sweeping

    changes = given_options(options)
    watched(
        lambda watcher: sweeping.resume(study, changes, storage=storage, force=force, watcher=watcher), notify
    )


@click.command(epilog=examples("sweep stop mnist_mlp-9ee03fc6", "sweep stop mnist_mlp-9ee03fc6 --now"))
@click.argument("study")
@click.option("--now", is_flag=True, help="Pause the running trials instead of waiting for their end.")
@storage_option
def stop(study: str, now: bool, storage: str | None) -> None:
    """End the run of STUDY, even if it was started in another terminal or on another machine.

    Running trials are trained to their end, and no new ones start.
    """
    from storage.leases import LEASE_SECONDS, answers, holder
    from storage.requests import request_stop
    from sweeps.study.stored_study import load

    found = load(study, storage)
    driver = holder(found.database, found.row.study_id)
    if driver is None:
        again = f"sweep resume {study}{found.storage_option}"
        click.echo(f"{study} is not running, so there is nothing to stop. To continue it: {again}", err=True)
        return
    request_stop(found.database, found.row.study_id, now=now)
    if not answers(found.database, found.row.study_id):
        silent = f"it has not responded for {LEASE_SECONDS:g} s. It is dead, or suspended and ends when it is resumed."
        again = f"To continue the study now: sweep resume {study}{found.storage_option}"
        click.echo(f"{cell(driver)} was asked to stop, but {silent} {again}", err=True)
        return
    how = "pauses its running trials" if now else "ends when its running trials have ended"
    click.echo(f"{cell(driver)} was asked to stop: it {how}.", err=True)


@click.command(epilog=examples("sweep delete mnist_mlp-9ee03fc6", "sweep delete mnist_mlp-9ee03fc6 --yes"))
@click.argument("study")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@storage_option
def delete(study: str, yes: bool, storage: str | None) -> None:
    """Delete STUDY with its trials, rounds, weights and best.yaml, and with its confirmations and audits."""
    from sweeps.driver.results_folder import delete_with_results
    from sweeps.study.stored_study import load, repeats_of

    found = load(study, storage)
    repeats = repeats_of(found)
    also = f", and {', '.join(each.name for each in repeats)}" if repeats else ""
    if not yes and not click.confirm(f"Delete {study} with {found.num_trials} trials{also}?", err=True):
        click.echo("Nothing was deleted.", err=True)
        return
    for each in [*repeats, found]:
        delete_with_results(each)
    click.echo(f"Deleted {study}{also}.", err=True)


def _with_tested_range(settings: Any, run: Any, storage: str | None, *, is_dry: bool) -> Any:
    """The settings with the range that a range test suggests. Runs the test unless its result is stored."""
    from sweeps.cli.progress import watching
    from sweeps.cli.terminal import make_console
    from sweeps.errors import UsageError
    from sweeps.guidance.narrowed import after_rate_test

    if is_dry:
        raise UsageError(
            "--lr-range needs the result of a range test: leave out --dry-run and --try, or run sweep lr first."
        )
    console = make_console()
    with watching(console) as watcher:
        narrowed = after_rate_test(settings, run, storage=storage, watcher=watcher)
    for name, found in narrowed.guidance.items():
        console.print(
            f"\n{name} is searched from {found['low']:g} to {found['high']:g}, by {found['study']}.\n",
            markup=False,
        )
    return narrowed


def watched(run: Callable[[Watcher], Result], notify: str | None = None) -> None:
    """Run a study, show its progress in the terminal, and print its best trials at the end.

    notify: an address to which the end of the run is posted, or None. Raises an error if the run did not succeed; its
    exit code is that of the command.
    """
    from sweeps.cli.notification import notified
    from sweeps.cli.progress import watching
    from sweeps.cli.terminal import make_console, print_result

    console = make_console()
    with notified(run, notify, console.print) as notifying_run, watching(console) as watcher:
        result = notifying_run(watcher)
    print_result(console, result)
    result.raise_for_ending()
