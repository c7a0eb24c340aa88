"""Commands that train a configuration several times: confirm and reproduce."""

from __future__ import annotations

from typing import Any

import click

from sweeps.cli.formats import cell, format_option, print_rows
from sweeps.cli.running import given_options, repeat_options, show


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
    again, the same confirmation shows what it saw then. best.yaml gains the confirmed figures.
    """
    from sweeps.confirm import confirm as run_confirmation
    from sweeps.console import make_console
    from sweeps.settings import RunSettings

    run = RunSettings(**given_options(options))
    outcome: list[Any] = []

    def confirming(**watch: Any) -> Any:
        result, confirmed = run_confirmation(
            study, top=top, seeds=seeds, folds=folds or 0, sealed=sealed, run=run, storage=storage, **watch
        )
        outcome.append(confirmed)
        return result

    show(confirming, summary=False)
    (confirmed,) = outcome
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
        }
        for rank, each in enumerate(confirmed.candidates, start=1)
    ]
    columns = ("rank", "trial", "searched", "mean", "std", "repeats", "p_value", "compared")
    print_rows(rows, form, columns=columns)
    console = make_console()
    console.print(
        _said_of_test(confirmed), f"Best configuration: {confirmed.study.best_path}", sep="\n", soft_wrap=True
    )


def _said_of_test(confirmed: Any) -> str:
    if confirmed.test is None:
        return "The test split stays sealed."
    when = "opened just now" if confirmed.is_new else "as seen before; it was not opened again"
    looks = (
        "the first look at it" if confirmed.look == 1 else f"look {confirmed.look} at it: no longer unseen"
    )
    return (
        f"Test {confirmed.study.spec.metric['name']} of trial {confirmed.winner.trial}: {confirmed.test} over "
        f"{confirmed.test.count} models (test split {when}; {looks})."
    )


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
    from sweeps.reproduce import COLUMNS, Reproduction, beside, published_for
    from sweeps.reproduce import reproduce as run_reproduction
    from sweeps.settings import RunSettings

    published = published_for(get_task(task))
    if list_them:
        _print_variants(published, form)
        return
    names = ("data", "fraction", "seeds", "seed", "rounds", "stop_rule", "cpus", "gpus")
    wanted = Reproduction(task, variant, **{name: options.pop(name) for name in names})
    run = RunSettings(**given_options(options))
    result = show(lambda **watch: run_reproduction(wanted, run=run, storage=storage, **watch), summary=False)
    rows = beside(result.study, published)
    print_rows(rows, form, columns=COLUMNS)
    if form == "table":
        click.echo(f"Published: {cell(dict(published.figures))} ({published.note})", err=True)
        click.echo(f"Next: sweep show {result.study.name} 0{result.study.storage_option}", err=True)


def _print_variants(published: Any, form: str) -> None:
    rows = [{"variant": "·", "changes": dict(published.parameters), "note": published.note}]
    rows += [
        {"variant": name, "changes": dict(variant.parameters), "note": variant.note}
        for name, variant in published.variants.items()
    ]
    print_rows(rows, form, columns=("variant", "changes", "note"))
