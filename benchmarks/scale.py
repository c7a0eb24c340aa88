"""Measures the cost of a study with many trials: reading it, resuming it, asking for a trial, the driver's memory.

    python -m benchmarks.scale [--trials 10000] [--database URL] [--repeats 5] [--memory-trials 5000] [PART ...]

The parts are commands, resume, asks and memory; by default, all are measured. Commands are measured as whole processes,
from the interpreter's start to its end, and compared with one that only imports click and SQLAlchemy. `resume` is
measured from the call of `sweeps.resume` to the start of the first trial, after torch and Optuna were imported. Each
figure is the median and the minimum of the repeats. The database must be new; by default, it is a temporary SQLite file.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import Any

import optuna
import psutil

from benchmarks.long_study import NAME, build, random_proposals
from benchmarks.nothing import NothingRun, Parameters
from objectives.training.loop import make_deterministic
from storage.leases import acquire
from sweeps.cli.terminal import announcement
from sweeps.driver.observer import Standing
from sweeps.driver.study_driver import StudyDriver
from sweeps.launching import Launch
from sweeps.samplers.proposer import Proposer
from sweeps.samplers.visible_trials import Finished
from sweeps.study.stored_study import Study, load
from sweeps.trial.work import Progress

SWEEP = [sys.executable, "-c", "from sweeps.cli import main; main()"]
COMMANDS = (
    "status",
    f"status {NAME}",
    f"best {NAME}",
    f"trials {NAME}",
    f"trials {NAME} -f json",
    f"trials {NAME} -f csv",
    f"show {NAME} 17",
)
SHORT = "short"  # a study with one round per trial
PARTS = ("commands", "resume", "asks", "memory")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", choices=[*PARTS, []])
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--database", metavar="URL")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory-trials", type=int, default=5_000)
    parser.add_argument("--measured", help=argparse.SUPPRESS)  # what a child process has to measure
    chosen = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if chosen.measured:
        print(json.dumps(MEASURED[chosen.measured](chosen)))
        return
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        os.environ["SWEEP_HOME"] = folder
        chosen.database = chosen.database or f"sqlite:///{folder}/long.db"
        started = time.perf_counter()
        print(f"python -m benchmarks.scale {shlex.join(sys.argv[1:])}")
        build(chosen.trials, storage=chosen.database)
        print(f"{chosen.trials:,} trials of 20 rounds, built in {time.perf_counter() - started:.0f} s\n")
        for part in chosen.parts or PARTS:
            SHOWN[part](chosen)


def show_commands(chosen: argparse.Namespace) -> None:
    row("python -c 'import click, sqlalchemy'", [sys.executable, "-c", "import click, sqlalchemy"], chosen)
    for words in COMMANDS:
        row(f"sweep {words}", [*SWEEP, *words.split(), "--storage", chosen.database], chosen)


def row(name: str, command: list[str], chosen: argparse.Namespace) -> None:
    seconds = []
    for _ in range(chosen.repeats):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.PIPE)
        seconds.append(time.perf_counter() - started)
    show(name, seconds)


def show(name: str, seconds: list[float]) -> None:
    print(f"{name:<40} {statistics.median(seconds):6.2f} s   least {min(seconds):.2f} s", flush=True)


def measured_apart(what: str, chosen: argparse.Namespace) -> Any:
    """The result of a measurement in a new process."""
    options = ["--trials", str(chosen.trials), "--memory-trials", str(chosen.memory_trials)]
    command = [sys.executable, "-m", "benchmarks.scale", *options, "--database", chosen.database]
    done = subprocess.run([*command, "--measured", what], check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def show_resume(chosen: argparse.Namespace) -> None:
    show(
        "sweep resume, to the first trial", [measured_apart("resume", chosen) for _ in range(chosen.repeats)]
    )


class FirstStart:
    """A watcher that notes when the first trial starts."""

    at = 0.0

    def begins(self, launching: Launch, study: Study, standing: Standing) -> None:
        announcement(launching, study)

    def started(self, assignment: Any, *, again: bool) -> None:
        self.at = self.at or time.perf_counter()

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments, **named: None


def measure_resume(chosen: argparse.Namespace) -> float:
    from sweeps.sweep import resume

    make_deterministic(1)  # imports much of torch
    watch = FirstStart()
    there = len(load(NAME, chosen.database).all_trials())
    started = time.perf_counter()
    resume(
        NAME,
        {"num_trials": there + 1},
        storage=chosen.database,
        watcher=watch,
    )
    return watch.at - started


def show_asks(chosen: argparse.Namespace) -> None:
    for name, seconds in measured_apart("asks", chosen).items():
        print(f"{name:<40} {1000 * seconds:6.1f} ms", flush=True)


def measure_asks(chosen: argparse.Namespace) -> dict[str, float]:
    spec = load(NAME, chosen.database).spec
    return {
        f"asking {sampler} for trial {num_trials:,}": seconds_per_ask(
            dataclasses.replace(spec, sampler=sampler), num_trials
        )
        for sampler in ("tpe", "random")
        for num_trials in sorted({100, 1_000, 3_000, chosen.trials})
    }


def seconds_per_ask(spec: Any, num_trials: int, asks: int = 20) -> float:
    proposer = Proposer(spec)
    for number, proposal in enumerate(random_proposals(spec, num_trials + 1)):
        proposer.restore(proposal)
        proposer.finish(number, Finished("COMPLETE", proposal.chosen["x"]))
    seconds = []
    for number in range(num_trials, num_trials + asks):
        started = time.perf_counter()
        proposal = proposer.propose()
        seconds.append(time.perf_counter() - started)
        proposer.finish(number, Finished("COMPLETE", proposal.chosen["x"]))
    return statistics.median(seconds[1:])


def show_memory(chosen: argparse.Namespace) -> None:
    build(chosen.trials, name=SHORT, rounds=1, storage=chosen.database)
    for trials, megabytes in measured_apart("memory", chosen).items():
        print(f"driver after {int(trials):>5,} more trials {megabytes:15.0f} MB", flush=True)


def measure_memory(chosen: argparse.Namespace) -> dict[int, float]:
    """Resident memory of a driver in MB, by number of trials, which have one round and train nothing."""
    study = load(SHORT, chosen.database)
    lease = acquire(study.database, study.row.study_id)
    driver = StudyDriver(study.database, study.row, study.out, lease=lease, num_trials=10**9)
    found = {}
    for done in range(chosen.memory_trials + 1):
        assignment = driver.ask()
        assert assignment is not None
        if done in (0, 200, 1_000, chosen.memory_trials):
            gc.collect()
            found[done] = psutil.Process().memory_info().rss / 1e6
        run = NothingRun(Parameters(**assignment.parameters), assignment.rounds, assignment.seed)
        driver.record(assignment.number, Progress(run.advance()))
    return found


SHOWN = {"commands": show_commands, "resume": show_resume, "asks": show_asks, "memory": show_memory}
MEASURED = {"resume": measure_resume, "asks": measure_asks, "memory": measure_memory}


if __name__ == "__main__":
    main()
