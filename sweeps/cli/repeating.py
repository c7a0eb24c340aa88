"""Commands that train a configuration again: confirm, audit and reproduce."""

from __future__ import annotations

from typing import Any

import click

from sweeps.cli.formats import cell, format_option, print_rows
from sweeps.cli.running import given_options, repeat_options


@click.command()
@click.argument("study")
@click.option("--top", type=click.IntRange(min=1), default=3, show_default=True, help="How many of the best.")
@click.option(
    "--seeds", type=click.IntRange(min=1), help="Fresh seeds for each. [default: 5; with --folds, 1 a fold]"
)
@click.option("--folds", type=click.IntRange(min=2), help="Cross-validate: cut the rows into so many folds.")
@click.option("--sealed", is_flag=True, help="Leave the test split closed.")
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
    """Train the best of STUDY again from fresh seeds; open the test split for the winner.

    The winner is the one with the best mean. Its look at the test split is put on record before it is taken; called
    again, the same confirmation shows what it saw then. best.yaml gains the confirmed figures; another
    confirmation replaces them, unless it leaves the test split closed and the earlier one opened it.
    """
    from sweeps.cli.terminal import make_console, watching
    from sweeps.repeats.confirm import confirm as run_confirmation
    from sweeps.settings import RunSettings

    run = RunSettings(**given_options(options))
    console = make_console()
    with watching(console) as watcher:
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
    result.raise_for_ending()
    if confirmed is None:
        raise _incomplete(f"sweep confirm {study}")
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
    console.print(
        _said_of_test(confirmed), f"Best configuration: {confirmed.study.best_path}", sep="\n", soft_wrap=True
    )


def _incomplete(command: str) -> Exception:
    from sweeps.errors import NoCompletedTrial

    return NoCompletedTrial(f"Not complete yet. Go on with the same words: {command} …")


def _looked(confirmed: Any) -> dict[str, Any] | None:
    test = confirmed.test
    if test is None:
        return None
    return {"mean": test.mean, "std": test.std if test.count > 1 else None, "look": confirmed.look}


def _said_of_test(confirmed: Any) -> str:
    if confirmed.test is None:
        told = confirmed.study.confirmation()
        if told is None or "test" not in told.record:
            return "The test split stays sealed."
        return f"The test split is not looked at; best.yaml still tells of {told.name}, which opened it."
    when = "opened just now" if confirmed.is_new else "as seen before; it was not opened again"
    looks = (
        "the first look at it" if confirmed.look == 1 else f"look {confirmed.look} at it: no longer unseen"
    )
    return (
        f"Test {confirmed.study.spec.metric.name} of trial {confirmed.winner.trial}: {confirmed.test} over "
        f"{confirmed.test.count} models (test split {when}; {looks})."
    )


@click.command()
@click.argument("study")
@click.option(
    "--share", type=float, default=0.1, show_default=True, help="Of the halted trials, one at least."
)
@format_option
@repeat_options
def audit(study: str, share: float, form: str, storage: str | None, **options: Any) -> None:
    """Run a share of the halted trials of STUDY to the end: what did halting cost, what did it save?

    They are kept as a study of their own; called again, it goes on where it was.
    """
    import dataclasses

    from sweeps.cli.terminal import make_console, watching
    from sweeps.repeats.audit import audit as run_audit
    from sweeps.settings import RunSettings

    run = RunSettings(**given_options(options))
    console = make_console()
    with watching(console) as watcher:
        result, audited = run_audit(study, share=share, run=run, storage=storage, watcher=watcher)
    result.raise_for_ending()
    if audited is None:
        raise _incomplete(f"sweep audit {study}")
    rows = [dataclasses.asdict(each) for each in audited.trials]
    columns = ("trial", "reason", "halted_after", "rounds", "best", "full_best", "full_best_round", "gain")
    print_rows(rows, form, columns=columns)
    console.print(*_said_of_audit(audited), sep="\n", soft_wrap=True)


def _said_of_audit(audited: Any) -> list[str]:
    metric = audited.study.spec.metric.name
    improved = audited.improved
    largest = max((each.gain for each in improved), default=0.0)
    said = [
        f"{audited.halted} trials were halted, which saved {audited.rounds_saved} of {audited.rounds_meant} rounds "
        f"({audited.rounds_saved / audited.rounds_meant:.0%}); {len(audited.trials)} were run to the end.",
        f"{len(improved)} of these would have improved, by {cell(largest)} of {metric} at most.",
    ]
    if audited.best == audited.full_best:
        said.append(f"The study's best stays {cell(audited.best)}.")
    else:
        said.append(f"The study's best, {cell(audited.best)}, would have been {cell(audited.full_best)}.")
    if different := [str(each.trial) for each in audited.trials if not each.is_same]:
        said.append(f"Not the same up to the halt: trials {', '.join(different)}. Was it another machine?")
    return said


@click.command()
@click.argument("task")
@click.argument("variant", required=False)
@click.option("--list", "list_them", is_flag=True, help="List what was published for TASK, and its variants.")
@click.option("--data", help="The data set. [default: the best that is at hand]")
@click.option(
    "--data-fraction",
    "fraction",
    type=float,
    default=1.0,
    show_default=True,
    help="Of the rows, where all of them cost too much.",
)
@click.option("--seeds", type=int, default=1, show_default=True, help="How often.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option("--rounds", type=int, help="Budget. [default: as published]")
@click.option("--stop-rule", default="none", show_default=True, metavar="onset|none")
@click.option("--cpus-per-trial", "cpus", type=int, default=1, show_default=True)
@click.option("--gpus-per-trial", "gpus", type=float, help="[default: 1 where CUDA is at hand, else 0]")
@format_option
@repeat_options
def reproduce(
    task: str, variant: str | None, list_them: bool, form: str, storage: str | None, **options: Any
) -> None:
    """Run what was published for TASK, or a VARIANT of it, beside the published figures.

    It is kept as a study of its own; called again, it goes on where it was.
    """
    from objectives.registry import get_task
    from sweeps.cli.terminal import make_console, watching
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
    with watching(make_console()) as watcher:
        result = run_reproduction(wanted, run=run, storage=storage, watcher=watcher)
    result.raise_for_ending()
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
