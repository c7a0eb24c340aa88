"""From the command to the first round: of a whole study on Ray, and of a process that trains alone.

    python -m benchmarks.first_round [--pairs 5] [--against CHECKOUT] [--alone]

A study of two trials of one round on two workers (`mnist_mlp` on `mnist-5k`), from the start of the command to the line that
tells of the first trial that ended; and a bare process that imports the training loop, loads the same rows and trains two
rounds. Seconds, and core-seconds and memory of all processes together: on a busy machine, core-seconds say more.
--against: another checkout, such as that before a change; the two are measured in turn. --alone: the bare process only.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.process_tree import VARIABLE, ProcessTree

HERE = Path(__file__).parents[1]
LAUNCH = "launch mnist_mlp --data mnist-5k -n 2 --rounds 1 --workers 2"
ALONE = """
import json, pathlib, resource, time
import torch
from objectives.registry import get_task
from objectives.training.loop import make_deterministic, start_run, train
make_deterministic(threads=1)
task = get_task("mnist_mlp")
splits = task.load("mnist-5k", pathlib.Path("."))
run = start_run(task, task.parameters_from({}), splits, rounds=2, seed=0, device=torch.device("cpu"))
scores = [latest.valid_score for latest in train(run)]
used = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps([used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, scores]))
"""
Figures = tuple[float, float, float]  # seconds, core-seconds, megabytes


def alone(checkout: Path) -> Figures:
    """A process that trains."""
    start = time.monotonic()
    told = subprocess.run(
        [sys.executable, "-c", ALONE],
        env={**os.environ, "PYTHONPATH": str(checkout)},
        cwd=checkout,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    cpu, megabytes, _ = json.loads(told)
    return time.monotonic() - start, cpu, megabytes


def study(checkout: Path) -> Figures:
    """A study, until its first trial has ended. What it started is killed then."""
    tree = ProcessTree()
    with tempfile.TemporaryDirectory(prefix="first-") as folder:
        env = {**os.environ, "PYTHONPATH": str(checkout), "SWEEP_HOME": folder, VARIABLE: tree.mark}
        start = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-c", "from sweeps.cli import main; main()", *LAUNCH.split()],
            env=env,
            cwd=checkout,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if line.startswith("[") and " s] " in line:
                break
        seconds = time.monotonic() - start
        memory, _ = tree.look()
        tree.kill()
        process.communicate()
    if not (lines and lines[-1].startswith("[")):
        raise RuntimeError(f"no trial has ended:\n{''.join(lines)}")
    return seconds, tree.cpu_seconds, memory / 1e6


def show(name: str, measured: dict[Path, list[Figures]]) -> None:
    """The medians of each checkout, and the median of the ratios of pairs."""
    for checkout, runs in measured.items():
        seconds, cpu, megabytes = (statistics.median(each) for each in zip(*runs, strict=True))
        print(f"{name:<8} {checkout.name:<12} {seconds:6.1f} s  {cpu:6.1f} core-s  {megabytes:7.0f} MB")
    if len(measured) == 2:
        one, other = measured.values()
        ratios = [statistics.median(a[k] / b[k] for a, b in zip(one, other, strict=True)) for k in range(3)]
        print(
            f"{name:<8} ratios       {ratios[0]:6.2f}    {ratios[1]:6.2f}         {ratios[2]:7.2f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--against", type=Path)
    parser.add_argument("--alone", action="store_true")
    wanted = parser.parse_args()
    checkouts = [HERE, *([wanted.against.resolve()] if wanted.against else [])]
    for name, measure in (("alone", alone), ("study", study))[: 1 if wanted.alone else 2]:
        measured: dict[Path, list[Figures]] = {checkout: [] for checkout in checkouts}
        for _ in range(wanted.pairs):
            for checkout in checkouts:
                measured[checkout].append(measure(checkout))
        show(name, measured)


if __name__ == "__main__":
    main()
