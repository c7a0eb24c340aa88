"""The main figures of each task: the published one, ours with the same configuration, and the best of our study.

`benchmarks.task_tables` writes these tables into docs/tasks.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks import figures, studies
from benchmarks.page_blocks import markdown_table, read_cell
from objectives.registry import all_tasks
from objectives.task import Task
from sweeps.cli.formats import cell as shown
from sweeps.repeats.audit import NOT_HALTED
from sweeps.repeats.reproduce import published_for
from sweeps.repeats.significance import Spread

# For each task: the cell, the name of our figure that corresponds to the main published figure, and its published name.
HEADLINES = {
    "mnist_mlp": ("published", "valid_score", "test"),
    "mnist_mlp_online": ("published", "valid_score", "test"),
    "mnist_mlp_bn": ("published", "valid_score", "validation"),
    "mnist_convnet": ("published-full", "valid_score", "test"),
    "cifar10_cnn": ("published", "valid_score", "test"),
    "cora_gcn": ("published", "valid_score", "test"),
    "text8_skipgram": ("published", "running_loss", "training loss"),
    "food101_squeezenet": ("published", "train_score", "training"),
    "sequence_convnet": ("published", "valid_score", "validation"),
}


def studies_table() -> str:
    """The table of tasks: the published figure, ours with the same configuration, and our study's best, confirmed."""
    rows = []
    for task in all_tasks():
        searches = [
            cell for cell in studies.CELLS if cell.task == task.name and cell.confirm and cell.path.exists()
        ]
        results = [_confirmed(read_cell(cell.path)) for cell in searches] or [("", "", "")]
        for index, result in enumerate(results):
            known = (f"`{task.name}`", _published(task), _as_published(task)) if index == 0 else ("", "", "")
            name = f"`{searches[index].name}`" if searches else ""
            rows.append((*known, name, *result))
    head = (
        "task",
        "published",
        "ours, as published",
        "study",
        "its best there",
        "confirmed",
        "on the test split",
    )
    return markdown_table(head, rows)


def study_commands() -> str:
    """The commands of every stored study, with size and cost."""
    lines = []
    for cell in studies.CELLS:
        if not cell.path.exists():
            continue
        record = read_cell(cell.path)
        data, stops = record["data"], record["stops"]
        halted = sum(count for reason, count in stops.items() if reason not in NOT_HALTED)
        lines += [
            f"# {data['train_rows']:,} training and {data['valid_rows']:,} validation rows; "
            f"{sum(stops.values())} trials, {halted} halted; {record['seconds'] / 60:.0f} minutes of one core for the search",
            *(f"$ {command}" for command in record["commands"]),
        ]
    return "\n".join(["```console", *lines, "```"])


def _published(task: Task) -> str:
    given = published_for(task).figures
    return ", ".join(f"{name.replace('_', ' ')} {shown(value)}" for name, value in given.items())


def _as_published(task: Task) -> str:
    """Our main figure after the last round. For several runs in one trial (cora_gcn), the mean over their last rounds."""
    variant, figure, word = HEADLINES[task.name]
    record = read_cell(figures.RESULTS / f"{task.name}-{variant}.json")
    rows = [row for row in record["figures"] if row["figure"] == figure]
    seeds = len(record["runs"])
    budget = published_for(task).rounds
    rows = [row for row in rows if row["round"] <= budget]
    about = [f"round {min(record['rounds'], budget)} of {budget}"]
    about += [f"{seeds} seeds"] if seeds > 1 else []
    about.append(f"{record['data']['train_rows']:,} training rows of {record['data']['name']}")
    if task.name == "cora_gcn":
        ends = Spread.of([row["ours"] for row in rows])
        return f"{word} {ends.mean:.3f} ± {ends.std:.3f} (ten runs, means of {seeds} seeds)"
    last = rows[-1] if rows else {"ours": record["course"][-1][figure], "std": None}
    spread = f" ± {last['std']:.2g}" if last["std"] else ""
    best = max((row.get(figure, 0) for row in record.get("course", [])), default=0)
    before = f"up to {best:.4g}, then " if figure == "valid_score" and best > last["ours"] + 0.1 else ""
    return f"{word} {before}{last['ours']:.4g}{spread} ({', '.join(about)})"


def _confirmed(record: Mapping[str, Any]) -> tuple[str, str, str]:
    ranked = record["confirmed"][0]
    winner = ranked[0]
    is_first = winner["searched"] == max(each["searched"] for each in ranked)
    rank = "" if is_first else ", not the first in the search"
    repeats = Spread.of(winner["values"])
    return (
        f"{winner['searched']:.4g} (trial {winner['trial']}{rank})",
        f"{repeats.mean:.4f} ± {repeats.std:.4f} ({repeats.count} seeds)",
        f"**{spread_of(record['test'])}**",
    )


def spread_of(test: Mapping[str, Any]) -> str:
    """Mean and standard deviation of a test score."""
    return f"{test['mean']:.4f} ± {test['std']:.4f}"
