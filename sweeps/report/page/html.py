"""Puts the facts of a report and their pictures into the template. All text is escaped."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup

from sweeps.printable import on_one_line, printable
from sweeps.report.curves import CurveGroup, TrialCurve, reason_of
from sweeps.report.drawing.curves import curve_picture
from sweeps.report.drawing.parallel import parallel_picture
from sweeps.report.drawing.progress import progress_picture
from sweeps.report.drawing.slices import slice_picture
from sweeps.report.grid_table import Cell, GridTable
from sweeps.report.study_report import TOP, StudyReport
from sweeps.report.verdicts import FEW_TRIALS, best_tenth, text_of

HERE = Path(__file__).parent
LONGEST_REASON = 240
LONGEST_WORD = 32  # characters; shorter words of a command fit the width of a phone, so they are not broken


def page_of(report: StudyReport) -> str:
    """The HTML text of the page. It needs no other file, no network and no script."""
    spec = report.study.spec
    metric, direction = spec.metric.name, spec.metric.direction
    template = _environment(report.study.storage_option).get_template("report.html")
    return template.render(
        report=report,
        name=report.study.name,
        metric=metric,
        subtitle=_subtitle(report),
        style=Markup((HERE / "report.css").read_text()),  # our own file
        progress=_progress(report, metric),
        storage=report.study.storage_option.strip(),
        database=shlex.quote(report.study.database.shown),
        few=len(report.facts.ranked) < FEW_TRIALS,
        best_tenth=best_tenth(len(report.facts.ranked)),
        best=list(_best_trials(report)),
        importances=list(report.importances.items()),
        slices=[slice_picture(each, metric, direction) for each in report.slices],
        parallel=parallel_picture(report.slices, metric, direction) if _has_lines(report) else "",
        grid=None if report.grid is None else _grid(report.grid),
        curves=[_curves(group, spec.rounds, metric) for group in report.curves],
        audits=_audits(report),
        specification=_specification(report),
        environments=[_environment_rows(k, each) for k, each in enumerate(report.environments, start=1)],
        space=None if report.space is None else _yaml(report.space),
    )


def _environment(storage: str) -> Environment:
    found = Environment(
        loader=FileSystemLoader(HERE), autoescape=True, finalize=_shown, trim_blocks=True, auto_reload=False
    )
    found.filters["code"] = lambda sentence: _with_code(sentence, storage)
    found.filters["command"] = lambda command: _command(command, storage)
    return found


def _with_code(sentence: str, storage: str) -> Markup:
    """The sentence as HTML; each part between backticks is shown as a command."""
    parts = printable(sentence).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(_command(part, storage)) if k % 2 else Markup.escape(part)
        for k, part in enumerate(parts)
    )


def _command(command: str, storage: str) -> Markup:
    """The command as HTML, without the option that names the database. Its short words are not broken over lines."""
    shown = printable(command.replace(storage, "") if storage else command)
    return Markup(" ").join(
        Markup('<span class="word">{}</span>').format(word) if len(word) <= LONGEST_WORD else word
        for word in shown.split(" ")
    )


def _shown(value: Any) -> Any:
    """The value; control characters in text are replaced by visible ones."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _subtitle(report: StudyReport) -> str:
    spec, count = report.study.spec, len(report.facts.table)
    unfinished = f", {report.unfinished} not finished yet" if report.unfinished else ""
    return (
        f"{spec.task.name} on {spec.data.plan.name}; {spec.metric.direction}s validation {spec.metric.name}; "
        f"{count} {'trial' if count == 1 else 'trials'}{unfinished}; report made {report.made:%Y-%m-%d %H:%M} UTC"
    )


def _progress(report: StudyReport, metric: str) -> list[tuple[Markup, str]]:
    found = [(progress_picture(report.steps, metric, over="rounds"), f"Best validation {metric} over rounds")]
    if report.steps and report.steps[-1].seconds > 0:
        picture = progress_picture(report.steps, metric, over="seconds")
        found.append((picture, f"Best validation {metric} over seconds of training, trial after trial"))
    return found


def _best_trials(report: StudyReport) -> Iterator[Mapping[str, str]]:
    for trial in report.facts.ranked[:TOP]:
        rounds, reason = trial.attributes.get("rounds"), reason_of(trial)
        chosen = report.study.searched(trial)
        params = {
            name: chosen[name] for name in sorted(chosen, key=lambda name: -report.importances.get(name, 0.0))
        }
        yield {
            "trial": str(trial.number),
            "value": text_of(trial.value),
            "best_round": str(trial.attributes.get("best_round", "·")),
            "ended": f"all {rounds} rounds" if reason == "finished" else f"{reason} at {rounds}",
            "parameters": ", ".join(f"{name} = {_value(value)}" for name, value in params.items()),
        }


def _has_lines(report: StudyReport) -> bool:
    return len(report.slices) > 1 and any(point.score is not None for point in report.slices[0].points)


def _grid(grid: GridTable) -> Mapping[str, Any]:
    columns = [] if grid.columns is None else [group.label for group in grid.columns.groups]
    across = "" if grid.columns is None else f" and {grid.columns.name} (across)"
    rows = [
        (group.label, [{"value": cell.value_text, "ends": _ends(cell)} for cell in line])
        for group, line in zip(grid.rows.groups, grid.cells, strict=True)
    ]
    return {"title": f"{grid.rows.name} (down){across}", "columns": columns, "rows": rows}


def _ends(cell: Cell) -> list[str]:
    """How many trials a cell has, and how many of them ended before their last round, by reason."""
    count = len(cell.trials)
    told = [f"{count} {'trial' if count == 1 else 'trials'}"] if count else []
    return told + [
        f"{number} {reason.replace('_', ' ')}" for reason, number in cell.ends.items() if reason != "finished"
    ]


def _curves(group: CurveGroup, budget: int, metric: str) -> Mapping[str, Any]:
    count, shown = group.count, len(group.curves)
    part = "" if shown == count else f", the best {shown} of them" if shown else ", none with a round"
    return {
        "title": f"{group.reason.capitalize()}: {count} {'trial' if count == 1 else 'trials'}{part}",
        "pictures": [(curve_picture(each, budget, metric), _caption(each)) for each in group.curves],
    }


def _caption(curve: TrialCurve) -> Markup:
    value = "no value" if curve.value is None else f"{text_of(curve.value)}"
    at = "" if curve.best_round is None or curve.value is None else f" in round {curve.best_round}"
    because = on_one_line(curve.because)
    because = because if len(because) <= LONGEST_REASON else because[: LONGEST_REASON - 1] + "…"
    return Markup("<b>Trial {}</b>: {}{}. {}").format(
        curve.trial, value, at, because[:1].upper() + because[1:]
    )


def _audits(report: StudyReport) -> list[str]:
    halts = report.halts
    told = [
        f"{halts.halted} of {len(report.facts.table)} trials were halted. Of the planned rounds, "
        f"{halts.share_saved:.0%} were not run."
    ]
    for audit in halts.audits:
        lost = max((each.gain for each in audit.improved), default=0.0)
        told.append(
            f"An audit trained {len(audit.trials)} of the halted trials to the end: {len(audit.improved)} of them "
            f"would have improved after the halt"
            + (f", by at most {lost:.2g}" if audit.improved else "")
            + ". The study's best "
            + (
                "would be the same."
                if audit.best == audit.full_best
                else f"would be {text_of(audit.full_best)} in place of {text_of(audit.best)}."
            )
        )
    if not halts.audits:
        told.append(f"What halting cost is not measured. To measure it: `{report.study.command('audit')}`.")
    return told


def _specification(report: StudyReport) -> list[tuple[str, str]]:
    spec = report.study.spec
    data = spec.data
    rows = {
        "task": f"{spec.task.name}, version {spec.task.version}",
        "data": f"{data.plan.name}: {data.train_rows:,} training and {data.valid_rows:,} validation rows",
        "digest of the data": data.digest,
        "sampler": f"{spec.sampler}, seed {spec.seed}, parallelism {spec.parallelism}",
        "stop rule": f"{spec.stop_rule}, version {spec.stop_rule_version}",
        **({"schedule": spec.schedule} if spec.pauses else {}),
        "rounds": "as the objective decides" if spec.is_open else f"up to {spec.rounds} for each trial",
        "device": f"{spec.device}, {spec.threads} threads for each trial, {spec.precision}",
        "fingerprint": spec.fingerprint,
        "best configuration": f"{report.study.best_path.name} in the study's results folder",
    }
    return list(rows.items())


def _environment_rows(number: int, record: Mapping[str, Any]) -> Mapping[str, Any]:
    versions = ", ".join(f"{name} {version}" for name, version in record.get("versions", {}).items())
    rest = {
        key: value for key, value in record.items() if key not in ("versions", "own_code", "own_packages")
    }
    rows = [("versions", versions), *((key.replace("_", " "), _value(value)) for key, value in rest.items())]
    return {"title": "Environment" if number == 1 else f"Environment {number}", "rows": rows}


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(each)}" for key, each in value.items())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_value, value))
    return str(value).lower() if isinstance(value, bool) else text_of(value)


def _yaml(space: Mapping[str, Any]) -> str:
    from io import StringIO

    from ruamel.yaml import YAML

    text = StringIO()
    yaml = YAML()
    yaml.default_flow_style = None
    yaml.dump({"space": dict(space)}, text)
    return text.getvalue()
