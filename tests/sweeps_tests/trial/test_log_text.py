"""A log is harmless, bounded, and the same when it is read again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sweeps.trial.log_text import HEAD, LONGEST_LINE, TAIL, LogText, Printed, clean

LINES = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=40))


def test_colours_go_and_commands_of_the_terminal_are_written_out() -> None:
    assert clean("\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[2Jend") == "red end"
    assert clean("\x1b\x07\x00\x9b\u202e") == r"\x1b\x07\x00\x9b\u202e"
    assert clean("Größe 日本語 🙂\ttab") == "Größe 日本語 🙂\ttab"


def test_of_a_progress_bar_the_last_state_is_kept() -> None:
    assert clean("\r 10%|#\r 50%|##\r100%|###\nnext\r\n") == "100%|###\nnext\n"


def test_lines_are_whole_however_they_come() -> None:
    printed = Printed()
    for piece in ("a", "b\nc", "\x1b", "[31md"):
        printed.add(piece)
    assert printed.take() == "ab\n"
    printed.add("\n")
    assert printed.take() == "cd\n"
    printed.add("the end")
    assert (printed.take(), printed.take(is_last=True)) == ("", "the end\n")


def test_what_nobody_takes_does_not_fill_the_memory() -> None:
    printed = Printed()
    for index in range(200_000):
        printed.add(f"line {index}\n")
    taken = printed.take()
    assert taken.startswith("line 0\n")
    assert taken.endswith("line 199999\n")
    assert len(taken) < 5 * (HEAD + TAIL)
    printed.add("x" * 10 * LONGEST_LINE)
    assert "x" * LONGEST_LINE in printed.take()


def test_of_a_long_log_the_beginning_and_the_end_are_kept() -> None:
    log = LogText()
    for index in range(30_000):
        log.add(f"line {index}\n")
    shown = str(log)
    assert shown.startswith("line 0\n")
    assert shown.endswith("line 29999\n")
    assert len(shown) < HEAD + TAIL + 100
    assert f"[{log.omitted} characters are left out here]\nline " in shown


@given(LINES, LINES)
def test_a_log_that_is_read_again_goes_on_as_if_it_had_not_been(before: list[str], after: list[str]) -> None:
    long = "0123456789\n" * 6_000  # so that some of it is left out
    for start in ("", long):
        whole, again = LogText(), LogText()
        for line in (start, *before):
            whole.add(line)
            again.add(line)
        again = LogText.read(str(again))
        assert again == whole
        for line in after:
            whole.add(line)
            again.add(line)
        assert str(again) == str(whole)


@given(st.integers(0, 150_000))
def test_who_follows_sees_each_character_once(position: int) -> None:
    log, whole = LogText(), "0123456789" * 15_000
    log.add(whole[:position])
    seen = str(log)
    log.add(whole[position:])
    added = log.since(position)
    if position > log.omitted + HEAD:
        assert added == whole[position:]
    else:
        assert added.endswith(log.tail)
        assert "are left out here]" in added
    assert len(seen) < HEAD + TAIL + 100
