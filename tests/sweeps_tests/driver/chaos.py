"""Breaks a running study at seeded random moments: kills a worker, the driver or the database, and goes on.

What is killed meets no mercy (SIGKILL). A worker is only killed once every running trial has recorded a round since
the last time: a trial whose worker dies three times in a row without one is meant to fail.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator

import psutil

from storage import Database, open_database
from storage.outcomes import states_of
from storage.rounds import last_rounds
from storage.studies import find_study

SWEEP = [sys.executable, "-c", "from sweeps.cli import main; main()"]
TIMEOUT_SECONDS = 400.0
KINDS = ("driver", "database", "worker", "worker", "worker")  # as often as each is killed


class Chaos:
    """One study of two Ray workers that is disturbed `num_kills` times, in random order.

    kill_database: how to kill the server. longest_pause_seconds: between kills.
    """

    def __init__(
        self,
        launch: list[str],
        study: str,
        storage: str,
        *,
        seed: int,
        num_kills: int,
        kill_database: Callable[[], None],
        longest_pause_seconds: float = 1.0,
    ) -> None:
        self.killed: Counter[str] = Counter()
        self._launch, self._study, self._storage = launch, study, storage
        self._chance = random.Random(seed)
        self._kinds = [KINDS[kill % len(KINDS)] for kill in range(num_kills)]
        self._chance.shuffle(self._kinds)
        self._kill_database = kill_database
        self._pause = longest_pause_seconds
        self._log = ""
        self._seen: dict[int, int] = {}  # rounds of each trial at the last kill
        self._family: set[psutil.Process] = set()

    def run(self) -> None:
        """Run the study to its end through all the kills; no process of it is left then."""
        driver = self._start(self._launch)
        try:
            for kind in self._kinds:
                driver = self._kill(kind, driver)
            self._wait_for_end(driver)
        finally:
            driver.kill()
            driver.communicate()
        _, alive = psutil.wait_procs(self._family, timeout=TIMEOUT_SECONDS)
        assert not alive, alive

    def _start(self, words: list[str]) -> subprocess.Popen[str]:
        driver = subprocess.Popen([*SWEEP, *words], stderr=subprocess.PIPE, text=True)
        self._family.add(psutil.Process(driver.pid))
        return driver

    def _kill(self, kind: str, driver: subprocess.Popen[str]) -> subprocess.Popen[str]:
        """Kill one thing once the study has gone on; returns the driver from then on."""
        self._wait_for_progress(driver)
        self._remember_family(driver)
        if kind == "worker":
            while not self._kill_a_worker():  # the last one has not been started again yet
                self._wait_for_progress(driver)
                self._remember_family(driver)
        elif kind == "driver":
            driver.kill()
            self._log += driver.communicate()[1]
            driver = self._start(["resume", self._study, "--storage", self._storage])
        else:
            self._kill_database()
        self.killed[kind] += 1
        return driver

    def _remember_family(self, driver: subprocess.Popen[str]) -> None:
        self._family |= set(psutil.Process(driver.pid).children(recursive=True))

    def _kill_a_worker(self) -> bool:
        workers = sorted(
            (p for p in self._family if _name(p).startswith("ray::ImplicitFunc")), key=lambda p: p.pid
        )
        for worker in self._chance.sample(workers, len(workers)):
            with contextlib.suppress(psutil.Error):
                worker.kill()
                return True
        return False

    def _wait_for_progress(self, driver: subprocess.Popen[str]) -> None:
        """Until every running trial has a round more than at the last kill, and then some."""
        with self._database() as database:
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while not self._has_progressed(database):
                assert driver.poll() is None, self._log + (driver.stderr.read() if driver.stderr else "")
                assert time.monotonic() < deadline, "the study does not go on"
                time.sleep(0.05)
        time.sleep(self._chance.uniform(0.0, self._pause))

    @contextlib.contextmanager
    def _database(self) -> Iterator[Database]:
        while True:
            try:
                database = open_database(self._storage)
            except Exception:  # noqa: BLE001 - not there yet, or just killed
                time.sleep(0.1)
            else:
                break
        yield database
        database.close()

    def _has_progressed(self, database: Database) -> bool:
        try:
            study = find_study(database, self._study)
            if study is None:
                return False
            running = [number for number, _ in states_of(database, study.study_id, {"RUNNING"})]
            latest = last_rounds(database, study.study_id)
        except Exception:  # noqa: BLE001 - the server was just killed
            return False
        if not running or any(latest.get(number, 0) <= self._seen.get(number, 0) for number in running):
            return False
        self._seen = latest
        return True

    def _wait_for_end(self, driver: subprocess.Popen[str]) -> None:
        self._remember_family(driver)
        self._log += driver.communicate(timeout=TIMEOUT_SECONDS)[1]
        assert driver.returncode == 0, self._log


def _name(process: psutil.Process) -> str:
    try:
        return (process.cmdline() or [""])[0]
    except psutil.Error:
        return ""
