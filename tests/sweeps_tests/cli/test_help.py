"""Help pages: every command has an example that works, options stand in groups, descriptions are whole."""

from __future__ import annotations

import re
import shlex

import pytest

from sweeps.cli import sweep as group
from tests.sweeps_tests.conftest import Sweep

COMMANDS = sorted(group.commands)


def examples(name: str) -> list[list[str]]:
    """The words of each example of a command."""
    lines = (group.commands[name].epilog or "").splitlines()
    return [shlex.split(line) for line in lines if line.strip().startswith("sweep ")]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_examples_that_it_can_parse(name: str) -> None:
    assert examples(name)
    for program, command, *arguments in examples(name):
        assert (program, command) == ("sweep", name)
        assert (
            group.commands[name]
            .make_context(name, arguments, parent=group.make_context("sweep", [name]))
            .params
        )


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_every_command_is_described(name: str) -> None:
    command = group.commands[name]
    for parameter in command.params:
        if parameter.param_type_name == "option":
            assert parameter.help, parameter.name  # type: ignore[attr-defined]


def test_the_list_of_commands_gives_whole_sentences(sweep: Sweep) -> None:
    listed = re.sub(r"\s+", " ", sweep("--help").out)
    assert "..." not in listed.partition("Commands:")[2]
    for name in COMMANDS:
        assert f"{name} {group.commands[name].get_short_help_str(limit=1000)}" in listed


def test_every_option_of_launch_but_those_of_a_dry_run_stands_in_a_group(sweep: Sweep) -> None:
    said = sweep("launch", "--help").out
    headings = re.findall(r"^(\w.*):$", said, flags=re.MULTILINE)
    assert headings == [
        "Search space",
        "Search",
        "Budget",
        "Data",
        "Where it runs",
        "Where results go",
        "Other options",
    ]
    last = said.partition("Other options:")[2].partition("Examples")[0]
    assert re.findall(r"^  .*(--[a-z-]+)", last, flags=re.MULTILINE) == ["--dry-run", "--try", "--help"]


def test_options_of_resume_have_no_default_because_they_keep_their_earlier_values(sweep: Sweep) -> None:
    said = re.sub(r"\s+", " ", sweep("resume", "--help").out)
    assert re.findall(r"\[default: [^]]*\]", said) == [
        "[default: SWEEP_NOTIFY, else none]",  # not stored with the study
        "[default: SWEEP_STORAGE, else a file in your data folder]",
    ]
