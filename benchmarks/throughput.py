"""Measures how fast the shared loop trains each task, compared with a bare PyTorch loop on the same model and tensors.

    python -m benchmarks.throughput [--only TASK] [--device cuda] [--pairs 7] [--data-dir FOLDER] [--write]

The bare loop is what one writes by hand: shuffle, forward, mean loss, backward, step; then loss and score on the same rows
that ours evaluates. Whole rounds and training steps alone are timed, ours and the bare loop's in turn. A ratio is the median
over these pairs. All run on one thread, like a trial. --write stores the figures, and docs/performance.md shows them.
"""

from __future__ import annotations

import argparse
import copy
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.page_blocks import with_block
from objectives.registry import get_task
from objectives.rows.rows import Rows
from objectives.training.loop import Run, make_deterministic
from sweeps import paths
from sweeps.trial.data_plan import DataPlan

# Data set, and number of training and validation rows; None for all. Fewer rows keep the proportion of the whole set.
DATA: dict[str, tuple[str, int | None, int | None]] = {
    "mnist_mlp": ("mnist", 5100, 900),
    "mnist_mlp_online": ("mnist", None, None),
    "mnist_mlp_bn": ("mnist", 5100, 900),
    "mnist_convnet": ("mnist", 1020, 180),
    "cifar10_cnn": ("cifar10", 4500, 500),
    "cora_gcn": ("cora", None, None),
    "text8_skipgram": ("text", None, 500),  # with 10,000 pairs per round
    "food101_squeezenet": ("food101-cifar10", 860, 151),
    "sequence_convnet": ("mnist1d", None, None),
}
RESULTS = {
    "cpu": Path(__file__).parent / "results" / "throughput.json",
    "cuda": Path(__file__).parent / "results" / "throughput-cuda.json",
}
BLOCKS = {"cpu": "throughput", "cuda": "throughput on a GPU"}
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
PARAMETERS: dict[str, dict[str, Any]] = {  # non-defaults; food101's default needs pretrained weights
    "text8_skipgram": {"pairs_per_round": 10_000},
    "food101_squeezenet": {"transfer": "scratch"},
}
OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": lambda weights, **how: torch.optim.SGD(weights, momentum=0.9, nesterov=True, **how),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "rmsprop": torch.optim.RMSprop,
}


class BareLoop:
    """The hand-written loop over the model and the tensors of one of our runs."""

    def __init__(self, ours: Run) -> None:
        self.task, self.parameters = ours.task, ours.parameters
        self.model: nn.Module = copy.deepcopy(ours.model)
        self.train_rows, self.evaluated = ours.train_rows, (ours.train_sample, ours.valid_rows)
        self.device = ours.device
        self.batch_size, self.steps = ours.batch_size, ours.steps_per_round
        self.optimizer = OPTIMIZERS[self.parameters.optimizer](
            [weight for weight in self.model.parameters() if weight.requires_grad],
            lr=self.parameters.learning_rate,
            weight_decay=self.parameters.weight_decay,
        )

    def train_round(self) -> float:
        """Make the steps of a round. Returns their mean loss."""
        self.model.train()
        total = 0.0
        for batch in self._batches():
            self.optimizer.zero_grad()
            outputs = self.task.forward(self.model, self.task.augment(batch, self.parameters))
            loss = self.task.losses(outputs, batch.targets, self.parameters).mean()
            loss.backward()  # type: ignore[no-untyped-call]
            if self.parameters.gradient_clip is not None:
                nn.utils.clip_grad_norm_(self.model.parameters(), self.parameters.gradient_clip)
            self.optimizer.step()
            total += loss.item()
        return total / self.steps

    @torch.no_grad()
    def evaluate(self) -> list[float]:
        """Mean loss and score over the rows that our loop evaluates."""
        self.model.eval()
        figures = []
        for rows in self.evaluated:
            loss = score = 0.0
            for first in range(0, len(rows), self.task.evaluation_rows):
                batch = rows[first : first + self.task.evaluation_rows]
                outputs = self.task.forward(self.model, batch)
                loss += self.task.losses(outputs, batch.targets, self.parameters).sum().item()
                score += self.task.scores(outputs, batch.targets).sum().item()
            figures += [loss / len(rows), score / len(rows)]
        return figures

    def advance(self) -> None:
        """Train and evaluate one round."""
        self.train_round()
        self.evaluate()

    def _batches(self) -> Iterator[Rows]:
        left = self.steps
        while left > 0:
            order = torch.randperm(len(self.train_rows), device=self.device)
            for place in range(min(left, len(order) // self.batch_size)):
                yield self.train_rows[order[place * self.batch_size : (place + 1) * self.batch_size]]
            left -= len(order) // self.batch_size


def measure(name: str, data_root: Path, pairs: int, device: torch.device) -> dict[str, Any]:
    """Rows per second of our loop, and its ratio to the bare loop's, for whole rounds and for steps alone."""
    make_deterministic(threads=1)
    task, (data, train_rows, valid_rows) = get_task(name), DATA[name]
    parameters = task.parameters_from(PARAMETERS.get(name, {}))
    plan = DataPlan(data, most_train_rows=train_rows, most_valid_rows=valid_rows)
    ours = Run(task, parameters, plan.load(task, data_root), rounds=10_000, seed=0, device=device)
    bare = BareLoop(ours)
    whole = _in_turn(ours.advance, bare.advance, pairs)
    steps = _in_turn(ours.train_round, bare.train_round, pairs)
    rows = ours.steps_per_round * ours.batch_size
    return {
        "rows": rows,
        "evaluated": sum(len(each) for each in bare.evaluated),
        "rows_per_second": rows / statistics.median(one for one, _ in whole),
        "ratio": statistics.median(other / one for one, other in whole),
        "steps_rows_per_second": rows / statistics.median(one for one, _ in steps),
        "steps_ratio": statistics.median(other / one for one, other in steps),
    }


def _in_turn(ours: Callable[[], object], bare: Callable[[], object], pairs: int) -> list[tuple[float, float]]:
    """The seconds of one call of each, `pairs` times, after a warm-up call of each."""
    return [(_seconds(ours, True), _seconds(bare, False)) for _ in range(pairs + 1)][1:]


def _seconds(call: Callable[[], object], deterministic: bool) -> float:
    torch.use_deterministic_algorithms(deterministic)
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def table(measured: dict[str, Any]) -> str:
    """The figures in Markdown."""
    lines = [
        "| task | rows a round, trained + evaluated | rows/s, whole rounds | of the bare loop's | rows/s, steps alone | "
        "of the bare loop's |",
        "|---|---|---|---|---|---|",
    ]
    for name, each in measured.items():
        lines.append(
            f"| {name} | {each['rows']:,} + {each['evaluated']:,} | {each['rows_per_second']:,.0f} | {each['ratio']:.3f} | "
            f"{each['steps_rows_per_second']:,.0f} | {each['steps_ratio']:.3f} |"
        )
    return "\n".join(lines)


def with_table(page: str, device: str = "cpu") -> str:
    """The page with the table of the stored figures."""
    return with_block(page, BLOCKS[device], table(json.loads(RESULTS[device].read_text())))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=list(DATA), metavar="TASK")
    parser.add_argument("--device", choices=list(RESULTS), default="cpu")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--data-dir")
    parser.add_argument("--write", action="store_true", help="Keep the figures, and show them in the page.")
    wanted = parser.parse_args()
    kept = RESULTS[wanted.device]
    measured = json.loads(kept.read_text()) if kept.exists() else {}
    data_root, device = paths.data_root(wanted.data_dir), torch.device(wanted.device)
    for name in wanted.only or DATA:
        measured[name] = measure(name, data_root, wanted.pairs, device)
        print(name, measured[name], flush=True)
        if wanted.write:
            kept.write_text(json.dumps({task: measured[task] for task in DATA if task in measured}, indent=1))
    if wanted.write:
        PAGE.write_text(with_table(PAGE.read_text(), wanted.device))
    print(table({task: measured[task] for task in DATA if task in measured}))


if __name__ == "__main__":
    main()
