"""Commands to use before a study: lr (learning rates to search), batch (batch sizes), check (is training sane?)."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from sweeps.cli.formats import cell, format_option, given_command, print_rows, to_json
from sweeps.cli.help import (
    BUDGET,
    DATA,
    RESULTS,
    SEARCH,
    SPACE,
    WHERE_IT_RUNS,
    GroupedCommand,
    examples,
    option,
)
from sweeps.cli.run_options import given_options, repeat_options

_PATH = click.Path(path_type=Path)
_DATA_DIR = option(
    "--data-dir",
    type=_PATH,
    group=DATA,
    help="Folder of the data sets. [default: SWEEP_DATA_DIR, else your cache folder]",
)
_SETTINGS = [
    option(
        "--space", type=_PATH, group=SPACE, help="YAML file with your search space. [default: the task's own]"
    ),
    option("--seed", type=int, default=0, show_default=True, group=SEARCH, help="Random seed."),
    option("--data", group=DATA, help="Name of the data set. [default: the best one that is available]"),
    option("--train-rows", type=int, group=DATA, help="Train on at most this many rows. [default: all]"),
    option("--valid-rows", type=int, group=DATA, help="Validate on at most this many rows. [default: all]"),
    option(
        "--cpus-per-trial",
        type=int,
        default=1,
        show_default=True,
        group=WHERE_IT_RUNS,
        help="Number of CPU cores of a trial.",
    ),
    option(
        "--gpus-per-trial",
        type=float,
        group=WHERE_IT_RUNS,
        help="Number of GPUs of a trial. [default: 1 if there is a GPU, else 0]",
    ),
]
_NAMES = ("space", "seed", "data", "train_rows", "valid_rows", "cpus_per_trial", "gpus_per_trial")


def study_options(command: Any) -> Any:
    """Add the options that describe the study to be prepared."""
    for each in reversed(_SETTINGS):
        command = each(command)
    return command


def study_settings(task: str, overrides: tuple[str, ...], options: dict[str, Any]) -> Any:
    """The settings of the study to be prepared. Removes its options from `options`."""
    from sweeps.settings import StudySettings

    return StudySettings(
        task=task,
        overrides=overrides,
        rounds=options.pop("rounds", None),
        **{name: options.pop(name) for name in _NAMES},
    )


def _again(command: str, settings: Any, *more: str, space: bool = True) -> str:
    """The text of a command with the same task, overrides, rows and space. more: further overrides."""
    words = ["sweep", command, settings.task, *settings.overrides, *more]
    for name in ("data", "train_rows", "valid_rows", *(("space",) if space else ())):
        value = getattr(settings, name)
        if value is not None:
            words += [f"--{name.replace('_', '-')}", str(value)]
    return shlex.join(words)


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "sweep lr mnist_mlp --data mnist-5k",
        "sweep lr mnist_mlp optimizer=momentum --write space.yaml --plot rates.png",
        "sweep lr train.py --parameter eta --low 1e-5 --high 1",
    ),
)
@click.argument("task")
@click.argument("overrides", nargs=-1, metavar="[key=value]...")
@option("--parameter", group=SEARCH, help="Name of the learning rate. [default: learning_rate, lr, eta, …]")
@option("--low", type=float, group=SEARCH, help="Lowest rate. [default: 1e-7; own code: as its space says]")
@option("--high", type=float, group=SEARCH, help="Highest rate. [default: 10; own code: as its space says]")
@option("--steps", type=int, group=BUDGET, help="Number of rates. [default: 100; own code: 13]")
@option(
    "--seeds", type=int, group=BUDGET, help="Number of seeds. [default: 5, or fewer if they cost too much]"
)
@option("--widths", type=int, group=BUDGET, help="Number of hidden widths. [default: 3]")
@option("--batch-sizes", type=int, group=BUDGET, help="Number of batch sizes. [default: 2]")
@option(
    "--rounds",
    type=int,
    group=BUDGET,
    help="Rounds of each trial of the later study. [default: the task's own]",
)
@option(
    "--write",
    type=_PATH,
    metavar="FILE",
    group=RESULTS,
    help="Write the space with the suggested range to FILE.",
)
@option(
    "--plot", type=_PATH, metavar="FILE", group=RESULTS, help="Draw the curves into FILE (png, svg or pdf)."
)
@study_options
@format_option
@repeat_options
def lr(
    task: str,
    overrides: tuple[str, ...],
    write: Path | None,
    plot: Path | None,
    form: str,
    storage: str | None,
    **options: Any,
) -> None:
    """Find the range of learning rates that is worth searching for TASK.

    The command runs a learning-rate range test: the rate rises from step to step, and the loss shows at which rate
    training begins, is fastest, and diverges. The test is repeated for several seeds, widths, batch sizes and each
    optimizer of the space. It costs at most 2 % of a study of 100 trials. Your own code is instead trained shortly at
    each rate.

    If the loss is flat, noisy or diverges at once, the command says so and suggests nothing.
    """
    from sweeps.cli.progress import watching
    from sweeps.cli.terminal import make_console
    from sweeps.errors import NoCompletedTrial
    from sweeps.guidance.rate_plan import RateTest
    from sweeps.guidance.rate_study import rate_test
    from sweeps.settings import RunSettings

    names = ("parameter", "low", "high", "steps", "seeds", "widths", "batch_sizes")
    asked = {name: options.pop(name) for name in names}
    test = RateTest(study_settings(task, overrides, options), **asked)
    console = make_console()
    with watching(console) as watcher:
        result, answer = rate_test(
            test, run=RunSettings(**given_options(options)), storage=storage, watcher=watcher
        )
    if answer is None:
        result.raise_for_ending(given_command())
        raise NoCompletedTrial(f"Not complete yet. To continue, repeat the same command: {given_command()}")
    if form == "json":
        click.echo(to_json(answer.record()))
    else:
        print_rows(_rows(answer), form, columns=("", "low", "point", "high", "diverges", "curves"))
    if plot is not None:
        from sweeps.guidance.rate_plot import plot_rates

        click.echo(f"Curves: {plot_rates(answer, plot)}", err=True)
    if write is not None:
        _write(test, answer, result, write)
    console.print(*_said(answer, test.study, write), sep="\n", markup=False, soft_wrap=True)


def _rows(answer: Any) -> list[dict[str, Any]]:
    """The table: a row for all curves or one for each optimizer, then one for the rule of each other tool."""
    from sweeps.guidance.rate_range import RateRange

    rows: list[dict[str, Any]] = []
    for name, found in answer.ranges.items():
        known = isinstance(found, RateRange)
        rows.append(
            {
                "": name or "all curves",
                "low": found.low if known else None,
                "point": found.point if known else None,
                "high": found.high if known else None,
                "diverges": found.diverges if known else None,
                "curves": sum(not name or each.parameters["optimizer"] == name for each in answer.curves),
            }
        )
    for name, found in answer.others().items():
        low, middle, high = found or (None, None, None)
        row = {"": name.replace("_", " "), "low": low, "point": middle, "high": high}
        rows.append({**row, "diverges": None, "curves": len(answer.curves)})
    return rows


def _said(answer: Any, settings: Any, write: Path | None) -> list[str]:
    name, bounds = answer.parameter, answer.bounds
    if bounds is None:
        return [
            f"No suggestion for {name}, because {answer.because}.",
            f"Next: {_again('check', settings)}",
        ]
    low, high = bounds
    lines = [
        f"Search {name} from {low:g} to {high:g}, around the rate at which most of the loss's fall is done. "
        "(The last rows show what the rules of other tools suggest on the same curves: smallest, median, largest.)"
    ]
    if answer.rows is not None:
        lines.append(
            f"Cost: {answer.rows:,} rows in {len(answer.curves)} runs, {answer.study.cost().seconds:.0f} s."
        )
    if write is not None:
        return [*lines, f"Next: {_again('launch', settings, space=False)} --space {shlex.quote(str(write))}"]
    return [*lines, f"Next: {_again('launch', settings, f'{name}={low:g}..{high:g}:log')}"]


def _write(test: Any, answer: Any, result: Any, path: Path) -> None:
    import dataclasses

    from sweeps import paths
    from sweeps.guidance.narrowed import narrowed_space, write_space
    from sweeps.study.planning import plan_study

    settings = dataclasses.replace(test.study, sampler="random")
    spec = plan_study(settings, paths.data_root(result.study.run.data_dir)).spec
    low, high = answer.bounds or (0, 0)
    comment = f"{answer.parameter} {cell(low)} to {cell(high)} by {answer.study.name} (sweep lr)."
    write_space(narrowed_space(answer, spec.space), spec.task.name, path, comment)


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "sweep check mnist_mlp --data mnist-5k", "sweep check train.py", "sweep check my_task.py:MyTask"
    ),
)
@click.argument("task")
@click.argument("overrides", nargs=-1, metavar="[key=value]...")
@_DATA_DIR
@study_options
@format_option
def check(task: str, overrides: tuple[str, ...], data_dir: Path | None, form: str, **options: Any) -> int:
    """Check in a minute whether the training of TASK is sane.

    The command checks the first loss, the gradients, whether one batch can be learnt by heart, evaluation, labels,
    splits, the seed, a repeated and a paused training, and where the time of a step goes. For your own function, it
    checks what the function reports. The exit code is 1 if a check fails.
    """
    from sweeps.guidance.sanity import sanity

    settings = study_settings(task, overrides, options)
    rows = []
    for each in sanity(settings, None if data_dir is None else str(data_dir)):
        rows.append(each.record())
        if form == "table":
            _show(each)
    if form != "table":
        print_rows(rows, form, columns=("check", "outcome", "because"))
    broken = [row["check"] for row in rows if row["outcome"] == "failed"]
    if broken:
        click.echo(f"{len(broken)} of {len(rows)} checks failed: {', '.join(broken)}.", err=True)
    else:
        click.echo(f"No check failed.\nNext: {_again('lr', settings)}", err=True)
    return 1 if broken else 0


_MARKS = {"passed": "passed        ", "failed": "FAILED        ", "not_applicable": "not applicable"}


def _show(each: Any) -> None:
    click.echo(f"{_MARKS[each.outcome]}  {each.name}: {each.because}")
    if each.cause:
        click.echo(f"                Usual cause: {each.cause}.")


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "sweep batch mnist_mlp --data mnist-5k", "sweep batch cifar10_cnn --largest 2048 -f json"
    ),
)
@click.argument("task")
@click.argument("overrides", nargs=-1, metavar="[key=value]...")
@option("--smallest", type=int, group=SEARCH, help="Smallest batch size. [default: 8]")
@option("--largest", type=int, group=SEARCH, help="Largest batch size. [default: all training rows]")
@_DATA_DIR
@study_options
@format_option
def batch(
    task: str,
    overrides: tuple[str, ...],
    smallest: int | None,
    largest: int | None,
    data_dir: Path | None,
    form: str,
    **options: Any,
) -> None:
    """Find the batch sizes that are worth searching for TASK.

    The command measures rows per second and memory at doubling batch sizes, until larger ones are hardly faster or do
    not fit. It also estimates the gradient noise scale: the size from which on a larger batch hardly improves a step.
    Run it while nothing else runs on the machine. TASK must use the shared training loop, not a function of your own.
    """
    from sweeps.guidance.batch_probe import probe_batches

    settings = study_settings(task, overrides, options)
    place = None if data_dir is None else str(data_dir)
    answer = probe_batches(settings, smallest=smallest, largest=largest, data_dir=place)
    if form == "json":
        click.echo(to_json(answer.record()))
    else:
        rows = [
            {
                "batch_size": each.batch_size,
                "rows_per_second": round(each.rows_per_second),
                "ms_per_step": 1000 * each.batch_size / each.rows_per_second,
                "peak_MiB": each.peak_bytes // 2**20,
            }
            for each in answer.measured
        ]
        print_rows(rows, form, columns=("batch_size", "rows_per_second", "ms_per_step", "peak_MiB"))
    click.echo("\n".join(_said_of_batches(answer, settings)), err=True)


def _said_of_batches(answer: Any, settings: Any) -> list[str]:
    sizes = ",".join(str(size) for size in answer.sizes)
    noise = answer.noise_rows
    lines = [
        f"From {answer.knee} rows on, the throughput is nearly the highest. The test ended because {answer.ended}."
    ]
    lines.append(
        f"A round with evaluation was trained at {answer.proven} rows, so this size fits into memory."
    )
    if noise is not None:
        shown = "above all of these" if noise == float("inf") else f"about {noise:.0f} rows"
        lines.append(
            f"Gradient noise scale early in training: {shown}. Much larger batches hardly improve a step."
        )
    lines.append(
        "Choose the batch size for speed, and tune the learning rate and the regularisation for this size."
    )
    return [*lines, f"Next: {_again('launch', settings, f'batch_size={sizes}')}"]
