"""A space that can't be searched is refused where it stands: file, line, key and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from search_spaces import SpaceError, read_space
from tests.search_spaces_tests.conftest import SpaceReader

REFUSED = {
    # not YAML
    "an open brace": ("space:\n  x: {low: 1, high: 2\n", 3, "not YAML"),
    "an impossible date": ("space:\n  x: 2024-13-45\n", None, "not YAML: month must be in 1..12"),
    "more digits than are read": (f"space:\n  x: 1{'0' * 5000}\n", None, "not YAML: Exceeds the limit"),
    "a tab": ("space:\n\tx: 1\n", 2, "not YAML"),
    "an unknown alias": ("space:\n  x: 1\n  y: *z\n", 3, "undefined alias 'z'"),
    "two documents": ("---\nspace: {x: 1}\n---\nspace: {y: 1}\n", 3, "another document"),
    "a termination character": ("space:\n  x: 1\n  y: a\0b\n", 3, "not YAML: unacceptable character #x0000"),
    "a key given twice": ("space:\n  x: 1\n  y: 2\n  x: 3\n", 4, 'duplicate key "x"'),
    # not a space
    "nothing": ("", None, "not a search space: a space file has the key `space:`"),
    "a list": ("- 1\n- 2\n", None, "not a search space"),
    "another mapping": ("spaces:\n  x: 1\n", 1, "not a search space"),
    "an empty space": ("task: t\nspace:\n", 2, "not a search space"),
    "a space without parameters": ("task: t\nspace: {}\n", 2, "it contains no parameter"),
    "a list as space": ("task: t\nspace: [x]\n", 2, "not a search space"),
    "an unknown key beside it": (
        "space: {x: 1}\nnotes: text\n",
        2,
        "unknown key 'notes'; did you mean 'note'? (known: note, space, task).",
    ),
    "a name that is a number": ("space:\n  x: 1\n  7: 1\n", 3, "7: the name of a parameter must be a word"),
    # ranges
    "an empty range": (
        "space:\n  x:\n    low: 3\n    high: 3\n",
        3,
        "x: the range contains only 3. To fix the parameter at it",
    ),
    "low above high": ("space:\n  x:\n    high: 2\n    low: 5\n", 4, "x: low 5 is above high 2. Swap them"),
    "a logarithm of zero": (
        "space:\n  x:\n    high: 1\n    log: true\n    low: 0\n",
        5,
        "x: a logarithmic range must start above 0, not at 0",
    ),
    "no high": ("space:\n  y: 1\n  x: {low: 1}\n", 3, "x: high is missing"),
    "a word as low": ("space:\n  x: {low: a, high: 1}\n", 2, "x: low must be a finite number, not 'a'"),
    "true as high": ("space:\n  x: {low: 0, high: true}\n", 2, "x: high must be a finite number, not True"),
    "NaN as low": ("space:\n  x: {low: .nan, high: 1}\n", 2, "x: low must be a finite number, not nan"),
    "no end": ("space:\n  x: {low: 0, high: .inf}\n", 2, "x: high must be a finite number, not inf"),
    "more than a double holds": (
        f"space:\n  x: {{low: 0, high: 1{'0' * 400}}}\n",
        2,
        "x: high must be a finite",
    ),
    "log that is no switch": (
        "space:\n  x: {low: 1, high: 2, log: 10}\n",
        2,
        "x: log must be true or false, not 10",
    ),
    "a step that does not fit": ("space:\n  x: {low: 0, high: 1, step: 2}\n", 2, "x: step 2 does not fit"),
    "more steps than can be counted": (
        "space:\n  x: {low: 0, high: 1.0e+30, step: 1.0e-9}\n",
        2,
        "x: step 1e-09 does not",
    ),
    "a step of a logarithm": ("space:\n  x: {low: 1, high: 9, step: 2, log: true}\n", 2, "can't have a step"),
    # keys and values
    "a misspelt key": (
        "space:\n  x:\n    low: 1\n    hihg: 2\n",
        4,
        "x: unknown key 'hihg'; did you mean 'high'? (known: high, log, low, step, when).",
    ),
    "a range among choices": (
        "space:\n  x: {choices: [1, 2], low: 1}\n",
        2,
        "x: unknown key 'low' (known: choices, when)",
    ),
    "a list without a word": ("space:\n  x: [1, 2]\n", 2, "x: write a list of values as {choices: […]}"),
    "no choice": ("space:\n  x:\n    choices: []\n", 3, "x: choices must be a list of at least one value"),
    "a choice that is no list": (
        "space:\n  x: {choices: 3}\n",
        2,
        "x: choices must be a list of at least one value",
    ),
    "a choice given twice": ("space:\n  x: {choices: [a, b, a]}\n", 2, "x: choices contains a value twice"),
    "a number given twice": ("space:\n  x: {choices: [1, 1.0]}\n", 2, "x: choices contains a value twice"),
    "true beside 1": ("space:\n  x: {choices: [1, true]}\n", 2, "x: choices contains a value twice"),
    "a list as a choice": ("space:\n  x: {choices: [[1], 2]}\n", 2, "x: [1] is not a finite number"),
    "NaN as a choice": ("space:\n  x: {choices: [.nan, 1]}\n", 2, "x: nan is not a finite number"),
    "NaN as a value": ("space:\n  y: 1\n  x: .nan\n", 3, "x: nan is not a finite number"),
    # conditions
    "a condition on nothing": (
        "space:\n  batch_norm: {choices: [true, false]}\n  x: {low: 0, high: 1, when: {batchnorm: true}}\n",
        3,
        "x: the condition names 'batchnorm', but no parameter above this one has that name; did you mean 'batch_norm'?",
    ),
    "a condition on what comes later": (
        "space:\n  x: {low: 0, high: 1, when: {y: 1}}\n  y: {low: 0, high: 1}\n",
        2,
        "x: the condition names 'y', but no parameter above this one has that name",
    ),
    "a condition on itself": (
        "space:\n  x: {low: 0, high: 1, when: {x: 1}}\n",
        2,
        "no parameter above this one",
    ),
    "a condition without a mapping": (
        "space:\n  x: {low: 0, high: 1, when: y}\n",
        2,
        "x: when must be a mapping such as",
    ),
    "an empty condition": (
        "space:\n  x:\n    low: 0\n    high: 1\n    when:\n",
        5,
        "x: when must be a mapping such as",
    ),
    "a condition with a misspelt bound": (
        "space:\n  y: {low: 0, high: 9}\n  x: {low: 0, high: 1, when: {y: {mim: 2}}}\n",
        3,
        "x: unknown key 'mim'; did you mean 'min'?",
    ),
}


@pytest.mark.parametrize(("text", "line", "why"), REFUSED.values(), ids=REFUSED.keys())
def test_a_bad_space_is_refused_by_line_and_key(
    read: SpaceReader, tmp_path: Path, text: str, line: int | None, why: str
) -> None:
    with pytest.raises(SpaceError) as refusal:
        read(text)
    place = tmp_path / "space.yaml" if line is None else f"{tmp_path / 'space.yaml'}:{line}"
    assert str(refusal.value).startswith(f"{place}: ")
    assert why in str(refusal.value)


NEVER = {
    "no such choice": ("{choices: [a, b]}", "c"),
    "1 for true": ("{choices: [true, false]}", "1"),
    "true for 1": ("{low: 0, high: 3}", "true"),
    "outside the range": ("{low: 0, high: 3}", "7"),
    "off the ladder": ("{low: 0, high: 9, step: 3}", "4"),
    "a half among whole numbers": ("{low: 0, high: 3}", "1.5"),
    "min above the range": ("{low: 0, high: 3}", "{min: 4}"),
    "max below the range": ("{low: 0, high: 3}", "{max: -1}"),
    "max below min": ("{low: 0, high: 9}", "{min: 5, max: 2}"),
    "between two whole numbers": ("{low: 0, high: 9}", "{min: 5.2, max: 5.8}"),
    "between two rungs": ("{low: 0, high: 9, step: 3}", "{min: 4, max: 5}"),
    "bounds on words": ("{choices: [a, b]}", "{min: 1}"),
    "bounds on switches": ("{choices: [true, false]}", "{min: 1}"),
    "another fixed value": ("3", "4"),
    "no value": ("{low: 0, high: 3}", "[]"),
    "no bound": ("{low: 0, high: 3}", "{}"),
}


@pytest.mark.parametrize(("domain", "wanted"), NEVER.values(), ids=NEVER.keys())
def test_a_condition_that_can_never_hold_is_refused(read: SpaceReader, domain: str, wanted: str) -> None:
    with pytest.raises(SpaceError, match=r"space\.yaml:3: x: the condition "):
        read(f"space:\n  y: {domain}\n  x: {{low: 0, high: 1, when: {{y: {wanted}}}}}\n")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match=r"nowhere\.yaml: no such file"):
        read_space(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("content", [b"\x80\x02}q\x00.", b"\x89PNG\r\n\x1a\n", b"space:\n  x: \x00\x01\n"])
def test_a_binary_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "weights.pt"
    path.write_bytes(content)
    with pytest.raises(SpaceError, match=r"weights\.pt:?\d*: (can't be read|not YAML)"):
        read_space(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpaceError, match="can't be read"):
        read_space(tmp_path)
