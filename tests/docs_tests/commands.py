"""Renders docs/commands.md from the command line itself: `make docs` writes it, a test compares it."""

from __future__ import annotations

import click

from sweeps.cli import sweep

HEAD = """# Commands

Made from the command line itself by `make docs`.

Tables, progress and messages go to stderr or to people; `-f json` prints one line to stdout, `-f csv` rows. Piped output
has no colour. Every error is one message with its remedy; `--debug` shows the traceback.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | failure, or a replay that differs |
| 2 | usage or configuration |
| 3 | too many failed trials |
| 4 | ended by `sweep stop` |
| 5 | no completed trial |
| 130, 143 | interrupted by Ctrl-C, by SIGTERM |

Stable keys of `-f json`: `trials` has `trial, state, value, best_round, rounds, stop_reason, params`; `best` the same and
`study`; `tasks` has `task, data, metric, direction, defaults, published`. Further keys (times, `because`, `ahead`) may
come and go.

| environment variable | stands for |
|---|---|
| `SWEEP_STORAGE` | `--storage` |
| `SWEEP_DATA_DIR` | `--data-dir` |
| `SWEEP_CACHE_DIR` | the folder in which [decoded images](data.md#decoded-images) are kept |
| `SWEEP_HOME` | the folder of the default database and of results, in place of your data folder |
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
