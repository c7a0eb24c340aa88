"""Narrows a study's space to the suggested range: writes it as a file, or records it in the specification."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from objectives.checkpoints.atomic_write import write_whole
from search_spaces import Numeric, Space
from sweeps.errors import NoCompletedTrial, UsageError
from sweeps.guidance.rate_plan import RateTest
from sweeps.guidance.rate_study import RateAnswer, rate_test
from sweeps.launching import Watcher
from sweeps.settings import RunSettings, StudySettings


def narrowed_space(answer: RateAnswer, space: Space) -> Space:
    """The space with the suggested range of rates. Raises UsageError without a suggestion."""
    if answer.bounds is None:
        raise UsageError(
            f"The range test gives no suggestion for {answer.parameter}, because {answer.because}."
        )
    low, high = answer.bounds
    return space.with_domain(answer.parameter, Numeric(low, high, log=True))


def write_space(space: Space, task: str, path: Path, comment: str) -> None:
    """Write a space as a YAML file for `--space`. Raises UsageError if it can't be written."""
    yaml = YAML(typ="rt", pure=True)
    yaml.default_flow_style = None
    yaml.width = 10_000
    out = io.StringIO()
    yaml.dump({"task": task, "space": space.to_dict()}, out)
    try:
        write_whole(path, f"# {comment}\n{out.getvalue()}".encode())
    except OSError as error:
        raise UsageError(f"--write {path}: it can't be written ({error.strerror}).") from None


def with_range(settings: StudySettings, answer: RateAnswer) -> StudySettings:
    """The settings of a study that searches the suggested range. They record the range test in `guidance`.

    Raises UsageError without a suggestion, or if the settings already set this range.
    """
    if answer.bounds is None:
        raise UsageError(
            f"--lr-range: the range test gives no suggestion, because {answer.because}. Launch without --lr-range, or "
            f"look at its curves: sweep lr {settings.task} --plot rates.png"
        )
    low, high = answer.bounds
    name = answer.parameter
    if given := [text for text in settings.overrides if text.partition("=")[0] == name]:
        raise UsageError(f"--lr-range sets the range of {name}, and so does {given[0]}. Remove one of them.")
    record: dict[str, Any] = {
        "study": answer.study.name,
        "fingerprint": answer.study.row.fingerprint,
        "low": low,
        "high": high,
    }
    override = f"{name}={low!r}..{high!r}:log"
    return dataclasses.replace(
        settings, overrides=(*settings.overrides, override), guidance={**settings.guidance, name: record}
    )


def after_rate_test(
    settings: StudySettings,
    run: RunSettings,
    *,
    storage: str | None = None,
    watcher: Watcher | None = None,
) -> StudySettings:
    """Run the range test for a study, or read its stored result; returns the narrowed settings of the study.

    Raises UsageError without a suggestion, and NoCompletedTrial if the test was interrupted.
    """
    alone = dataclasses.replace(run, out=None, num_trials=None, target=None, timeout_seconds=None)
    result, answer = rate_test(RateTest(settings), run=alone, storage=storage, watcher=watcher)
    if answer is None:
        result.raise_for_ending("launch again with --lr-range")
        raise NoCompletedTrial(
            "The range test is not complete. To continue it, launch again with --lr-range."
        )
    return with_range(settings, answer)
