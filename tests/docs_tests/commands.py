"""Renders docs/commands.md from the command line itself: `make docs` writes it, a test compares it."""

from __future__ import annotations

import click

from sweeps.cli import sweep

HEAD = """# Commands

`make docs` writes this page from the help texts of the commands.

Results go to stdout: as a table, as one line of JSON (`-f json`) or as CSV (`-f csv`). Progress and messages go to
stderr. Output into a pipe has no colours. An error is one message that says what to do; `--debug` also shows the
traceback.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | the command failed, or a replay differs |
| 2 | the options, or the study's configuration, are wrong |
| 3 | too many trials failed |
| 4 | the study was ended by `sweep stop` |
| 5 | no trial is complete |
| 130, 143 | the command was interrupted by Ctrl-C, or by SIGTERM |

These keys of `-f json` will not change. `trials` has `trial, state, value, best_round, rounds, stop_reason, params`;
`best` has the same and `study`; `tasks` has `task, data, metric, direction, defaults, published`. All other keys (for
example times, `because` and `ahead`) may change in a later version.

| environment variable | meaning |
|---|---|
| `SWEEP_STORAGE` | default of `--storage` |
| `SWEEP_DATA_DIR` | default of `--data-dir` |
| `SWEEP_CACHE_DIR` | folder of [decoded images](data.md#decoded-images) |
| `SWEEP_NOTIFY` | default of `--notify`: an address with a token is better kept here than in your shell's history |
| `SWEEP_HOME` | folder of the default database and of results, in place of your data folder |
"""


def render() -> str:
    """The page."""
    parts = [HEAD]
    for name in sorted(sweep.commands):
        command = sweep.commands[name]
        context = click.Context(
            command,
            info_name=f"sweep {name}",
            terminal_width=110,
            max_content_width=110,
            help_option_names=["-h", "--help"],
        )
        parts.append(f"\n## sweep {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "".join(parts)


if __name__ == "__main__":
    print(render(), end="")
