"""Completion of task and study names in the shell. (Commands and options are completed by click itself.)"""

from __future__ import annotations

import click
from click.shell_completion import CompletionItem, get_completion_class

from sweeps.cli.help import examples

_SHELLS = ("bash", "zsh", "fish")
_STUDIES = frozenset({"study", "older", "first", "second"})  # arguments that name a study


class StudyName(click.ParamType[str]):
    """The name of a study, completed from the database that the command line names."""

    name = "study"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The studies whose names begin with `incomplete`; none if the database can't be opened."""
        from storage import StorageError
        from storage.database import open_database
        from storage.studies import list_studies
        from sweeps import paths
        from sweeps.errors import UsageError

        try:
            database = open_database(paths.storage_url(ctx.params.get("storage")), create=False)
            names = [row.name for row in list_studies(database)]
        except (StorageError, UsageError):
            return []
        return [CompletionItem(name) for name in names if name.startswith(incomplete) and name.isprintable()]


class TaskName(click.ParamType[str]):
    """The name of a task, or a Python file."""

    name = "task"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The tasks whose names begin with `incomplete`; if there is none, files."""
        from objectives.registry import BUILT_IN

        found = [CompletionItem(name) for name in BUILT_IN if name.startswith(incomplete)]
        return found or [CompletionItem(incomplete, type="file")]


def complete_names(command: click.Command) -> click.Command:
    """Make the shell complete those arguments of `command` that name a study or a task. Returns `command`."""
    for parameter in command.params:
        if isinstance(parameter, click.Argument) and parameter.type is click.STRING:
            if parameter.name in _STUDIES:
                parameter.type = StudyName()
            elif parameter.name == "task":
                parameter.type = TaskName()
    return command


@click.command(epilog=examples("sweep completion bash", "sweep completion zsh", "sweep completion fish"))
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print a script for SHELL that completes commands, options, studies and tasks.

    For bash, add this line to ~/.bashrc: eval "$(sweep completion bash)". For zsh, add it to ~/.zshrc, with zsh in
    place of bash. For fish: sweep completion fish > ~/.config/fish/completions/sweep.fish.
    """
    kind = get_completion_class(shell)
    assert kind is not None
    script = kind(ctx.find_root().command, {}, "sweep", "_SWEEP_COMPLETE")
    click.echo(script.source())
