"""No text from elsewhere (an error, a name, a file) commands the terminal: escape codes are written out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sweeps.cli.formats import cell, print_rows, to_json
from sweeps.cli.terminal import make_console, parameters_text
from sweeps.printable import on_one_line, printable
from tests.conftest import HERE
from tests.sweeps_tests.conftest import Sweep

TITLE = "\x1b]0;pwned\x07"
HOSTILE = f"a\x00b\r{TITLE}\x9b31m\ud800\u202eend"
SEEN = r"a\x00b\r\x1b]0;pwned\x07\x9b31m\ud800\u202eend"


def test_it_is_seen_as_python_writes_it() -> None:
    assert printable(HOSTILE) == SEEN
    assert printable("Größe 日本語 🙂\n\tx") == "Größe 日本語 🙂\n\tx"
    assert on_one_line("a\nb\tc") == r"a\nb\tc"


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_in_rows(capsys: pytest.CaptureFixture[str], form: str) -> None:
    print_rows([{"name": HOSTILE, "more": {HOSTILE: HOSTILE}}], form, columns=("name", "more"))
    assert not set(capsys.readouterr().out) & set("\x00\r\x1b\x07\x9b\ud800\u202e")


def test_json_reads_back_as_it_was() -> None:
    assert json.loads(to_json([HOSTILE])) == [HOSTILE]


def test_in_cells_and_parameters() -> None:
    assert cell(HOSTILE) == SEEN
    assert parameters_text({"x": HOSTILE}) == f"x={SEEN}"


def test_on_the_console(capsys: pytest.CaptureFixture[str]) -> None:
    make_console().print(HOSTILE, markup=False, soft_wrap=True)
    assert capsys.readouterr().err == f"{SEEN}\n"


def test_in_an_error_s_message(sweep: Sweep) -> None:
    said = sweep("replay", f"{TITLE}.yaml", code=2).err + sweep(f"{TITLE}", code=2).err
    assert "\x1b" not in said
    assert r"\x1b]0;pwned\x07" in said


def test_in_the_name_of_a_curve(sweep: Sweep, tmp_path: Path) -> None:
    rows = "".join(f"{TITLE},{index},{1 / index},{0.5 + index}\n" for index in range(1, 30))
    (tmp_path / "curves.csv").write_text("trial,round,train_loss,valid_loss\n" + rows)
    said = sweep("diagnose", "--curves", tmp_path / "curves.csv")
    assert "\x1b" not in said.out + said.err


def test_in_an_error_of_a_task(sweep: Sweep, tmp_path: Path) -> None:
    space = tmp_path / "space.yaml"
    space.write_text("space: {fault: {choices: [raises_nul_and_surrogate, none]}}")
    words = ("--space", space, "--sampler", "grid", "--runner", "inline", "--study", "rude")
    said = [sweep("launch", f"{HERE / 'rude_task.py'}:Rude", *words)]
    said += [sweep("show", "rude", "0"), sweep("trials", "rude"), sweep("trials", "rude", "-f", "csv")]
    assert not any("\x1b" in each.out + each.err for each in said)
    assert r"a\x00b \ud800 \x1b]0;pwned\x07" in said[1].out
