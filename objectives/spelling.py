"""Suggests a known word for a misspelt one."""

from __future__ import annotations

import typing


def did_you_mean(word: str, known: typing.Iterable[str]) -> str:
    """The end of an error message: '; did you mean …?' if a known word is similar, else '.'."""
    import difflib

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else "."
