"""What it takes to sweep an ordinary training script: lines added and changed, here, with Optuna, with Ray Tune."""

from __future__ import annotations

import difflib
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLAIN = ROOT / "examples" / "plain"


def code_of(name: str) -> list[str]:
    """The lines of a script without its docstring."""
    return (PLAIN / name).read_text().splitlines()[1:]


def lines_added_changed_removed(name: str) -> tuple[int, int, int]:
    """Lines of code that a version adds to the plain script, changes in it, and removes; blank lines don't count.

    A line that stands in place of another is that line, changed, if both begin with the same word.
    """
    old, new = ([line for line in code_of(each) if line.strip()] for each in ("train.py", name))
    added = changed = removed = 0
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, begin, end, new_begin, new_end in matcher.get_opcodes():
        if kind != "equal":
            ours, theirs = (
                [line.split()[0] for line in lines] for lines in (new[new_begin:new_end], old[begin:end])
            )
            both = sum((Counter(ours) & Counter(theirs)).values())
            changed += both
            added += len(ours) - both
            removed += len(theirs) - both
    return added, changed, removed


def test_the_script_is_an_ordinary_one_of_63_lines() -> None:
    assert len((PLAIN / "train.py").read_text().splitlines()) == 63
    assert "sweep" not in "\n".join(code_of("train.py"))


def test_a_sweep_adds_at_most_ten_lines_and_changes_two() -> None:
    added, changed, removed = lines_added_changed_removed("train_swept.py")
    assert added <= 10
    assert changed <= 2
    assert removed <= 1


@pytest.mark.parametrize("name", ["train_swept.py", "train_optuna.py", "train_ray.py"])
def test_the_page_says_how_many_lines_each_takes(name: str) -> None:
    added, changed, removed = lines_added_changed_removed(name)
    row = next(
        line for line in (ROOT / "docs" / "own-code.md").read_text().splitlines() if f"plain/{name})" in line
    )
    assert row.split("|")[2:5] == [f" {added} ", f" {changed} ", f" {removed} "]
