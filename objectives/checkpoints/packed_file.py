"""The bytes of a file, with the digest that identifies them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PackedFile:
    """The content of a file. The worker makes it, and the driver writes it."""

    content: bytes
    digest: str
