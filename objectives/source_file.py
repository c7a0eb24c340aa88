"""A file of somebody's own code, as it was read."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class SourceFile:
    """A module's source as it was read.

    shown: its path from the folder of the code. text: empty for a bare folder.
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
