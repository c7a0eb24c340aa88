"""Tables that fit a terminal: no number and no word is broken; columns that do not fit are removed and named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich import box
from rich.console import Console
from rich.table import Table

FEW_ROWS = 3
EDGES = 2  # a blank at each end of a line
GAP = 3  # characters between two columns of a table, as rich draws them
LONGEST_WORD = 28  # characters; in a narrow table, longer words (paths, keys) are cut
REASON = "stop reason"
NOTHING = frozenset({"·", "0", ""})


@dataclass(frozen=True)
class Cells:
    """The text of a table. numeric: for each column, whether it holds numbers: they are aligned right, never broken."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: Sequence[bool]

    def only(self, kept: Sequence[int]) -> Cells:
        """The table with these columns."""
        return Cells(
            [self.columns[k] for k in kept],
            [[row[k] for k in kept] for row in self.rows],
            [self.numeric[k] for k in kept],
        )

    def narrowest(self, k: int) -> int:
        """The least width of column `k` in characters: the length of its longest word or number."""
        words = [word for text in (self.columns[k], *(row[k] for row in self.rows)) for word in text.split()]
        return max(map(len, words), default=1)

    @property
    def width(self) -> int:
        """The least width of the table in characters."""
        return (
            sum(self.narrowest(k) for k in range(len(self.columns))) + GAP * (len(self.columns) - 1) + EDGES
        )


def fitted(cells: Cells, width: int) -> tuple[Cells, list[str]]:
    """Shorten a table to `width` characters. Returns it and the names of the columns that were removed.

    First, long words are cut. Then columns are removed until the table fits, in this order: columns that are empty in
    each row; columns that the stop reason implies; all others but the stop reason and the last column, from right to
    left; the stop reason; the last column. The first two columns stay, except for a state that is implied.
    """
    if cells.width <= width:
        return cells, []
    cells = Cells(cells.columns, [[_cut(text) for text in row] for row in cells.rows], cells.numeric)
    kept = list(range(len(cells.columns)))
    empty = [k for k in kept if all(row[k] in NOTHING for row in cells.rows)]
    last, *others = [k for k in reversed(kept[2:]) if k not in empty] or [-1]
    others.sort(key=lambda k: cells.columns[k] == REASON)
    for k in [*(k for k in empty if k > 1), *_implied(cells), *others, last]:
        if cells.only(kept).width <= width:
            break
        if k in kept:
            kept.remove(k)
    return cells.only(kept), [name for k, name in enumerate(cells.columns) if k not in kept]


def _implied(cells: Cells) -> list[int]:
    """The columns that the stop reason makes less important: the state, if all trials have ended, and the rounds."""
    names = list(cells.columns)
    if REASON not in names:
        return []
    all_ended = all(row[names.index(REASON)] not in NOTHING for row in cells.rows)
    wanted = (("state",) if all_ended else ()) + ("rounds",)
    return [names.index(name) for name in wanted if name in names]


def print_laid_out(cells: Cells, console: Console) -> None:
    """Print a table that is at most as wide as the console.

    Long cells are wrapped between words. In a table of many rows, the last column is shortened instead, so that each
    row has one line.
    """
    if len(cells.rows) > FEW_ROWS and not cells.numeric[-1]:
        cells = _on_one_line(cells, console.width)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column, right, width in zip(cells.columns, cells.numeric, _widths(cells, console.width), strict=True):
        table.add_column(column, justify="right" if right else "left", overflow="fold", width=width)
    for row in cells.rows:
        table.add_row(*row)
    console.print(table)


def _on_one_line(cells: Cells, width: int) -> Cells:
    room = _widths(cells, width)[-1]
    return Cells(
        cells.columns, [[*row[:-1], _first_words(row[-1], room)] for row in cells.rows], cells.numeric
    )


def _widths(cells: Cells, width: int) -> list[int]:
    """The width of each column. The room beyond the least widths is given to the columns from left to right."""
    found = [cells.narrowest(k) for k in range(len(cells.columns))]
    left = width - cells.width
    for k, texts in enumerate(zip(cells.columns, *cells.rows, strict=True)):
        more = min(max(0, left), max(map(len, texts)) - found[k])
        found[k], left = found[k] + more, left - more
    return found


def _first_words(text: str, room: int) -> str:
    """The first words of `text` that fit into `room` characters, and an ellipsis if there are more."""
    if len(text) <= room:
        return text
    words = text.split(" ")
    while len(words) > 1 and len(" ".join(words)) + 2 > room:
        words.pop()
    return f"{' '.join(words)} …"


def _cut(text: str) -> str:
    return " ".join(
        word if len(word) <= LONGEST_WORD else f"{word[: LONGEST_WORD - 1]}…" for word in text.split(" ")
    )
