"""The Python API: `sweeps.launch` and `sweeps.resume`, which take a task's name or the code itself."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from objectives.source_code import is_being_loaded
from objectives.spelling import did_you_mean
from sweeps import sweep
from sweeps.cli.progress import watching
from sweeps.cli.terminal import make_console
from sweeps.errors import UsageError
from sweeps.launching import Watcher
from sweeps.settings import RunSettings, StudySettings
from sweeps.sweep import Result

_OF_STUDY = {each.name for each in fields(StudySettings)}
_OF_RUN = {each.name for each in fields(RunSettings)}


def launch(
    settings: Any,
    run: RunSettings | None = None,
    *,
    study: str | None = None,
    storage: str | None = None,
    watcher: Watcher | None = None,
    progress: bool = True,
    **named: Any,
) -> Result:
    """Run a new study, or continue the study of the same specification.

    settings: a task's name, `FILE.py:NAME`, a Task class, a function (decorated with @sweeps.objective, or an Optuna
    objective), or StudySettings. named: fields of StudySettings and RunSettings, instead of those objects. progress:
    whether to show the progress on stderr. Raises UsageError for an unknown argument, or if a study of this name has
    another specification.
    """
    if is_being_loaded():
        raise UsageError(
            "sweeps.launch is called while this file is imported, and each worker imports it. Put the call below "
            '`if __name__ == "__main__":`.'
        )
    of_study, of_run = _sorted(named)
    settings = _study_settings(settings, of_study)
    run = _run_settings(run, of_run)
    with _watched(watcher, shown=progress) as watching_it:
        return sweep.launch(settings, run, study=study, storage=storage, watcher=watching_it)


def resume(
    name: str,
    changes: Mapping[str, Any] | None = None,
    *,
    storage: str | None = None,
    force: bool = False,
    watcher: Watcher | None = None,
    progress: bool = True,
    **named: Any,
) -> Result:
    """Continue a stored study.

    changes, named: fields of RunSettings that are changed from now on. progress: whether to show the progress on
    stderr. Raises UsageError if something has changed that can change results, unless `force`. The message shows what.
    """
    given = {**(changes or {}), **named}
    for each in given:
        if each not in _OF_RUN:
            also = " It decides results, so a stored study keeps its value." if each in _OF_STUDY else ""
            raise UsageError(
                f"sweeps.resume({each}=…): RunSettings have no {each!r}{did_you_mean(each, _OF_RUN)}{also} There are: "
                f"{', '.join(sorted(_OF_RUN))}."
            )
    with _watched(watcher, shown=progress) as watching_it:
        return sweep.resume(name, given, storage=storage, force=force, watcher=watching_it)


def _sorted(named: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    known = (_OF_STUDY | _OF_RUN) - {"task"}
    for name in named:
        if name not in known:
            raise UsageError(
                f"sweeps.launch({name}=…): there is no such setting{did_you_mean(name, known)} There are: "
                f"{', '.join(sorted(known))}."
            )
    return (
        {name: value for name, value in named.items() if name in _OF_STUDY},
        {name: value for name, value in named.items() if name not in _OF_STUDY},
    )


def _study_settings(settings: Any, named: dict[str, Any]) -> StudySettings:
    if isinstance(settings, StudySettings):
        _refuse_both("StudySettings", named)
        return settings
    if isinstance(settings, Mapping):
        return _study_settings(settings.get("task"), {**_without_task(settings), **named})
    if not isinstance(settings, str) and not callable(settings) and not hasattr(settings, "Parameters"):
        raise UsageError(
            f"sweeps.launch takes a task's name, FILE.py:NAME, a Task class, a function or StudySettings, not "
            f"{settings!r:.60} (a {type(settings).__name__})."
        )
    return StudySettings(settings, **named)


def _without_task(record: Mapping[str, Any]) -> dict[str, Any]:
    of_study, of_run = _sorted({name: value for name, value in record.items() if name != "task"})
    if of_run:
        raise UsageError(
            f"{', '.join(of_run)}: not a field of StudySettings. Give it to sweeps.launch by name, or in RunSettings."
        )
    return of_study


def _run_settings(run: Any, named: dict[str, Any]) -> RunSettings:
    if run is None:
        return RunSettings(**named)
    if not isinstance(run, RunSettings):
        raise UsageError(
            f"sweeps.launch(…, run) takes RunSettings, not {run!r:.60} (a {type(run).__name__})."
        )
    _refuse_both("RunSettings", named)
    return run


def _refuse_both(which: str, named: Mapping[str, Any]) -> None:
    if named:
        raise UsageError(
            f"sweeps.launch: {', '.join(named)} is given in addition to {which}. Write it into {which}(…), or give all "
            "settings by name."
        )


@contextlib.contextmanager
def _watched(watcher: Watcher | None, *, shown: bool) -> Iterator[Watcher | None]:
    if watcher is not None or not shown:
        yield watcher
        return
    with watching(make_console()) as ours:
        yield ours
