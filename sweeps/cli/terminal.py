"""Prints the plan before a run and the result after it. All goes to stderr."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from search_spaces import Condition, Numeric
from storage.outcomes import FINISHED, count_states
from storage.trials import TrialRow
from storage.url import parse_url
from sweeps import paths
from sweeps.cli.formats import said_of_confirmation
from sweeps.launching import Launch
from sweeps.printable import on_one_line, printable
from sweeps.samplers.by_name import sampler_of
from sweeps.study.specification import Specification
from sweeps.study.stored_study import Study
from sweeps.study.warm_start import warm_start_lines
from sweeps.sweep import Result

PIPED_WIDTH = 140


class _PrintableConsole(Console):
    """Escapes control characters in what is printed (an error of a task, a name), to protect the terminal."""

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(printable(each) if isinstance(each, str) else each for each in objects), **options)


def make_console() -> Console:
    """The console for people. It writes to stderr, because stdout is for data."""
    console = _PrintableConsole(stderr=True, highlight=False)
    if console.is_terminal:
        return console
    return _PrintableConsole(stderr=True, highlight=False, width=PIPED_WIDTH)


def announcement(launching: Launch, study: Study | None) -> str:
    """The plan of a study, shown before it starts so that a user can check it."""
    spec, run = launching.planned.spec, launching.run
    random = max(0, sampler_of(spec.sampler).startup_trials - len(spec.observations))
    lines = {
        "study": f"{launching.name} ({_so_far(study, launching.num_trials)})",
        **_what_is_trained(launching),
        **_what_is_tried(launching),
        **({"from": "\n".join(warm_start_lines(spec))} if spec.warm_start else {}),
        "trials": f"{launching.num_trials}{_each(spec)} by {spec.sampler}"
        + (f", the first {min(random, launching.num_trials)} of them its random start-up" if random else "")
        + ("" if spec.is_open else f"; up to {spec.rounds} {'round' if spec.rounds == 1 else 'rounds'} each")
        + f"; stop rule {spec.stop_rule}"
        + (f"; schedule {spec.schedule}" if spec.pauses else "")
        + f"; seed {spec.seed}",
        "workers": f"{_workers(launching)}, {_needs(launching)}; parallelism {spec.parallelism}",
        "results": str(paths.out_folder(run.out, launching.name, parse_url(launching.storage))),
    }
    return "\n".join(
        f"{name:<9}{text}" for name, block in lines.items() for name, text in indented(name, block)
    )


def _each(spec: Specification) -> str:
    """How often each configuration is trained; empty if that is once."""
    folds = spec.data.plan.folds
    if spec.trials_each == 1:
        return ""
    if not folds:
        return f" configurations, each trained from {spec.repeats} seeds,"
    seeds = spec.repeats // folds
    return f" configurations, each over {folds} folds{f' from {seeds} seeds' if seeds > 1 else ''},"


def _what_is_trained(launching: Launch) -> dict[str, str]:
    spec, data, code = launching.planned.spec, launching.planned.spec.data, launching.planned.code
    if code is None or spec.task.kind == "task":
        rows = f"{data.train_rows:,} training, {data.valid_rows:,} validation rows"
        aim = f"{spec.metric.direction}s validation {spec.metric.name}"
        return {"task": f"{spec.task.name} on {data.plan.name} ({rows}); {aim}"}
    main, *others = code.sources.digests
    imported = f", which imports {', '.join(others)}" if others else ""
    what = "Optuna objective" if spec.is_open else "function"
    return {
        "code": f"{what} {code.attribute} in {main}{imported}; {spec.metric.direction}s {spec.metric.name}"
    }


def _workers(launching: Launch) -> str:
    cluster = launching.run.cluster
    if cluster is not None:
        return f"up to {launching.workers} on the Ray cluster at {cluster}"
    return f"{launching.workers} on {launching.run.runner}"


def _needs(launching: Launch) -> str:
    """The CPUs and GPUs of a worker process, and how many trials share it."""
    spec, packing = launching.planned.spec, launching.packing
    given = f"{spec.threads} CPU" + (f", {spec.gpus:g} GPU" if spec.gpus else "")
    if packing is None:
        return f"each {given}"
    at_once = "as many as fit" if packing.is_measured else f"up to {packing.most}"
    return f"{at_once} in a process with {given}"


def _what_is_tried(launching: Launch) -> dict[str, str]:
    spec = launching.planned.spec
    if spec.sampler != "list":
        return {"search": "\n".join(_space_lines(launching))}
    count, folds = len(spec.enqueued), spec.data.plan.folds
    points = "\n".join(parameters_text(point) for point in spec.enqueued)
    repeats = 1 if spec.seeds_of else spec.repeats
    times = f"each trained {repeats} {'time' if repeats == 1 else 'times'}"
    how = f", over {folds} folds" if folds else ", from the same seeds" if count > 1 and repeats > 1 else ""
    return {"points": f"{points}\n{times}{how}"}


def _so_far(study: Study | None, num_trials: int) -> str:
    counts = {} if study is None else count_states(study.database, study.row.study_id)
    if not counts:
        return "new"
    finished = sum(count for state, count in counts.items() if state in FINISHED)
    parts = [f"{finished} {'trial' if finished == 1 else 'trials'} finished"]
    if waiting := sum(counts.values()) - finished:
        parts.append(f"{waiting} paused")
    elif finished >= num_trials:
        parts.append("complete; use a larger -n to add trials")
    return ", ".join(parts)


def indented(name: str, block: str) -> Iterator[tuple[str, str]]:
    """The lines of `block`, each with its label: `name` for the first line, an empty string for the others."""
    for index, line in enumerate(block.splitlines()):
        yield (name if index == 0 else ""), line


def _space_lines(launching: Launch) -> list[str]:
    spec = launching.planned.spec
    lines = ["what the objective asks for, as it runs"] if spec.is_open else []
    lines += [f"({launching.planned.note})"] if launching.planned.note else []
    for parameter in launching.planned.spec.space:
        domain = parameter.domain
        record = domain.to_dict()
        if isinstance(domain, Numeric):
            text = f"{record['low']:g} … {record['high']:g}" + (" (log)" if domain.log else "")
            text += f" in steps of {domain.step:g}" if domain.step is not None else ""
        elif isinstance(record, dict):
            text = " | ".join(value_text(choice) for choice in record["choices"])
        else:
            text = f"{value_text(record)} (fixed)"
        conditions = ", ".join(_condition(condition) for condition in parameter.when)
        lines.append(f"{parameter.name} {text}" + (f"  if {conditions}" if conditions else ""))
    return lines


def _condition(condition: Condition) -> str:
    if condition.values:
        return f"{condition.parameter} = {' | '.join(value_text(value) for value in condition.values)}"
    bounds = [f"≥ {condition.low:g}"] if condition.low > -math.inf else []
    bounds += [f"≤ {condition.high:g}"] if condition.high < math.inf else []
    return f"{condition.parameter} {' and '.join(bounds)}"


def best_table(study: Study, top: int = 5) -> Table:
    """The best trials of the study's table."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for header in ("trial", f"valid {study.spec.metric.name}", "best round", "ended", "parameters"):
        table.add_column(
            header,
            justify="right" if header in ("trial", "best round") else "left",
            no_wrap=header != "parameters",
        )
    for trial in study.answers(top):
        number, value, *others = _row(trial)
        if study.spec.trials_each > 1:
            value = str(study.configuration_of(trial))
        table.add_row(number, value, *others, parameters_text(study.searched(trial)))
    return table


def _row(trial: TrialRow) -> tuple[str, ...]:
    notes = trial.attributes
    reason = notes.get("stop_reason", "")
    ended = f"{reason} at {notes.get('rounds')}" if reason != "finished" else f"all {notes.get('rounds')}"
    return str(trial.number), value_text(trial.value), str(notes.get("best_round", "·")), ended


def print_result(console: Console, result: Result) -> None:
    """Print the best trials, the cost, the path of the best configuration, and what to do next."""
    study = result.study
    trials = study.all_trials()
    table = study.table_among(trials)
    cost = study.cost(table)
    best = study.ranking(1)
    if best:
        console.print(f"\nBest trials of {study.name}:")
        console.print(best_table(study))
    counts = _counts(table)
    ahead = sum(trial.is_finished for trial in trials[len(table) :])
    waiting = sum(trial.state == "WAITING" for trial in trials[len(table) :])
    console.print(
        f"{len(table)} {'trial' if len(table) == 1 else 'trials'} ({counts})"
        + (f", {ahead} ahead of a gap" if ahead > 0 else "")
        + (f", {waiting} paused" if waiting else "")
        + f". Cost: {cost.rounds_run:,} rounds run, {cost.rounds_saved:,} saved by halting "
        f"({_share(cost.rounds_saved, cost.rounds_run + cost.rounds_saved)}), {cost.seconds:,.0f} s of training."
    )
    for differs, numbers in study.other_environments(table).items():
        told = ", ".join(str(number) for number in numbers)
        console.print(
            f"Trained or judged in another environment than trial {table[0].number}, so results may differ: "
            f"{'trial' if len(numbers) == 1 else 'trials'} {told} ({differs})",
            markup=False,
        )
    if result.ending == "target":
        console.print(f"Trial {table[-1].number} reached the target {study.run.target:g}.")
    if result.ending == "timeout":
        console.print(f"The time is up. To continue: {result.resume_command}", soft_wrap=True)
    if study.spec.probe is not None:
        console.print("To see what this test says, repeat its `sweep lr` command.")
        return
    if best:
        console.print(
            *said_of_confirmation(study),
            f"Best configuration: {study.best_path}\n"
            f"Next: sweep replay {shlex.quote(str(study.best_path))}\n"
            f"      {study.command('show', str(study.answers()[0].number))}\n"
            f"      sweep dashboard{study.storage_option}",
            sep="\n",
            markup=False,
            soft_wrap=True,  # users copy paths, so paths must not be broken into lines
        )


def _counts(table: Sequence[TrialRow]) -> str:
    reasons: dict[str, int] = {}
    for trial in table:
        reason = str(trial.attributes.get("stop_reason", trial.state))
        reasons[reason] = reasons.get(reason, 0) + 1
    return (
        ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items(), key=lambda r: -r[1]))
        or "none"
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "0%"


def value_text(value: Any) -> str:
    """A value as tables show it: four digits of a float, and true or false."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.4g}" if math.isfinite(value) else str(value)
    return on_one_line(str(value))


def parameters_text(parameters: Mapping[str, Any]) -> str:
    """Parameters on one line."""
    return "  ".join(f"{name}={value_text(value)}" for name, value in parameters.items())
