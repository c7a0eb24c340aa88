"""A study, the hosts that its drivers run on, and what breaks and when."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from storage import LeaseHeld, LeaseLost, StorageRefused, StorageUnavailable, StudyNotFound, open_database
from storage.leases import acquire
from storage.requests import request_stop
from storage.studies import delete_study, find_study
from storage.trials import TrialRow
from sweeps import RunSettings, StudySettings, sweep
from sweeps.driver import folder_owner, results_folder
from sweeps.launching import Launch, prepare
from sweeps.runners import inline
from sweeps.study.stored_study import Study
from tests.conftest import TOY, TOY_SPACE
from tests.simulation.database import Disk, SimulatedDatabase, SimulatedHost
from tests.simulation.scheduler import Process, Scheduler
from tests.simulation.worker import SimulatedRunner, SimulatedWorker

PLACES = ("a boot, one process table", "a boot, another process table", "another boot")
EXPECTED = (LeaseHeld, LeaseLost, StorageRefused, StorageUnavailable, StudyNotFound)
MOST_STEPS, MOST_PROCESSES = 40_000, 60
KINDS = (
    *("kill", "pause", "pause", "cut off", "clock jump", "full disk", "second driver", "slow", "lost answer"),
    *("delete", "stop", "pause, delete", "pause, second driver"),
)
HARMLESS = ("second driver", "delete", "stop", "kill")  # to a driver that goes on


class World:
    """One schedule. launches: of the study, and of those of its name after each deletion."""

    def __init__(
        self, seed: int, launches: Sequence[Launch], template: Path, folder: Path, *, is_quiet: bool = False
    ) -> None:
        self.scheduler = Scheduler(seed)
        chance = self.scheduler.chance
        self.folder = folder
        self.disk = Disk(self.scheduler, self._target(template))
        self.launches = [
            dataclasses.replace(each, run=dataclasses.replace(each.run, out=str(folder / f"out-{index}")))
            for index, each in enumerate(launches)
        ]
        self._fingerprints = [each.planned.spec.fingerprint for each in self.launches]
        self.generation = 0
        self.processes: list[Process] = []
        self.databases: dict[Process, SimulatedDatabase] = {}
        self.reached: Counter[tuple[str, str]] = Counter()
        self.told: list[str] = []
        self.is_complete = False
        self.ended_at: dict[Process, float] = {}
        self._troubles: list[tuple[float, float]] = []
        num_faults = 0 if is_quiet else chance.randint(1, 6)
        self._faults = sorted(chance.randint(5, 350) for _ in range(num_faults))
        self._slots = chance.choice([0, 1, 2])  # 0: the real inline runner
        self._idle_until = 0.0

    def run(self) -> None:
        """The whole schedule, to a complete study and no process left."""
        with self._surroundings():
            self.scheduler.run(self._between, self._is_over)
        for database in self.databases.values():
            database.cut()

    # -- what goes on --------------------------------------------------------------------------------

    @property
    def drivers(self) -> list[Process]:
        """Those that are neither killed nor at their end."""
        return [each for each in self.processes if not each.is_killed and not each.is_over]

    def _is_over(self) -> bool:
        if self.scheduler.steps > MOST_STEPS or len(self.processes) > MOST_PROCESSES:
            raise AssertionError("the study does not come to its end")
        if any(each.error for each in self.processes):
            return True  # told by the checker
        return self.is_complete and not self._faults and not self.drivers

    def _between(self) -> None:
        if self._faults and (
            self.scheduler.steps >= self._faults[0] or (self.is_complete and not self.drivers)
        ):
            self._faults.pop(0)
            self._break_something()
        if not self.drivers and not self.is_complete and self.scheduler.now >= self._idle_until:
            self.start(self._drive)
        elif not self.drivers:
            self.scheduler.now += 0.5

    def start(self, action: Callable[[Process, SimulatedDatabase], None]) -> None:
        """A new process on some host."""
        place = self.scheduler.chance.choice(PLACES)
        pid = 1 + len(self.processes)
        process = Process(f"process {len(self.processes)} ({action.__name__[1:]})", place, pid)
        process.offset = self.scheduler.chance.uniform(0.0, 1e6)
        self.processes.append(process)
        host = SimulatedHost(self.scheduler, process, self.processes)
        database = self.databases[process] = SimulatedDatabase(self.disk, process, host)

        def run() -> None:
            try:
                action(process, database)
            except EXPECTED as error:
                self._tell(f"{process}: {error}")
            except sqlite3.Error as error:
                self._tell(f"{process}: {error}")
            except Exception as error:
                if not _is_about_the_database(error):
                    raise
                self._tell(f"{process}: {error!r:.200}")
            finally:
                self.ended_at.setdefault(process, self.scheduler.now)
                if not process.is_killed:
                    process.is_over = True
                    self._idle_until = self.scheduler.now + 30.0

        self.scheduler.start(process, run)
        self._tell(f"{process} starts at {place}, {pid}")

    def _drive(self, process: Process, database: SimulatedDatabase) -> None:
        launch = self.launches[self.generation]
        row = find_study(database, launch.name)
        if row is not None and row.fingerprint != launch.planned.spec.fingerprint:
            # What `launch` refuses. Who had looked before the study was deleted may have launched the old one anew.
            self.generation = self._fingerprints.index(row.fingerprint)
            return
        row = row or sweep._create(database, launch)
        process.study_id = row.study_id
        result = sweep._drive(database, row, launch, None)
        if result.ending is None and launch is self.launches[self.generation]:
            self.is_complete = True
        self._tell(f"{process} ends: {result.ending}")

    def _delete(self, process: Process, database: SimulatedDatabase) -> None:
        row = find_study(database, self.launches[self.generation].name)
        if row is None or self.generation + 1 == len(self.launches):
            return
        lease = acquire(database, row.study_id)
        process.study_id = row.study_id
        try:
            delete_study(lease, lambda: self._deleted(Study(database, row)))
        finally:
            lease.release()

    def _deleted(self, study: Study) -> None:
        if study.row.fingerprint != self._fingerprints[self.generation]:
            return  # another process has deleted it meanwhile
        results_folder._remove_results(study, range(99))
        self.generation += 1
        self.is_complete = False
        self._tell(f"deleted; now {self.launches[self.generation].planned.spec.seed}")

    def _stop(self, process: Process, database: SimulatedDatabase) -> None:
        row = find_study(database, self.launches[self.generation].name)
        if row is not None:
            request_stop(database, row.study_id, now=self.scheduler.chance.random() < 0.5)

    # -- what breaks ---------------------------------------------------------------------------------

    def _break_something(self) -> None:
        chance, now = self.scheduler.chance, self.scheduler.now
        kind = chance.choice(KINDS)
        seconds = chance.choice([3.0, 12.0, 40.0, 400.0])
        victim = chance.choice(self.drivers) if self.drivers else None
        self.reached[kind, victim.doing if victim else "nobody"] += 1
        self._tell(f"{kind} for {seconds:g} s: {victim}, {victim.doing if victim else ''}")
        if kind not in HARMLESS:
            self._troubles.append((now, now + seconds))
        if victim is not None and "pause" in kind:
            victim.paused_until = now + seconds
        match kind.split(", ")[-1]:
            case "second driver":
                self.start(self._drive)
            case "delete":
                self.start(self._delete)
            case "stop":
                self.start(self._stop)
            case "full disk":
                self.disk.full_until = now + seconds
        if victim is None:
            return
        match kind:
            case "kill":
                victim.is_killed = True
                self.ended_at[victim] = now
                self.databases[victim].cut()
            case "cut off":
                victim.cut_off_until = now + seconds
            case "clock jump":
                victim.offset += seconds
            case "slow":
                victim.slow_until = now + seconds
            case "lost answer":
                self.disk.loses_answers.add(victim)

    def was_troubled(self, moment: float, seconds: float) -> bool:
        """Whether something was broken within so many seconds before a moment."""
        return any(since <= moment <= until + seconds for since, until in self._troubles)

    # -- how it is set up ----------------------------------------------------------------------------

    def _tell(self, line: str) -> None:
        self.told.append(f"{self.scheduler.steps:6} {self.scheduler.now:8.2f} s  {line}")

    def _target(self, template: Path) -> str:
        path = self.folder / "studies.db"
        shutil.copy(template, path)
        self._anchor = sqlite3.connect(path)
        return str(path)

    def rows(self, sql: str, *values: object) -> list[tuple[object, ...]]:
        """Read the database past everything that is being tested."""
        return self._anchor.execute(sql, values).fetchall()

    def close(self) -> None:
        self._anchor.close()

    @contextlib.contextmanager
    def _surroundings(self) -> Iterator[None]:
        """Within, whatever would start real work is simulated."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sweep, "_runner", lambda launching: self._runner())
            patch.setattr(sweep, "work_plan", lambda launching: None)
            patch.setattr(sweep, "_environment_here", lambda launching: {"simulated": "here"})
            patch.setattr(results_folder, "best_yaml", _best_json)  # YAML takes a third of the time
            patch.setattr(
                folder_owner, "_fingerprint", lambda path: json.loads(path.read_text())["fingerprint"]
            )
            patch.setattr(inline, "make_worker", lambda plan, breaks_off: SimulatedWorker(self.scheduler))
            yield

    def _runner(self) -> inline.InlineRunner | SimulatedRunner:
        return SimulatedRunner(self.scheduler, self._slots) if self._slots else inline.InlineRunner()


def _best_json(study: Study, trial: TrialRow, path: Path, kept: Path | None = None) -> str:
    return json.dumps({"trial": trial.number, "fingerprint": study.row.fingerprint})


def _is_about_the_database(error: BaseException | None) -> bool:
    """Whether a driver ended because the database failed it: it may, and the next one goes on."""
    seen = error
    while seen is not None:
        if isinstance(seen, sqlite3.OperationalError):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def make_launches(storage: str, schedule: str = "full") -> list[Launch]:
    """Of one name, and three specifications."""
    rounds, num_trials = (3, 3) if schedule == "full" else (6, 4)
    return [
        prepare(
            StudySettings(
                TOY,
                space=TOY_SPACE,
                sampler="random",
                stop_rule="none",
                schedule=schedule,
                rounds=rounds,
                parallelism=2,
                seed=seed,
            ),
            RunSettings(
                runner="inline",
                num_trials=num_trials,
                max_failures=100,
                keep_weights="top:1",
                checkpoint_seconds=0.0,
            ),
            study="simulated",
            storage=storage,
        )
        for seed in range(3)
    ]


def make_template(folder: Path) -> Path:
    """A database with all tables and no study."""
    path = folder / "template.db"
    open_database(f"sqlite:///{path}", create=True).close()
    return path
