"""A specification together with what it was made of."""

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
    """A specification, and what was looked up on the way to it.

    code: of a user's own, None for a registered task. subject, rows: what is trained, and on what; a function of a
    user's own loads its rows itself.
    """

    spec: Specification
    subject: Task | OwnObjective
    rows: Splits | None
    code: OwnCode | None = None

    @property
    def note(self) -> str:
        """What is to be said of where the space came from."""
        return self.spec.space.note

    @property
    def reference(self) -> str:
        """By which a user's own code is found from any folder; empty for a registered task."""
        return "" if self.code is None else self.code.reference

    @property
    def sources(self) -> Sources | None:
        """The files of a user's own code."""
        return None if self.code is None else self.code.sources

    def environment(self) -> dict[str, Any]:
        """What decides whether figures can be equal bit for bit, of this process."""
        return environment(self.spec.device, self.spec.threads, self.sources)

    @property
    def task(self) -> Task:
        """The task that is trained. Raises UsageError where it is a function, which has no rows of its own."""
        if not isinstance(self.subject, Task):
            raise UsageError(
                f"{self.spec.task.name} is a function, which loads its data itself: it takes no folds."
            )
        return self.subject

    @property
    def splits(self) -> Splits:
        """The task's rows."""
        _ = self.task
        assert self.rows is not None
        return self.rows
