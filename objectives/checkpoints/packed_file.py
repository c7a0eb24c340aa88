"""Something to be kept in a file: its bytes, and the digest by which it is known again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PackedFile:
    """The content of a file, made where the training is and written where the study is."""

    content: bytes
    digest: str
