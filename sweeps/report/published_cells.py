"""Finds the cells of a study's table whose parameters were published, and their published scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from objectives import Task
from objectives.registry import get_task
from sweeps.own_code.find import is_own
from sweeps.study.stored_study import Study


@dataclass(frozen=True)
class PublishedCell:
    """A variant of a task's published configuration. score: its last published score; None if none was published."""

    variant: str
    score: float | None
    note: str

    def __str__(self) -> str:
        return "published" if self.score is None else f"published {self.score:.4g}"


def published_cell(study: Study, parameters: Mapping[str, Any]) -> PublishedCell | None:
    """The published variant with these parameters of a trial; None if there is none."""
    reference = study.run.task or study.spec.task.name
    if study.spec.task.kind != "task" or is_own(reference):
        return None
    return _variant_of(get_task(reference), parameters)


def _variant_of(task: Task, parameters: Mapping[str, Any]) -> PublishedCell | None:
    published = task.published
    for name, variant in {} if published is None else published.variants.items():
        assert published is not None
        wanted = {**published.parameters, **variant.parameters}
        if all(parameters.get(key) == value for key, value in wanted.items()):
            last = variant.curve[max(variant.curve)] if variant.curve else {}
            return PublishedCell(name, last.get("valid_score"), variant.note)
    return None
