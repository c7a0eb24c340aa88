"""The plan of a study: its specification, the code or task to train, and the rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from objectives import Splits, Task
from objectives.source_code import Sources
from sweeps.errors import UsageError
from sweeps.own_code.find import OwnCode, OwnObjective
from sweeps.study.environment import environment
from sweeps.study.specification import Specification


@dataclass(frozen=True)
class Planned:
    """A specification, and what was loaded to make it.

    subject: the task or the user's function that is trained. rows: the rows to train on; None for a user's function,
    which loads its rows itself. code: the user's own code; None for a registered task.
    """

    spec: Specification
    subject: Task | OwnObjective
    rows: Splits | None
    code: OwnCode | None = None

    @property
    def note(self) -> str:
        """A note about where the space came from."""
        return self.spec.space.note

    @property
    def reference(self) -> str:
        """The reference with which the user's own code is found from any folder; empty for a registered task."""
        return "" if self.code is None else self.code.reference

    @property
    def sources(self) -> Sources | None:
        """The files of a user's own code."""
        return None if self.code is None else self.code.sources

    def environment(self) -> dict[str, Any]:
        """The environment of this process: what decides whether figures can be equal bit for bit."""
        return environment(self.spec.device, self.spec.threads, self.sources)

    @property
    def task(self) -> Task:
        """The task that is trained. Raises UsageError if a user's function is trained instead."""
        if not isinstance(self.subject, Task):
            raise UsageError(
                f"{self.spec.task.name} is a function that loads its data itself, so it can't be trained on folds."
            )
        return self.subject

    @property
    def splits(self) -> Splits:
        """The task's rows."""
        _ = self.task
        assert self.rows is not None
        return self.rows
