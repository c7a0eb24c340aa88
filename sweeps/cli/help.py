"""Help pages of the commands: options in groups, examples, whole descriptions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

SPACE = "Search space"
SEARCH = "Search"
BUDGET = "Budget"
DATA = "Data"
WHERE_IT_RUNS = "Where it runs"
RESULTS = "Where results go"
OTHER = "Other options"
_ORDER = (SPACE, SEARCH, BUDGET, DATA, WHERE_IT_RUNS, RESULTS, OTHER)


class GroupedOption(click.Option):
    """An option that the help lists under the heading `group`."""

    def __init__(self, *declarations: Any, group: str = OTHER, **attributes: Any) -> None:
        super().__init__(*declarations, **attributes)
        self.group = group


def option(*declarations: str, group: str, **attributes: Any) -> Callable[[F], F]:
    """Like `click.option`, for an option that the help lists under the heading `group`."""
    return click.option(*declarations, cls=GroupedOption, group=group, **attributes)


class GroupedCommand(click.Command):
    """A command whose help lists its options under headings."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section for each group that has options, in the order of `_ORDER`."""
        groups: dict[str, list[tuple[str, str]]] = {name: [] for name in _ORDER}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                groups[getattr(parameter, "group", OTHER)].append(record)
        for name, records in groups.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)


class CommandList(click.Group):
    """A group whose help shows the first sentence of each command in full, where click would shorten it."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands in the order in which they were added."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(limit=1000)) for name, command in self.commands.items()]
            )


def examples(*lines: str) -> str:
    """The examples at the end of a command's help page. lines: complete commands, as a user types them."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)
