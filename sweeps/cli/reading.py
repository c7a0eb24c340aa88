"""Commands that only read: tasks, data, studies, status, trials, best, show."""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Iterator
from typing import Any

import click

from sweeps.cli.formats import (
    cell,
    format_option,
    print_rows,
    said_of_confirmation,
    storage_option,
)
from sweeps.cli.help import examples
from sweeps.printable import printable


@click.command(epilog=examples("sweep tasks", "sweep tasks -f json"))
@format_option
def tasks(form: str) -> None:
    """List the tasks that you can launch."""
    import dataclasses

    from objectives.registry import all_tasks

    rows: list[dict[str, Any]] = [
        {
            "task": task.name,
            "data": list(task.data_sets),
            "metric": task.metric,
            "direction": task.direction,
            "defaults": dataclasses.asdict(task.Parameters()),
            "published": None if task.published is None else dict(task.published.figures),
            "about": (type(task).__doc__ or "").strip().partition("\n")[0],
        }
        for task in all_tasks()
    ]
    shown = [{**row, "data": ", ".join(map(str, row["data"]))} for row in rows] if form == "table" else rows
    print_rows(shown, form, columns=("task", "about", "data", "metric", "direction", "published"))


@click.command(epilog=examples("sweep data", "sweep data --data-dir ~/data"))
@click.option("--data-dir", help="Folder of the data sets. [default: SWEEP_DATA_DIR, else your cache folder]")
@format_option
def data(data_dir: str | None, form: str) -> None:
    """List the data sets: which are present, which are missing, and which files they need."""
    from objectives.datasets.catalogue import CATALOGUE
    from objectives.registry import all_tasks
    from sweeps import paths

    root = paths.data_root(data_dir)
    tasks_of: dict[str, list[Any]] = {}
    for task in all_tasks():
        for name in task.data_sets:
            tasks_of.setdefault(name, []).append(task)
    rows = []
    for name, tasks in tasks_of.items():
        there, known = tasks[0].has_data(name, root), CATALOGUE.get(name)
        rows.append(
            {
                "data": name,
                "there": there,
                "tasks": [task.name for task in tasks],
                "about": known and known.about,
                "files": known and known.files,
                "otherwise": known and known.source,
            }
        )
    shown = [{**row, "tasks": ", ".join(row["tasks"])} for row in rows] if form == "table" else rows
    if form == "table":
        click.echo(f"Data root: {root}", err=True)
    print_rows(shown, form, columns=("data", "there", "about", "files", "otherwise", "tasks"))


@click.command(epilog=examples("sweep studies", "sweep studies --storage sqlite:///studies.db"))
@format_option
@storage_option
def studies(form: str, storage: str | None) -> None:
    """List the studies in the database."""
    _print_status(_database(storage), None, form)


@click.command(epilog=examples("sweep status", "sweep status mnist_mlp-9ee03fc6 --watch"))
@click.argument("study", required=False)
@click.option("--watch", is_flag=True, help="Repeat every two seconds until the study is no longer running.")
@format_option
@storage_option
def status(study: str | None, watch: bool, form: str, storage: str | None) -> None:
    """Show the progress of STUDY, or of every study, and which process runs it."""
    from sweeps.cli.screen import Screen

    database, screen = _database(storage), Screen()
    while True:
        with screen.next_picture() if watch and form == "table" else contextlib.nullcontext():
            rows = _print_status(database, study, form)
        if not watch or all(row["driver"] is None for row in rows):
            return
        time.sleep(2.0)


@click.command(epilog=examples("sweep trials mnist_mlp-9ee03fc6", "sweep trials mnist_mlp-9ee03fc6 -f csv"))
@click.argument("study")
@format_option
@storage_option
def trials(study: str, form: str, storage: str | None) -> None:
    """List the trials of STUDY in the order of their numbers."""
    from sweeps.study.stored_study import load

    with _not_collecting():
        rows = load(study, storage).records()
        columns = ["trial", "state", "value", "best_round", "rounds", "stop_reason", "params"]
        if any("mean" in row for row in rows):
            columns = ["trial", "configuration", "repeat", *columns[1:-1], "mean", "std", "params"]
        if any(row["state"] == "FAIL" for row in rows):
            columns.insert(-1, "because")
        print_rows(rows, form, columns=columns, empty=f"{study} has no trials yet.")


@click.command(
    epilog=examples("sweep best mnist_mlp-9ee03fc6", "sweep best mnist_mlp-9ee03fc6 --top 5 -f json")
)
@click.argument("study")
@click.option(
    "--top",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How many of the best trials to show.",
)
@format_option
@storage_option
def best(study: str, top: int, form: str, storage: str | None) -> None:
    """Show the best trial of STUDY so far.

    In a study with --repeats or --folds, this is the best trial of the configuration with the best mean. Once the best
    trial is confirmed, the winner of the confirmation comes first.
    """
    from sweeps.study.stored_study import load

    found = load(study, storage)
    ranked = found.answers(top) or [found.best()]  # best() raises if no trial is complete
    rows = [{**found.record(trial), "study": study} for trial in ranked]
    spread: tuple[str, ...] = ()
    if found.spec.trials_each > 1:
        spread = ("mean", "std", "completed")
        for row, trial in zip(rows, ranked, strict=True):
            row |= found.configuration_of(trial).summary()
    columns = ("study", "trial", *spread, "value", "best_round", "rounds", "stop_reason", "params")
    print_rows(rows, form, columns=columns)
    for line in said_of_confirmation(found):
        click.echo(line, err=True)


@click.command(epilog=examples("sweep show mnist_mlp-9ee03fc6 12", "sweep show mnist_mlp-9ee03fc6 12 -f csv"))
@click.argument("study")
@click.argument("trial", type=int)
@format_option
@storage_option
def show(study: str, trial: int, form: str, storage: str | None) -> None:
    """Show one trial of STUDY: its parameters, why it ended, and its rounds."""
    from storage.rounds import get_rounds
    from sweeps.study.stored_study import load
    from sweeps.trial.log_text import log_path

    found = load(study, storage)
    row = found.trial(trial)
    rounds = get_rounds(found.database, found.row.study_id, trial)
    for each in rounds:
        del each["study_id"], each["trial"]
    if form == "json":
        record = found.record(row) | {"parameters": found.parameters(row), "attributes": row.attributes}
        print_rows([{**record, "rounds_recorded": rounds}], form, columns=())
        return
    if form == "csv":
        print_rows(rounds, form, columns=())
        return
    notes = row.attributes
    click.echo(f"trial {row.number} of {study}: {row.state}, {notes.get('stop_reason', 'not ended')}")
    if notes.get("because"):
        click.echo(f"because     {cell(notes['because'])}")
    click.echo(f"value       {cell(row.value)} at round {cell(notes.get('best_round'))} of {len(rounds)}")
    click.echo(f"parameters  {cell(found.parameters(row))}")
    for name in ("differs", "starts_over", "failed_afterwards"):
        if notes.get(name):
            click.echo(f"{_SHOWN.get(name, name.replace('_', ' ')):<12}{cell(notes[name])}")
    if notes.get("node"):
        click.echo(f"node        {cell(notes['node'])}")
    if log_path(found.out, trial).exists():
        click.echo(f"printed     {found.command('logs', str(trial))}")
    for name, value in (notes.get("evidence") or {}).items():
        click.echo(f"  {name:<24}{cell(value)}")
    for line in _advice_for(found, row) if rounds else []:
        click.echo(line)
    if notes.get("traceback"):
        click.echo(printable(notes["traceback"]))
    for line in _curves(rounds):
        click.echo(line)
    told = {name: None for each in rounds for name, value in each.items() if value is not None}
    columns = [name for name in told if name not in _COST]
    print_rows(rounds, form, columns=columns, empty="no round recorded yet")


def _advice_for(study: Any, trial: Any) -> list[str]:
    """What to change after this trial, and the command that tries it."""
    from sweeps.diagnosis.report import diagnose_study
    from sweeps.report.next_command import command_for

    advice = diagnose_study(study, trial.number)[0].diagnosis.advice if trial.is_finished else ""
    if not advice:
        return []
    command = command_for(study, study.table(), advice, [trial.number])
    return [f"advice      {advice}", *([f"next        {command}"] if command else [])]


def _curves(rounds: list[dict[str, Any]]) -> Iterator[str]:
    """Each figure of the curve as a spark line, with its first and last value."""
    from sweeps.cli.spark import spark

    for name in ("train_loss", "valid_loss", "train_score", "valid_score"):
        values = [each[name] for each in rounds]
        if len(values) > 1 and any(value is not None for value in values):
            drawn = spark(values, CURVE_WIDTH)
            yield f"{name.replace('_', ' '):<12}{drawn}  {cell(values[0])} to {cell(values[-1])}"


@contextlib.contextmanager
def _not_collecting() -> Iterator[None]:
    """Turn garbage collection off: with 10,000 trials it takes as long as the reading itself."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


CURVE_WIDTH = 40
_SHOWN = {"failed_afterwards": "afterwards"}
_COST = {"seconds", "train_rows_per_second", "peak_memory_bytes"}


def _database(storage: str | None) -> Any:
    from storage import open_database
    from sweeps import paths

    return open_database(paths.storage_url(storage))


def _print_status(database: Any, name: str | None, form: str) -> list[dict[str, Any]]:
    from storage.leases import holder
    from storage.outcomes import count_states, states_of
    from storage.rounds import last_rounds
    from storage.studies import list_studies
    from sweeps.study.stored_study import Study, load_from

    chosen = list_studies(database) if name is None else [load_from(database, name).row]
    rows = []
    for study in chosen:
        counts = count_states(database, study.study_id)
        rows.append(
            {
                "study": study.name,
                "task": study.specification["task"]["name"],
                "trials": sum(counts.values()),
                **{
                    state.lower(): counts.get(state, 0)
                    for state in ("COMPLETE", "PRUNED", "FAIL", "RUNNING", "WAITING")
                },
                "best": Study(database, study).best_value(),
                "driver": holder(database, study.study_id),
                "created": study.created,
            }
        )
        if name is not None and counts.get("FAIL"):
            rows[0]["failures"] = _failures(database, study)
    columns = ("study", "trials", "complete", "pruned", "fail", "running", "waiting", "best", "driver")
    print_rows(rows, form, columns=columns, empty="There is no study yet. Start one: sweep launch mnist_mlp")
    if name is not None and form == "table":
        for group in rows[0].get("failures", ()):
            click.echo(f"  {cell(group['text'])} {group['advice']}\n  To see why: {group['next']}")
        unfinished = states_of(database, chosen[0].study_id, {"RUNNING", "WAITING"})
        latest = last_rounds(database, chosen[0].study_id, [number for number, _ in unfinished])
        budget, pauses = chosen[0].specification["rounds"], "schedule" in chosen[0].specification
        for number, state in unfinished:
            word = "paused" if pauses and state == "WAITING" else state.lower()
            click.echo(f"  trial {number} {word}: round {latest.get(number, 0)} of {budget}")
    return rows


def _failures(database: Any, study: Any) -> list[dict[str, Any]]:
    """The failed trials of a study, grouped by cause."""
    from sweeps.report.failures import failure_groups
    from sweeps.study.stored_study import Study

    found = Study(database, study)
    return [{**group.record(), "text": group.text} for group in failure_groups(found, found.all_trials())]
