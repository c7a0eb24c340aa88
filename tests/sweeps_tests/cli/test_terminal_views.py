"""What people see in a terminal of 80 or 160 columns, and in a pipe."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Callable

import pytest
from rich.console import Console

from objectives import Round
from sweeps.cli import main, progress
from sweeps.cli.formats import cell
from sweeps.cli.narrow_tables import Cells, fitted
from sweeps.cli.progress import LiveProgress, PlainProgress
from sweeps.cli.screen import Screen
from sweeps.cli.spark import spark
from sweeps.cli.time_left import TimeLeft
from sweeps.study.stored_study import load
from tests.conftest import ToyLauncher

HIDDEN = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")
NAME = "a-study-of-a-long-name-0123456789"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


Look = Callable[..., str]


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """What a command shows in a terminal so many columns wide."""

    def run(*words: str, columns: int) -> str:
        shown = Terminal()
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys, "stdout", shown)
        with pytest.raises(SystemExit):
            main(list(words))
        return HIDDEN.sub("", shown.getvalue())

    return run


def test_no_word_and_no_number_is_broken(launch_toy: ToyLauncher, look: Look) -> None:
    launch_toy("behaviour=overfits,crashes", study=NAME, num_trials=6, max_failures=9)
    shown = (("trials", NAME), ("best", NAME, "--top", "3"), ("status", NAME), ("studies",))
    for columns in (80, 160):
        for words in shown:
            table = look(*words, columns=columns).partition("failures:")[0]
            assert max(map(len, table.splitlines())) <= columns, table
        said = look("trials", NAME, columns=columns).split()
        whole = {word for trial in load(NAME).table() for word in cell(load(NAME).searched(trial)).split()}
        assert {word for word in said if "=" in word} <= whole
        assert all(trial.value is None or f"{trial.value:.4g}" in said for trial in load(NAME).table())


def test_a_wide_table_has_all_columns(launch_toy: ToyLauncher, look: Look) -> None:
    launch_toy(study="s", num_trials=2)
    assert "Columns left out: " in look("status", "s", columns=40)
    wide = look("status", "s", "--wide", columns=40)
    assert "Columns left out" not in wide
    assert all(name in wide for name in ("complete", "pruned", "fail", "running", "waiting", "driver"))


def test_a_narrow_table_of_trials_tells_why_they_ended(launch_toy: ToyLauncher, look: Look) -> None:
    launch_toy("behaviour=overfits", study="s", num_trials=3)
    for words in (("trials", "s"), ("best", "s")):
        said = look(*words, columns=80)
        assert "stop" in said
        assert {trial.attributes["stop_reason"] for trial in load("s").table()} & set(said.split())


def test_a_state_is_left_out_only_where_all_trials_have_ended() -> None:
    names, numeric = ["trial", "state", "rounds", "stop reason"], [True, False, True, False]
    ended = Cells(names, [["0", "COMPLETE", "9", "plateau"]], numeric)
    running = Cells(names, [["0", "RUNNING", "9", "·"], ["1", "COMPLETE", "9", "plateau"]], numeric)
    assert fitted(ended, 30)[1] == ["state"]
    assert fitted(running, 30)[1] == ["rounds"]


def test_columns_that_say_nothing_go_first_and_the_first_two_stay() -> None:
    cells = Cells(
        ["study", "trials", "fail", "best"], [["s" * 20, "12", "0", "0.9"]], [False, True, True, True]
    )
    shown, left_out = fitted(cells, 38)
    assert (shown.columns, left_out) == (["study", "trials", "best"], ["fail"])
    assert fitted(cells, 10)[0].columns == ["study", "trials"]


def test_a_spark_line_rises_with_its_values_and_has_gaps() -> None:
    assert spark([1, 2, 3, 4, 5, 6, 7, 8], 8) == "▁▂▃▄▅▆▇█"
    assert spark([0.0, float("nan"), None, 1.0], 4) == "▁  █"
    assert len(spark(list(range(100)), 10)) == 10
    assert (spark([], 5), spark([3.0], 5)) == ("", "▅")


def test_the_time_left_is_within_a_factor_of_two_after_a_fifth() -> None:
    """Durations of 10 : 1, as trials end one after the other on two workers."""
    lengths = [1 + 9 * (k * 0.618 % 1) for k in range(40)]
    whole, left = sum(lengths) / 2, TimeLeft(10, 0)
    for ended in range(8, 39):
        elapsed = sum(lengths[:ended]) / 2
        found = left.seconds(ended, 40, elapsed)
        assert found is not None
        assert (whole - elapsed) / 2 <= found <= 2 * (whole - elapsed)


def test_nothing_is_said_of_the_time_left_at_the_start_and_earlier_trials_do_not_count() -> None:
    assert TimeLeft(10, 0).seconds(0, 20, 5.0) is None
    assert TimeLeft(10, 10).seconds(10, 20, 5.0) is None
    assert TimeLeft(10, 10, {11: 5}).seconds(11, 20, 15.0) == pytest.approx(15 * 8.5 / 1.5)


@pytest.mark.parametrize("width", [80, 160])
def test_a_live_view_has_a_short_line_for_each_trial(
    launch_toy: ToyLauncher, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    out = Terminal()
    console = Console(file=out, width=width, height=24, force_terminal=True)
    view, drawn = LiveProgress(console), io.StringIO()
    recorded = view.recorded

    def record(number: int, latest: Round) -> None:
        recorded(number, latest)
        Console(file=drawn, width=width).print(view)

    monkeypatch.setattr(view, "recorded", record)
    launch_toy("behaviour=overfits", study="s", num_trials=3, watcher=view)
    view.close()
    lines = drawn.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert any(re.search(r"trial +1 +4/10 +0\.\d+ +[▁▂▃▄▅▆▇█]{4} ", line) for line in lines), lines
    assert any("left" in line for line in lines)
    assert re.search(
        r"3/3  trial 2  0\.\d+ at round \d, (overfitting|halted) at", HIDDEN.sub("", out.getvalue())
    )


def test_a_pipe_hears_a_heartbeat(launch_toy: ToyLauncher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "HEARTBEAT_SECONDS", 0.01)
    out = io.StringIO()
    view = PlainProgress(Console(file=out, width=140))
    launch_toy("seconds=0.02", study="s", num_trials=3, watcher=view)
    view.close()
    said = out.getvalue()
    assert re.search(r"\[ +\d+\.\d s\] 1/3  trial 1 round \d+/10 0\.\d+; about \d+ s left", said), said


def test_a_trial_is_shown_with_its_curves(launch_toy: ToyLauncher, look: Look) -> None:
    launch_toy("behaviour=overfits", study="s", num_trials=1)
    said = look("show", "s", "0", columns=80)
    assert re.search(r"^valid loss  █[▁▂▃▄▅▆▇█]+  2 to \d", said, re.MULTILINE), said


def test_a_watched_status_is_drawn_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, screen = Terminal(), Screen()
    monkeypatch.setattr(sys, "stdout", shown)
    for text in ("one\ntwo\n", "three\n"):
        with screen.next_picture():
            print(text, end="")
    assert shown.getvalue() == "one\x1b[K\ntwo\x1b[K\n\x1b[J\x1b[2A\rthree\x1b[K\n\x1b[J"


def test_a_watched_status_in_a_pipe_is_printed_when_it_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    shown, screen = io.StringIO(), Screen()
    monkeypatch.setattr(sys, "stdout", shown)
    for text in ("one\n", "one\n", "two\n"):
        with screen.next_picture():
            print(text, end="")
    assert shown.getvalue() == "one\ntwo\n"
