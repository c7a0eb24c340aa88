"""Measures the gain from recorded steps and packs of trials on one GPU: steps per second, trials per hour.

    python -m benchmarks.packs [--rounds 10] [--sizes 1,4,16,64] [--only steps|trials] [--data-dir FOLDER] [--write]

Steps: four tasks with their default parameters on whole data sets, with unrecorded ("as written") and with recorded steps, in
turn on the same GPU. A whole round includes its evaluation. Trials: the same random points of mnist_mlp's space each time, on
all of MNIST, without a stop rule; the time is from the first trial's start to the last one's end. A pack trains several trials
at the same time in one process. Processes that share the GPU train one trial at a time each; their start is not counted. The
figures of all trials must be equal. --write stores everything, and docs/performance.md shows it. Only torch, numpy and
`objectives` are needed.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("CUDA_DEVICE_MAX_CONNECTIONS", "32")

import torch

from objectives.registry import get_task
from objectives.rows.rows import Splits
from objectives.task import Task
from objectives.training.cuda_graphs import CudaGraphs
from objectives.training.loop import Run, make_deterministic
from objectives.training.pack import Pack

RESULTS = Path(__file__).parent / "results" / "packs.json"
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
STEPS = {  # data set, and number of timed rounds with unrecorded steps
    "mnist_mlp": ("mnist", 5),
    "mnist_convnet": ("mnist", 5),
    "cora_gcn": ("cora", 100),
    "text8_skipgram": ("text", 5),
}
TRIALS = {1: 8, 4: 32, 16: 96, 64: 192}  # number of trials, by how many train at the same time
TRAIN_ROWS = 51_000
CUDA = torch.device("cuda")


def load(name: str, data_root: Path) -> tuple[Task, Splits]:
    """A task and its rows. They are copied to the GPU only once, for all runs."""
    task = get_task(name)
    splits = task.load(STEPS[name][0], data_root)
    return task, Splits(splits.name, splits.train.to(CUDA), splits.valid.to(CUDA), splits.digest)


def begin(
    task: Task, values: dict[str, Any], splits: Splits, *, rounds: int, seed: int, recorded: bool
) -> Run:
    """A new run."""
    graphs = CudaGraphs(CUDA) if recorded else None
    parameters = task.parameters_from(values)
    return Run(task, parameters, splits, rounds=rounds, seed=seed, device=CUDA, graphs=graphs)


def steps_of(name: str, data_root: Path) -> dict[str, Any]:
    """Steps per second of a task, unrecorded and recorded."""
    task, splits = load(name, data_root)
    seconds: dict[bool, tuple[float, float]] = {}
    for recorded in (False, True):
        run = begin(task, {}, splits, rounds=10_000, seed=0, recorded=recorded)
        run.advance()
        repeats = STEPS[name][1] * (3 if recorded else 1)
        times = [(_seconds(run.train_round), _seconds(run.advance)) for _ in range(repeats)]
        seconds[recorded] = tuple(map(statistics.median, zip(*times, strict=True)))  # type: ignore[assignment]
        steps = run.steps_per_round
        run.close()
    return {
        "steps_a_round": steps,
        "written": steps / seconds[False][0],
        "recorded": steps / seconds[True][0],
        "ratio": seconds[False][0] / seconds[True][0],
        "round_ratio": seconds[False][1] / seconds[True][1],
    }


def _seconds(call: Any) -> float:
    torch.cuda.synchronize()
    started = time.perf_counter()
    call()
    torch.cuda.synchronize()
    return time.perf_counter() - started


def points(num: int) -> list[dict[str, Any]]:
    """Random points of mnist_mlp's space, the same each time."""
    draw = random.Random(0)
    return [
        {
            "learning_rate": 10 ** draw.uniform(-4, -1.5),
            "batch_size": draw.choice([32, 64, 128, 256]),
            "hidden_width": int(2 ** draw.uniform(7, 10)),
            "dropout": draw.uniform(0, 0.6),
            "batch_norm": draw.random() < 0.5,
            "optimizer": draw.choice(["adam", "adamw", "momentum"]),
            "schedule": draw.choice(["constant", "cosine", "one_cycle"]),
        }
        for _ in range(num)
    ]


class Trials:
    """Trains numbered trials of mnist_mlp."""

    def __init__(self, rounds: int, data_root: Path) -> None:
        self.rounds = rounds
        self.points = points(max(TRIALS.values()) + 1)
        self.task, self.splits = load("mnist_mlp", data_root)

    def train(self, numbers: list[int], size: int, recorded: bool) -> tuple[float, dict[int, str]]:
        """Train trials, `size` at the same time. Returns the seconds, and the figures of each trial's last round."""
        waiting, runs, last, pack = list(numbers), {}, {}, Pack[int]()
        torch.cuda.synchronize()
        started = time.perf_counter()
        while waiting or runs:
            while waiting and len(runs) < size:
                number = waiting.pop(0)
                runs[number] = begin(
                    self.task,
                    self.points[number],
                    self.splits,
                    rounds=self.rounds,
                    seed=number,
                    recorded=recorded,
                )
                pack.begin(number, runs[number])
            number, outcome = pack.next()
            if isinstance(outcome, Exception):
                raise outcome
            if runs[number].rounds_done < self.rounds:
                pack.begin(number, runs[number])
            else:
                last[number] = repr(outcome.figures())
                runs.pop(number).close()
        torch.cuda.synchronize()
        return time.perf_counter() - started, last


def trials_of(sizes: list[int], rounds: int, data_root: Path) -> list[dict[str, Any]]:
    """Trials per hour: one at a time with unrecorded steps, in packs, and in processes that share the GPU."""
    trials = Trials(rounds, data_root)
    extra = len(trials.points) - 1
    for recorded in (False, True):  # warm-up: libraries are loaded and kernels compiled once
        trials.train([extra], 1, recorded)
    seconds, expected = trials.train([0, 1, 2, 3], 1, False)
    cells = [_cell("one process, as written", 1, 4, rounds, seconds)]
    print(cells[0], flush=True)
    for size in sizes:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        busy = time.process_time()
        seconds, found = trials.train(list(range(TRIALS[size])), size, True)
        cell = _cell("one process, recorded", size, TRIALS[size], rounds, seconds)
        cell["processor_share"] = (time.process_time() - busy) / seconds
        cell["memory_gib"] = torch.cuda.max_memory_reserved() / 2**30
        cell["equal"] = all(found[number] == expected[number] for number in expected)
        cells.append(cell)
        print(cell, flush=True)
    for num, recorded, count in ((4, False, 12), (4, True, 32)):
        cells.append(processes(num, recorded, count, rounds, data_root))
        print(cells[-1], flush=True)
    return cells


def _cell(what: str, at_once: int, trials: int, rounds: int, seconds: float) -> dict[str, Any]:
    """The record of one row. It also has steps per second, as sets of trials have different batch sizes."""
    steps = rounds * sum(TRAIN_ROWS // point["batch_size"] for point in points(trials))
    return {
        "what": what,
        "at_once": at_once,
        "trials": trials,
        "trials_per_hour": trials / seconds * 3600,
        "steps_per_second": steps / seconds,
    }


def processes(num: int, recorded: bool, count: int, rounds: int, data_root: Path) -> dict[str, Any]:
    """The row of `num` processes that share the GPU, with one trial at a time each. Timed when all are ready."""
    shares = [",".join(str(n) for n in range(count) if n % num == part) for part in range(num)]
    base = [sys.executable, "-m", "benchmarks.packs", "--rounds", str(rounds), "--data-dir", str(data_root)]
    children = [
        subprocess.Popen(
            [*base, "--share", share, *(["--recorded"] if recorded else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for share in shares
    ]
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
    started = time.perf_counter()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        child.wait()
    seconds = time.perf_counter() - started
    assert not any(child.returncode for child in children)
    return _cell(f"{num} processes, {'recorded' if recorded else 'as written'}", num, count, rounds, seconds)


def serve(share: str, recorded: bool, rounds: int, data_root: Path) -> None:
    """The main function of one of several processes: trains its share on a signal from the parent."""
    trials = Trials(rounds, data_root)
    trials.train([len(trials.points) - 1], 1, recorded)
    print("ready", flush=True)
    sys.stdin.readline()
    trials.train([int(number) for number in share.split(",")], 1, recorded)
    sys.stdout.flush()
    os._exit(0)  # so that the time to end the process is not counted


def tables(kept: dict[str, Any]) -> str:
    """The figures in Markdown."""
    lines = [
        "| task | steps/s, as written | steps/s, recorded | speedup of the steps | speedup of whole rounds |",
        "|---|---|---|---|---|",
    ]
    for name, each in kept["steps"].items():
        lines.append(
            f"| {name} | {each['written']:,.0f} | {each['recorded']:,.0f} | {each['ratio']:.1f} | {each['round_ratio']:.1f} |"
        )
    lines += [
        "",
        "| trials of mnist_mlp | at once | trials an hour | times the first row | steps/s | times the first row |",
    ]
    lines.append("|---|---|---|---|---|---|")
    for cell in kept["trials"]:
        first = kept["trials"][0]
        rate, steps = (cell[name] / first[name] for name in ("trials_per_hour", "steps_per_second"))
        lines.append(
            f"| {cell['what']} | {cell['at_once']} | {cell['trials_per_hour']:,.0f} | {rate:.1f} | "
            f"{cell['steps_per_second']:,.0f} | {steps:.1f} |"
        )
    return "\n".join(lines)


def with_tables(page: str) -> str:
    """The page with the stored figures."""
    from benchmarks.page_blocks import with_block

    return with_block(page, "packs", tables(json.loads(RESULTS.read_text())))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sizes", default="1,4,16,64")
    parser.add_argument("--only", choices=["steps", "trials"])
    parser.add_argument("--data-dir", type=Path, default=Path("data"))
    parser.add_argument(
        "--write", type=Path, nargs="?", const=RESULTS, metavar="FILE", help="Keep the figures."
    )
    parser.add_argument("--share", help=argparse.SUPPRESS)
    parser.add_argument("--recorded", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    make_deterministic(threads=1)
    if wanted.share:
        serve(wanted.share, wanted.recorded, wanted.rounds, wanted.data_dir)
    kept: dict[str, Any] = {
        "card": torch.cuda.get_device_name(),
        "torch": torch.__version__,
        "date": datetime.date.today().isoformat(),
        "rounds": wanted.rounds,
        "steps": {},
        "trials": [],
    }
    if wanted.only != "trials":
        for name in STEPS:
            kept["steps"][name] = steps_of(name, wanted.data_dir)
            print(name, kept["steps"][name], flush=True)
    if wanted.only != "steps":
        kept["trials"] = trials_of(
            [int(size) for size in wanted.sizes.split(",")], wanted.rounds, wanted.data_dir
        )
    if wanted.write:
        wanted.write.write_text(json.dumps(kept, indent=1) + "\n")
        if wanted.write == RESULTS:
            PAGE.write_text(with_tables(PAGE.read_text()))
    print(tables(kept))


if __name__ == "__main__":
    main()
