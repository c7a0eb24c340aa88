"""Spaces written by hand, read from a real file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from search_spaces import Space, read_space

SpaceReader = Callable[[str], Space]


@pytest.fixture
def read(tmp_path: Path) -> SpaceReader:
    """Reads a space from YAML text, by way of `space.yaml`."""

    def read_text(text: str) -> Space:
        path = tmp_path / "space.yaml"
        path.write_text(text, encoding="utf-8")
        return read_space(path)

    return read_text
