"""Progress: a bar on a terminal, and nothing where nobody looks."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from objectives.datasets.progress import progress


def shown(*, terminal: bool, total: int, in_bytes: bool = False) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=120, color_system=None)
    with progress("rows[1]", total, done=2_000_000, in_bytes=in_bytes, console=console) as advance:
        advance(500_000)
        advance(500_000)
    return out.getvalue()


def test_a_terminal_sees_how_far_it_is() -> None:
    told = shown(terminal=True, total=12_000_000)
    assert "rows[1]" in told
    assert "25%" in told
    assert "3000000/12000000" in told


@pytest.mark.parametrize(("total", "expected"), [(12_000_000, "3.0/12.0 MB"), (0, "3.0/? MB")])
def test_a_download_is_counted_in_megabytes(total: int, expected: str) -> None:
    assert expected in shown(terminal=True, total=total, in_bytes=True)


def test_a_file_or_pipe_sees_nothing() -> None:
    assert shown(terminal=False, total=12) == ""
