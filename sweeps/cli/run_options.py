"""The options of all commands that run trials: numbers of trials, limits, machines, and which results are kept."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click

from sweeps.cli.formats import storage_option
from sweeps.cli.help import (
    BUDGET,
    DATA,
    RESULTS,
    WHERE_IT_RUNS,
    GroupedCommand,
    option,
)

_PATH = click.Path(path_type=Path)


def _applied(options: list[Any], command: Any) -> Any:
    for each in reversed(options):
        command = each(command)
    return storage_option(command)


_TOTALS = [
    option(
        "-n",
        "--n-trials",
        "num_trials",
        type=int,
        group=BUDGET,
        help="Total number of trials. With --repeats or --folds, the number of configurations. "
        "[default: 20; for a grid, all its cells]",
    ),
    option(
        "--target",
        type=float,
        group=BUDGET,
        help="End the study at the first trial (by number) whose metric reaches this value.",
    ),
    option(
        "--keep-weights",
        metavar="top:K|all|none",
        group=RESULTS,
        help="Keep the best weights of the K best trials, of all trials, or of none. [default: top:5]",
    ),
]
_RUNNING = [
    option(
        "--timeout",
        "timeout_seconds",
        type=float,
        metavar="SECONDS",
        group=BUDGET,
        help="After SECONDS, start no new trials and pause the running ones.",
    ),
    option(
        "--trial-timeout",
        "trial_timeout_seconds",
        type=float,
        metavar="SECONDS",
        group=BUDGET,
        help="Kill a trial that takes longer than SECONDS, and record it as failed.",
    ),
    option(
        "--start-timeout",
        "start_timeout_seconds",
        type=float,
        metavar="SECONDS",
        group=BUDGET,
        help="End the run if Ray has no room for any worker for SECONDS, or if a worker needs longer than SECONDS to "
        "load its code and data. "
        "[default: 600]",
    ),
    option(
        "--max-failures",
        type=int,
        group=BUDGET,
        metavar="N",
        help="End the study after N failed trials in a row. Also end it when at least N trials, and at least a quarter "
        "of all planned trials, have failed. [default: 3]",
    ),
    option(
        "--workers",
        type=int,
        group=WHERE_IT_RUNS,
        help="Number of trials that run at once, at most --parallelism. "
        "[default: as many as this machine has room for]",
    ),
    option(
        "--trials-per-gpu",
        metavar="N|auto",
        group=WHERE_IT_RUNS,
        help="Train up to N trials at the same time in one process on each GPU. This changes no result. auto chooses N "
        "by the memory that the first trial needs, and prints it. N is at most --parallelism. [default: 1]",
    ),
    option(
        "--runner",
        metavar="ray|inline",
        group=WHERE_IT_RUNS,
        help="Train in Ray workers (ray) or in this process (inline). An inline run cannot kill a trial that hangs, "
        "and a trial that runs out of memory ends the whole run. [default: ray]",
    ),
    option(
        "--address",
        metavar="HOST:PORT|auto|local",
        group=WHERE_IT_RUNS,
        help="Train on the Ray cluster at this address. "
        "[default: RAY_ADDRESS, else local: Ray is started on this machine]",
    ),
    option(
        "--mixed-hardware/--same-hardware",
        default=None,
        group=WHERE_IT_RUNS,
        help="Allow or refuse cluster nodes that differ in ways that can change results. [default: refuse]",
    ),
    option(
        "--checkpoint-every",
        "checkpoint_seconds",
        type=float,
        metavar="SECONDS",
        group=WHERE_IT_RUNS,
        help="Save the state of each running trial every SECONDS. After a crash, trials continue from it. "
        "[default: 60]",
    ),
    option(
        "--data-dir",
        type=_PATH,
        group=DATA,
        help="Folder of the data sets. Missing ones are downloaded into it. "
        "[default: SWEEP_DATA_DIR, else your cache folder]",
    ),
    option(
        "--out",
        type=_PATH,
        group=RESULTS,
        help="Folder for best.yaml and weights. [default: a folder inside your data folder]",
    ),
]


notify_option = option(
    "--notify",
    metavar="URL",
    envvar="SWEEP_NOTIFY",
    group=RESULTS,
    help="Post a small JSON object to this address when the run ends, and when many trials fail or break down. The "
    "address is not stored. [default: SWEEP_NOTIFY, else none]",
)


def run_options(command: Any) -> Any:
    """Add the options on how a study is run. None of them changes its results."""
    return _applied([*_TOTALS, *_RUNNING], command)


class ResumeCommand(GroupedCommand):
    """A command that continues a study: an option that is not given keeps its earlier value, so it has no default."""

    def __init__(self, *arguments: Any, **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        given = click.Command("given")
        for each in (*_TOTALS, *_RUNNING):
            each(given)
        stored = {parameter.name for parameter in given.params}
        for parameter in self.params:
            if isinstance(parameter, click.Option) and parameter.help and parameter.name in stored:
                parameter.help = re.sub(r" \[default: [^]]*\]$", "", parameter.help)


def repeat_options(command: Any) -> Any:
    """Add the run options for commands that train given trials again."""
    return _applied(_RUNNING, command)


def given_options(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, in the form that RunSettings takes; paths are absolute strings."""
    return {
        name: str(value.expanduser().resolve()) if isinstance(value, Path) else value
        for name, value in options.items()
        if value is not None
    }
