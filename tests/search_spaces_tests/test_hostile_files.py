"""A file that was made to do harm is refused within a moment, by a message that can be read."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from search_spaces import SpaceError, parse_override, read_space
from search_spaces.reader import parse_space
from search_spaces.schema import Space
from tests.search_spaces_tests.conftest import SpaceReader

_LAUGHS = "note:\n  - &l0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"  - &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]\n" for level in range(1, 9)
)
_STAIRS = "note:\n  - &l0 {k: 1}\n" + "".join(
    f"  - &l{level} {{{', '.join(f'k{each}: *l{level - 1}' for each in range(9))}}}\n"
    for level in range(1, 9)
)
HOSTILE = {
    "as a value": (_LAUGHS + "space:\n  x: *l8\n", "more than 1,000,000 values"),
    "as a choice": (_LAUGHS + "space:\n  x: {choices: [*l8, 1]}\n", "more than 1,000,000 values"),
    "as a bound": (_LAUGHS + "space:\n  x: {low: *l8, high: 1}\n", "more than 1,000,000 values"),
    "as a key": (_LAUGHS + "space:\n  ? *l8\n  : 1\n", "more than 1,000,000 values"),
    "of mappings": (_STAIRS + "space:\n  x: *l8\n", "more than 1,000,000 values"),
    "as merged keys": (_STAIRS + "space:\n  x:\n    <<: [*l8, *l8]\n", "more than 1,000,000 values"),
    "that stand in themselves": ("space: &s\n  x: {choices: &c [1, *c]}\n", "contains the alias itself"),
    "below the limit": (
        "note: &l [" + "1, " * 5000 + "1]\nspace:\n  x: {low: *l, high: 1}\n",
        r"low must be a finite number, not \[1, 1",
    ),
    "lists in lists": (f"space:\n  x: {'[' * 3000}{']' * 3000}\n", "nested more than 50 levels deep"),
    "mappings in mappings": (f"space: {'{a: ' * 3000}1{'}' * 3000}\n", "nested more than 50 levels deep"),
    "blocks in blocks": (
        "".join(f"{' ' * level}a:\n" for level in range(300)),
        "nested more than 50 levels deep",
    ),
    "a long word": (f"space:\n  x: {{low: {'y' * 100_000}, high: 1}}\n", "low must be a finite number, not"),
}


@pytest.mark.parametrize(("text", "message"), HOSTILE.values(), ids=HOSTILE.keys())
def test_anchors_and_nesting(read: SpaceReader, text: str, message: str) -> None:
    with pytest.raises(SpaceError, match=message) as refused:
        read(text)
    assert len(str(refused.value)) < 1000


def test_an_anchor_that_does_no_harm_is_read(read: SpaceReader) -> None:
    space = read("space:\n  x: &range {low: 0, high: 1}\n  y: *range\n")
    assert space["x"].domain == space["y"].domain


def test_an_override_of_nested_lists_is_a_word() -> None:
    _, domain = parse_override("x=" + "[" * 3000, Space((), "none"), None)
    assert domain.to_dict() == "[" * 3000


def test_a_file_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search_spaces.reader.MOST_BYTES", 1 << 20)
    with pytest.raises(SpaceError, match="larger than 1 MiB"):
        read_space(Path("/dev/zero"))


def test_a_pipe_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("space: {x: {low: 0, high: 1}}",))
    writer.start()
    assert "x" in read_space(pipe)
    writer.join()


def test_what_a_program_stored_is_measured_too() -> None:
    with pytest.raises(SpaceError, match="more than 1,000,000 values"):
        parse_space(_LAUGHS + "space:\n  x: *l8\n", "stored")
