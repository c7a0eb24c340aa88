"""Commands that train a configuration again: confirm, audit and reproduce."""

from __future__ import annotations

from typing import Any

import click

from sweeps.cli.formats import cell, format_option, given_command, print_rows, said_of_confirmation
from sweeps.cli.help import BUDGET, DATA, OTHER, SEARCH, WHERE_IT_RUNS, GroupedCommand, examples, option
from sweeps.cli.run_options import given_options, repeat_options


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "sweep confirm mnist_mlp-9ee03fc6", "sweep confirm mnist_mlp-9ee03fc6 --top 5 --seeds 3 --sealed"
    ),
)
@click.argument("study")
@option(
    "--top",
    type=click.IntRange(min=1),
    default=3,
    show_default=True,
    group=SEARCH,
    help="How many of the best trials to train again.",
)
@option(
    "--seeds",
    type=click.IntRange(min=1),
    group=SEARCH,
    help="How many fresh seeds to train each of them with. [default: 5; with --folds, 1 for each fold]",
)
@option(
    "--folds",
    type=click.IntRange(min=2),
    group=SEARCH,
    help="Cross-validate with this many folds of the training and validation rows.",
)
@option("--sealed", is_flag=True, group=SEARCH, help="Do not evaluate on the test split.")
@format_option
@repeat_options
def confirm(
    study: str,
    top: int,
    seeds: int | None,
    folds: int | None,
    sealed: bool,
    form: str,
    storage: str | None,
    **options: Any,
) -> None:
    """Train the best trials of STUDY again from fresh seeds, and evaluate the winner on the test split.

    The winner is the trial with the best mean. The study records that the test split is used before it is used.
    If you repeat the command, it shows the recorded result and does not use the test split again.

    The confirmed results are also written to best.yaml. A later confirmation replaces them there, with one
    exception: a confirmation with --sealed does not replace one that used the test split.
    """
    from sweeps.cli.progress import watching
    from sweeps.cli.terminal import make_console
    from sweeps.remedies import continued_by
    from sweeps.repeats.confirm import confirm as run_confirmation
    from sweeps.settings import RunSettings

    run = RunSettings(**given_options(options))
    console = make_console()
    with continued_by(given_command()), watching(console) as watcher:
        result, confirmed = run_confirmation(
            study,
            top=top,
            seeds=seeds,
            folds=folds or 0,
            sealed=sealed,
            run=run,
            storage=storage,
            watcher=watcher,
        )
    result.raise_for_ending(given_command())
    if confirmed is None:
        raise _incomplete(given_command())
    rows = [
        {
            "rank": rank,
            "trial": each.trial,
            "searched": each.searched,
            "mean": each.spread.mean,
            "std": each.spread.std if each.spread.count > 1 else None,
            "repeats": each.spread.count,
            "p_value": each.p_value,
            "compared": "winner" if rank == 1 else "within noise" if each.is_within_noise else "worse",
            "values": list(each.values),
            "test": _looked(confirmed) if rank == 1 else None,
        }
        for rank, each in enumerate(confirmed.candidates, start=1)
    ]
    columns = ("rank", "trial", "searched", "mean", "std", "repeats", "p_value", "compared")
    print_rows(rows, form, columns=columns)
    said = [*_said_of_seeds(confirmed), _said_of_test(confirmed), *said_of_confirmation(confirmed.study)]
    if confirmed.is_written:
        said.append(f"Best configuration: {confirmed.study.best_path}")
    else:
        said.append(
            f"{study} is running: its driver writes the winner to best.yaml when its next trial ends."
        )
    console.print(*said, sep="\n", soft_wrap=True)


def _incomplete(command: str) -> Exception:
    from sweeps.errors import NoCompletedTrial

    return NoCompletedTrial(f"Not complete yet. To continue, repeat the same command: {command}")


def _looked(confirmed: Any) -> dict[str, Any] | None:
    test = confirmed.test
    if test is None:
        return None
    return {"mean": test.mean, "std": test.std if test.count > 1 else None, "look": confirmed.look}


def _said_of_seeds(confirmed: Any) -> list[str]:
    """That the repeats of a user's own code tell nothing of noise, if each trial's are all equal."""
    if confirmed.study.spec.task.kind == "task" or not confirmed.repeats_are_equal:
        return []
    return [
        "All repeats of each trial gave the same value, so they tell nothing about noise: the code does not use "
        "trial.seed, or seeds its generators with a number of its own."
    ]


def _said_of_test(confirmed: Any) -> str:
    if confirmed.test is None:
        if not confirmed.has_test:
            return (
                f"There is no test split: {confirmed.study.spec.task.name} has no function that is decorated with "
                "@train.test, where train is the function that is swept."
            )
        told = confirmed.study.confirmation()
        if told is None or "test" not in told.record:
            return "The test split was not used."
        return f"The test split was not used; best.yaml keeps the results of {told.name}, which used it."
    nth = (
        "for the first time"
        if confirmed.look == 1
        else f"as use number {confirmed.look}: it is no longer unseen"
    )
    when = (
        f"The test split was used just now, {nth}"
        if confirmed.is_new
        else f"This was recorded earlier, when the test split was used {nth}"
    )
    return (
        f"Test {confirmed.study.spec.metric.name} of trial {confirmed.winner.trial}: {confirmed.test} over "
        f"{confirmed.test.count} models. {when}."
    )


@click.command(
    cls=GroupedCommand,
    epilog=examples("sweep audit mnist_mlp-9ee03fc6", "sweep audit mnist_mlp-9ee03fc6 --share 0.5"),
)
@click.argument("study")
@option(
    "--share",
    type=float,
    default=0.1,
    show_default=True,
    group=SEARCH,
    help="Fraction of the halted trials to rerun (at least one).",
)
@format_option
@repeat_options
def audit(study: str, share: float, form: str, storage: str | None, **options: Any) -> None:
    """Measure what halting cost and saved: train some halted trials of STUDY again, to their last round.

    The new trials form a study of their own. If you repeat the command, it continues where it ended.
    """
    import dataclasses

    from sweeps.cli.progress import watching
    from sweeps.cli.terminal import make_console
    from sweeps.remedies import continued_by
    from sweeps.repeats.audit import audit as run_audit
    from sweeps.settings import RunSettings

    run = RunSettings(**given_options(options))
    console = make_console()
    with continued_by(given_command()), watching(console) as watcher:
        result, audited = run_audit(study, share=share, run=run, storage=storage, watcher=watcher)
    result.raise_for_ending(given_command())
    if audited is None:
        raise _incomplete(given_command())
    rows = [dataclasses.asdict(each) for each in audited.trials]
    columns = ("trial", "reason", "halted_after", "rounds", "best", "full_best", "full_best_round", "gain")
    print_rows(rows, form, columns=columns)
    console.print(*_said_of_audit(audited), sep="\n", soft_wrap=True)


def _said_of_audit(audited: Any) -> list[str]:
    metric = audited.study.spec.metric.name
    improved = audited.improved
    largest = max((each.gain for each in improved), default=0.0)
    said = [
        f"{audited.halted} trials were halted, which saved {audited.rounds_saved} of {audited.planned_rounds} rounds "
        f"({audited.rounds_saved / audited.planned_rounds:.0%}). "
        f"{len(audited.trials)} of them were trained again, to the end.",
        f"{len(improved)} of these improved after the halt, by at most {cell(largest)} ({metric}).",
    ]
    if audited.best == audited.full_best:
        said.append(f"The study's best stays {cell(audited.best)}.")
    else:
        said.append(f"The study's best, {cell(audited.best)}, would have been {cell(audited.full_best)}.")
    if different := [str(each.trial) for each in audited.trials if not each.is_same]:
        said.append(
            f"These trials differ from the recorded ones even before the halt: {', '.join(different)}. "
            "Were they trained on another kind of machine?"
        )
    return said


@click.command(
    cls=GroupedCommand,
    epilog=examples(
        "sweep reproduce cora_gcn --list",
        "sweep reproduce cora_gcn",
        "sweep reproduce mnist_mlp --data-fraction 0.1 --seeds 3",
    ),
)
@click.argument("task")
@click.argument("variant", required=False)
@option(
    "--list",
    "list_them",
    is_flag=True,
    group=OTHER,
    help="List the published configuration of TASK and its variants, and train nothing.",
)
@option("--data", group=DATA, help="Name of the data set. [default: the best one that is available]")
@option(
    "--data-fraction",
    "fraction",
    type=float,
    default=1.0,
    show_default=True,
    group=DATA,
    help="Use only this fraction of the rows.",
)
@option(
    "--seeds",
    type=int,
    default=1,
    show_default=True,
    group=SEARCH,
    help="Number of repeats, each with its own seed.",
)
@option("--seed", type=int, default=0, show_default=True, group=SEARCH, help="Random seed of the study.")
@option("--rounds", type=int, group=BUDGET, help="Largest number of rounds. [default: as published]")
@option(
    "--stop-rule",
    default="none",
    show_default=True,
    metavar="onset|none",
    group=BUDGET,
    help="Rule that halts a trial before its last round.",
)
@option(
    "--cpus-per-trial",
    "cpus",
    type=int,
    default=1,
    show_default=True,
    group=WHERE_IT_RUNS,
    help="Number of CPU cores of a trial.",
)
@option(
    "--gpus-per-trial",
    "gpus",
    type=float,
    group=WHERE_IT_RUNS,
    help="Number of GPUs of a trial. [default: 1 if there is a GPU, else 0]",
)
@format_option
@repeat_options
def reproduce(
    task: str, variant: str | None, list_them: bool, form: str, storage: str | None, **options: Any
) -> None:
    """Train the published configuration of TASK, or a VARIANT of it, and compare the results with the published ones.

    The trials form a study of their own. If you repeat the command, it continues where it ended.
    """
    from objectives.registry import get_task
    from sweeps.cli.progress import watching
    from sweeps.cli.terminal import make_console
    from sweeps.remedies import continued_by
    from sweeps.repeats.reproduce import COLUMNS, Reproduction, beside, published_for, variant_for
    from sweeps.repeats.reproduce import reproduce as run_reproduction
    from sweeps.settings import RunSettings

    known = get_task(task)
    published = published_for(known)
    if list_them:
        _print_variants(published, form)
        return
    names = ("data", "fraction", "seeds", "seed", "rounds", "stop_rule", "cpus", "gpus")
    wanted = Reproduction(task, variant, **{name: options.pop(name) for name in names})
    run = RunSettings(**given_options(options))
    with continued_by(given_command()), watching(make_console()) as watcher:
        result = run_reproduction(wanted, run=run, storage=storage, watcher=watcher)
    result.raise_for_ending(given_command())
    rows = beside(result.study, published, variant_for(known, variant))
    print_rows(rows, form, columns=COLUMNS)
    if form == "table":
        changed = variant_for(known, variant)
        about = f"Published: {cell(dict(published.figures))} ({published.note})"
        click.echo(about if changed is None else f"{variant}: {changed.note}", err=True)
        click.echo(f"Next: sweep show {result.study.name} 0{result.study.storage_option}", err=True)


def _print_variants(published: Any, form: str) -> None:
    rows = [{"variant": "·", "changes": dict(published.parameters), "note": published.note}]
    rows += [
        {"variant": name, "changes": dict(variant.parameters), "note": variant.note}
        for name, variant in published.variants.items()
    ]
    print_rows(rows, form, columns=("variant", "changes", "note"))
