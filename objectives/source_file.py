"""A file of a user's own code, with the text that was read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class SourceFile:
    """The source of a module.

    shown: its path relative to the folder of the code. text: the text that was read; empty for a folder without
    `__init__.py`.
    """

    module: str
    path: str
    shown: str
    text: str
    is_package: bool = False

    @property
    def digest(self) -> str:
        """The start of the SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]
