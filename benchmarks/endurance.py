"""Long runs of a task that does nothing, to see whether memory, open files, threads or the time of a round grow.

    python -m benchmarks.endurance [--only NAME] [--rounds 7500] [--again] [--write]

`rounds`: one trial of 7,500 rounds, on Ray and inline. `trials`: 300 trials of five rounds, on Ray and inline. Each of the
four cells runs in its own process, and its result is stored when it has ended. Stored cells are measured again only with
--again. --write puts the tables into docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from benchmarks.page_blocks import with_block

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "endurance.json"
SHARED_MEMORY = Path("/dev/shm")
PAGE = HERE.parent / "docs" / "performance.md"
CELLS = ("rounds inline", "rounds ray", "trials inline", "trials ray")
ROUNDS = 7500
NUM_TRIALS = 300
_PARTS = {
    "gcs_server": "control",
    "raylet": "raylet",
    "ray::ImplicitFunc": "worker",
    "ray::Mailbox": "mailbox",
}
_PARTS_SHOWN = ("driver", "worker", "mailbox", "control", "raylet")


def part_of(process: psutil.Process) -> str | None:
    """Which part of the service a process is; None if it is not one of the parts that are measured."""
    if process.pid == os.getpid():
        return "driver"
    command = " ".join(process.cmdline()[:1])
    return next((part for mark, part in _PARTS.items() if mark in command), None)


def footprint() -> dict[str, dict[str, float]]:
    """Memory in MB, open files and threads of the driver and of each kind of Ray's processes (the largest of a kind)."""
    parts: dict[str, dict[str, float]] = {}
    this = psutil.Process()
    for process in [this, *this.children(recursive=True)]:
        try:
            part = part_of(process)
            seen = {
                "MB": process.memory_info().rss / 1e6,
                "files": process.num_fds(),
                "threads": process.num_threads(),
            }
        except psutil.Error:
            continue
        if part is not None:
            known = parts.setdefault(part, seen)
            parts[part] = {name: max(value, known[name]) for name, value in seen.items()}
    return parts


class Looks:
    """A watcher that measures the footprint after given numbers of rounds or trials, and notes the time of each."""

    def __init__(self, moments: tuple[int, ...], *, counts_trials: bool) -> None:
        self.looks: list[dict[str, Any]] = []
        self.times: list[float] = []  # when each counted round or trial ended
        self._cpu: list[float] = []  # the driver's CPU time at that moment, in seconds
        self._moments = moments
        self._counts_trials = counts_trials

    def begins(self, *arguments: object) -> None: ...

    def started(self, *arguments: object, again: bool) -> None: ...

    def paused(self, number: int) -> None: ...

    def recorded(self, *arguments: object) -> None:
        if not self._counts_trials:
            self._count()

    def ended(self, *arguments: object) -> None:
        if self._counts_trials:
            self._count()

    def _count(self) -> None:
        self.times.append(time.perf_counter())
        self._cpu.append(time.process_time())
        if len(self.times) in self._moments:
            self.looks.append({"after": len(self.times), "parts": footprint()})

    def speed(self, first: int, last: int) -> float:
        """How many rounds or trials ended per second, from number `first` to number `last`."""
        return (last - first) / (self.times[last - 1] - self.times[first - 1])

    def cpu_each(self, first: int, last: int) -> float:
        """Seconds of the driver's CPU time for each of them. Unlike the speed, it hardly depends on other programs."""
        return (self._cpu[last - 1] - self._cpu[first - 1]) / (last - first)


def left_behind(temporary: Path, before: set[str]) -> list[str]:
    """What the run has left behind after its process has ended: processes, shared memory, temporary files and sockets.

    torch creates an empty folder for its compiler wherever it is imported. That folder is not counted.
    """
    of_the_run = [
        f"process {each.info['name']}"
        for each in psutil.process_iter(["name", "cwd", "environ"])
        if (each.info["environ"] or {}).get("TMPDIR") == str(temporary)
    ]
    there = {path for path in entries([temporary, SHARED_MEMORY]) if "torchinductor_" not in path}
    return of_the_run + sorted(there - before)


def entries(folders: list[Path]) -> set[str]:
    return {str(path) for folder in folders if folder.is_dir() for path in folder.iterdir()}


def measure(name: str, most_rounds: int) -> dict[str, Any]:
    """Measure one cell in this process."""
    import sweeps
    from sweeps.sweep import launch

    kind, runner = name.split()
    num_trials, rounds = (1, most_rounds) if kind == "rounds" else (NUM_TRIALS, 5)
    last = rounds - 1 if kind == "rounds" else num_trials  # before the end of the trial, or after it
    moments = (max(10, last // 15), last // 3, 2 * last // 3, last)
    removed: Counter[str] = Counter()
    sys.addaudithook(lambda event, arguments: removed.update([event] if event == "os.remove" else []))
    looks = Looks(moments, counts_trials=kind == "trials")
    settings = sweeps.StudySettings(
        f"{HERE / 'nothing.py'}:Nothing",
        space=HERE / "nothing.yaml",
        sampler="random",
        rounds=rounds,
        stop_rule="none",
    )
    workers = 2 if runner == "ray" and kind == "trials" else 1 if runner == "ray" else None
    run = sweeps.RunSettings(num_trials=num_trials, runner=runner, workers=workers, checkpoint_seconds=0.0)
    result = launch(settings, run, watcher=looks)
    ended = time.perf_counter()
    assert len(result.study.table()) == num_trials
    step = max(1, len(looks.times) // 15)
    return {
        "looks": looks.looks,
        "speed first": looks.speed(step, 2 * step),
        "speed last": looks.speed(len(looks.times) - step, len(looks.times)),
        "cpu first": looks.cpu_each(step, 2 * step),
        "cpu last": looks.cpu_each(len(looks.times) - step, len(looks.times)),
        "removed files": removed["os.remove"],
        "seconds after the last": ended - looks.times[-1],
        "date": time.strftime("%Y-%m-%d"),
    }


def measured_apart(name: str, most_rounds: int) -> dict[str, Any]:
    """Measure one cell in a new process, with its own home folder and its own temporary folder."""
    with (
        tempfile.TemporaryDirectory(prefix="e") as home,
        tempfile.TemporaryDirectory(prefix="e") as temporary,
    ):
        environment = {**os.environ, "SWEEP_HOME": home, "TMPDIR": temporary, "OMP_NUM_THREADS": "1"}
        before = entries([SHARED_MEMORY])
        command = [
            sys.executable,
            "-m",
            "benchmarks.endurance",
            "--measured",
            name,
            "--rounds",
            str(most_rounds),
        ]
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
        cell: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return cell | {"left behind": left_behind(Path(temporary), before)}


def growth_table(cells: dict[str, Any], kind: str) -> str:
    """The table of memory, open files and threads at the first and at the last measurement, by cell and process."""
    lines = [
        f"| runner | process | after | memory, MB | open files | threads | {kind}/s | driver's CPU, ms each |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in (name for name in CELLS if name.startswith(kind) and name in cells):
        cell, runner = cells[name], name.split()[1]
        first, last = cell["looks"][0], cell["looks"][-1]
        for part in (part for part in _PARTS_SHOWN if part in first["parts"] and part in last["parts"]):
            pair = [
                (look["parts"][part][key]) for key in ("MB", "files", "threads") for look in (first, last)
            ]
            mb, files, threads = ((pair[i], pair[i + 1]) for i in (0, 2, 4))
            speed, cpu = "·", "·"
            if part == "driver":
                speed = f"{cell['speed first']:.0f} → {cell['speed last']:.0f}"
                if "cpu first" in cell:
                    cpu = f"{1000 * cell['cpu first']:.1f} → {1000 * cell['cpu last']:.1f}"
            lines.append(
                f"| {runner} | {part} | {first['after']:,} → {last['after']:,} | {mb[0]:.0f} → {mb[1]:.0f} | "
                f"{files[0]:.0f} → {files[1]:.0f} | {threads[0]:.0f} → {threads[1]:.0f} | {speed} | {cpu} |"
            )
    return "\n".join(lines)


def ends(cells: dict[str, Any]) -> str:
    """The table of what happened at the end of each cell."""
    lines = [
        "| run | files removed by the driver | seconds from the last end to the return | left behind |",
        "|---|---|---|---|",
    ]
    for name in (name for name in CELLS if name in cells):
        cell = cells[name]
        left = ", ".join(cell["left behind"]) or "nothing"
        lines.append(
            f"| {name} | {cell['removed files']:,} | {cell['seconds after the last']:.1f} | {left} |"
        )
    return "\n".join(lines)


def with_tables(page: str) -> str:
    """The page with the tables of the stored figures."""
    cells = json.loads(RESULTS.read_text())
    content = "\n\n".join([growth_table(cells, "rounds"), growth_table(cells, "trials"), ends(cells)])
    return with_block(page, "endurance", content)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=CELLS, help="One cell.")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="Rounds of the one long trial.")
    parser.add_argument("--again", action="store_true", help="Also measure cells that are already stored.")
    parser.add_argument("--write", action="store_true", help="Show the figures in the page.")
    parser.add_argument("--measured", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.measured:
        print(json.dumps(measure(wanted.measured, wanted.rounds)))
        return
    cells = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in CELLS if wanted.only is None else [wanted.only]:
        if name not in cells or wanted.again:
            cells[name] = measured_apart(name, wanted.rounds)
            RESULTS.write_text(json.dumps(cells, indent=1) + "\n")
            print(name, "measured", file=sys.stderr)
    print(growth_table(cells, "rounds"), growth_table(cells, "trials"), ends(cells), sep="\n\n")
    if wanted.write:
        PAGE.write_text(with_tables(PAGE.read_text()))


if __name__ == "__main__":
    main()
