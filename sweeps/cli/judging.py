"""Commands that judge a stored study: table (of two parameters), review, compare (with another study)."""

from __future__ import annotations

import dataclasses
from typing import Any

import click

from sweeps.cli.formats import cell, format_option, print_rows, storage_option
from sweeps.cli.help import examples


@click.command(epilog=examples("sweep table mnist_mlp-9ee03fc6 --rows learning_rate --columns hidden_width"))
@click.argument("study")
@click.option("--rows", metavar="PARAMETER", help="The parameter that goes down the table.")
@click.option("--columns", metavar="PARAMETER", help="The parameter that goes across the table.")
@format_option
@storage_option
def table(study: str, rows: str | None, columns: str | None, form: str, storage: str | None) -> None:
    """Show the scores of STUDY as a table of two parameters.

    Each cell shows the mean score of its trials, their standard deviation if there are several, and why trials ended
    early if some did. A range with many values is cut into four parts of equal width on its scale (linear or log). If
    the task's publication has a score for the cell, the cell shows it, too.
    """
    from sweeps.report.grid_table import grid_table
    from sweeps.study.stored_study import load

    found = grid_table(load(study, storage), rows, columns)
    if form != "table":
        print_rows([each.record() for line in found.cells for each in line], form, columns=())
        return
    across = [""] if found.columns is None else [group.label for group in found.columns.groups]
    head = found.rows.name
    if found.columns is not None:
        click.echo(
            f"Validation {found.metric} by {found.rows.name} (down) and {found.columns.name} (across)",
            err=True,
        )
        across = [f"{found.columns.name}={label}" if k == 0 else label for k, label in enumerate(across)]
    else:
        across = [found.metric]
    shown = [
        {head: group.label, **{name: each.text for name, each in zip(across, line, strict=True)}}
        for group, line in zip(found.rows.groups, found.cells, strict=True)
    ]
    print_rows(shown, form, columns=(head, *across))
    published = (cell.published for line in found.cells for cell in line if cell.published is not None)
    for note in dict.fromkeys(each.note for each in published):
        click.echo(f"Published: {note}.", err=True)


@click.command(epilog=examples("sweep review mnist_mlp-9ee03fc6", "sweep review mnist_mlp-9ee03fc6 -f json"))
@click.argument("study")
@format_option
@storage_option
def review(study: str, form: str, storage: str | None) -> None:
    """Say what an expert would criticise in STUDY, and which command to run next.

    Eleven checks look for failures with the same cause, trials without a usable result, a best value at the end of its
    range, training that ends too early or too late, too few trials, a part of a range without trials, overfitting,
    clipping, instability, and a lead that is no larger than the noise.
    """
    from sweeps.report.review import review as find
    from sweeps.study.stored_study import load

    findings = find(load(study, storage))
    if form != "table":
        print_rows(
            [each.record() for each in findings], form, columns=("check", "because", "next", "evidence")
        )
        return
    if not findings:
        click.echo(f"No fault was found in {study}.", err=True)
    for number, each in enumerate(findings, start=1):
        click.echo(f"{number}. {each.because}\n   Next: {each.next}")


@click.command(epilog=examples("sweep compare mnist_mlp-9ee03fc6 mnist_mlp-1c9b02aa"))
@click.argument("first", metavar="STUDY")
@click.argument("second", metavar="OTHER")
@format_option
@storage_option
def compare(first: str, second: str, form: str, storage: str | None) -> None:
    """Compare STUDY with OTHER: specifications, best trials, and the first trial that differs.

    Two studies of one specification have the same table. Of two different ones, the command says which
    confirmed best is better, by how much, and whether that is more than luck.
    """
    from sweeps.errors import UsageError
    from sweeps.report.comparison import compare as find
    from sweeps.study.stored_study import load

    if first == second:
        raise UsageError(f"{first} is named twice. Name two studies: sweep studies lists them.")
    found = find(load(first, storage), load(second, storage))
    if form != "table":
        print_rows([_record(found)], form, columns=())
        return
    click.echo("\n".join(_lines(found)))


def _record(found: Any) -> dict[str, Any]:
    part = found.part
    return {
        "studies": list(found.names),
        "specification": found.specification,
        "trials_in_common": found.in_common,
        "same_table": found.is_same_table,
        "first_difference": None
        if part is None
        else {
            "trial": part.trial,
            "round": part.round,
            "figure": part.figure,
            "values": [part.first, part.second],
        },
        "best": [
            None
            if best is None
            else {
                "trial": best.trial,
                "value": best.searched,
                "confirmed": list(best.known),
                "test": list(best.test),
            }
            for best in found.bests
        ],
        "p_value": None if found.difference is None else found.difference.p_value,
        "difference": None if found.difference is None else dataclasses.asdict(found.difference),
        "rounds": list(found.rounds),
        "best_so_far": [{"rounds": mark, "values": [one, other]} for mark, one, other in found.so_far],
        "verdict": found.verdict,
    }


def _lines(found: Any) -> list[str]:
    one, other = found.names
    lines = ["Specification: the same."] if not found.specification else ["Specification, where it differs:"]
    lines += [f"  {each}" for each in found.specification]
    lines.append(_table_line(found))
    lines.append(f"Best of each after the same number of rounds ({one}, {other}):")
    lines += [f"  {mark:>8,} rounds   {cell(a):>8}   {cell(b):>8}" for mark, a, b in found.so_far]
    for name, best in zip(found.names, found.bests, strict=True):
        if best is not None:
            confirmed = _confirmed(best.known) + _tested(best.test)
            lines.append(f"{name}: best {cell(best.searched)} (trial {best.trial}){confirmed}")
    if not found.is_same_table or found.specification:
        lines.append(found.verdict)
    return lines


def _table_line(found: Any) -> str:
    if not found.in_common:
        return "Tables: they have no finished trial in common."
    if found.part is None:
        return f"Tables: the {found.in_common} trials that both have are the same, in every figure."
    part = found.part
    where = f"trial {part.trial}" + ("" if part.round is None else f", round {part.round}")
    by = "" if part.difference is None else f", by {part.difference:.3g}"
    return f"Tables: they differ first in {where}: {part.figure} is {cell(part.first)} and {cell(part.second)}{by}."


def _confirmed(values: tuple[float, ...]) -> str:
    from sweeps.repeats.significance import Spread

    return f"; confirmed {Spread.of(values)} over {len(values)} seeds" if values else "; not confirmed"


def _tested(values: tuple[float, ...]) -> str:
    from sweeps.repeats.significance import Spread

    return f"; test {Spread.of(values)}" if values else ""
