"""Derives seeds that depend only on their purpose."""

from __future__ import annotations

import hashlib


def derive_seed(*parts: int | str) -> int:
    """A seed of 63 bits from its purpose, such as `(trial seed, "weights")`.

    It is computed by SHA-256, so that it is the same in every process (Python's own `hash` is not), and so that the
    random numbers of different trials are unrelated.
    """
    digest = hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1
