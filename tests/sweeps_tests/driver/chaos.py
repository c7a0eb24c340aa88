"""Breaks a running study at seeded random moments: kills or pauses a worker, the driver or the database, and goes on.

Kills are SIGKILL. What is paused (SIGSTOP) wakes later; a driver also after another driver has taken over its study. A
worker is only killed once every running trial has recorded a round since the last time, because a trial fails when its
worker dies three times in a row without one.
"""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator

import psutil

from storage import Database, open_database
from storage.leases import holder
from storage.outcomes import count_states, states_of
from storage.rounds import last_rounds
from storage.studies import find_study
from sweeps.study.stored_study import Study
from tests.conftest import TOY, TOY_SPACE
from tests.sweeps_tests.driver.tables import figures

STUDY = "disturbed"
HOW = ("seconds=0.06", "behaviour=overfits")
SWEEP = [sys.executable, "-c", "from sweeps.cli import main; main()"]
TIMEOUT_SECONDS = 400.0
KINDS = ("driver", "database", "worker", "worker", "worker")  # as often as each is killed
PAUSES = ("pause worker", "pause driver", "pause driver, successor")  # as often as each is paused
TAKES_OVER_SECONDS = 25.0  # if a successor takes longer, it waits for a lock that the paused driver holds


class Chaos:
    """One study of two Ray workers that is disturbed `num_kills` + `num_pauses` times, in random order.

    kill_database: how to kill the server; None where there is none. longest_pause_seconds: between kills.
    """

    def __init__(
        self,
        launch: list[str],
        study: str,
        storage: str,
        *,
        seed: int,
        num_kills: int,
        num_pauses: int = 0,
        kill_database: Callable[[], None] | None,
        longest_pause_seconds: float = 1.0,
    ) -> None:
        self.killed: Counter[str] = Counter()
        self._launch, self._study, self._storage = launch, study, storage
        self._chance = random.Random(seed)
        kinds = [kind for kind in KINDS if kind != "database" or kill_database is not None]
        self._kinds = [kinds[kill % len(kinds)] for kill in range(num_kills)]
        self._kinds += [PAUSES[pause % len(PAUSES)] for pause in range(num_pauses)]
        self._chance.shuffle(self._kinds)
        self._kill_database = kill_database
        self._pause = longest_pause_seconds
        self._log = ""
        self._seen: dict[int, int] = {}  # rounds of each trial at the last kill
        self._drivers: list[subprocess.Popen[str]] = []
        self._family: set[psutil.Process] = set()

    def run(self) -> None:
        """Run the study to its end through all the kills; no process of it is left then."""
        driver = self._start(self._launch)
        try:
            for kind in self._kinds:
                driver = self._kill(kind, driver)
            self._wait_for_end(driver)
        finally:
            for started in self._drivers:
                started.kill()
                started.wait()
        _, alive = psutil.wait_procs(self._family, timeout=TIMEOUT_SECONDS)
        assert not alive, alive

    def _start(self, words: list[str]) -> subprocess.Popen[str]:
        driver = subprocess.Popen([*SWEEP, *words], stderr=subprocess.PIPE, text=True)
        self._drivers.append(driver)
        self._family.add(psutil.Process(driver.pid))
        return driver

    def _kill(self, kind: str, driver: subprocess.Popen[str]) -> subprocess.Popen[str]:
        """Kill or pause one thing once the study has gone on; returns the driver from then on."""
        self._wait_for_progress(driver)
        self._remember_family(driver)
        match kind:
            case "worker":
                self._signal_a_worker(signal.SIGKILL, driver)
            case "driver":
                driver.kill()
                self._log += driver.communicate()[1]
                driver = self._start(["resume", self._study, "--storage", self._storage])
            case "database" if self._kill_database is not None:
                self._kill_database()
            case "pause worker":
                self._let_sleep(self._signal_a_worker(signal.SIGSTOP, driver))
            case "pause driver":
                driver.send_signal(signal.SIGSTOP)
                self._let_sleep(psutil.Process(driver.pid))
            case "pause driver, successor":
                driver = self._succeed(driver)
        self.killed[kind] += 1
        return driver

    def _let_sleep(self, process: psutil.Process) -> None:
        """Wake a paused process after a while."""
        time.sleep(self._chance.uniform(0.0, 3.0))
        with contextlib.suppress(psutil.Error):
            process.resume()

    def _remember_family(self, driver: subprocess.Popen[str]) -> None:
        self._family |= set(psutil.Process(driver.pid).children(recursive=True))

    def _signal_a_worker(self, number: signal.Signals, driver: subprocess.Popen[str]) -> psutil.Process:
        """Send a signal to a worker, once there is one."""
        while True:
            workers = sorted(
                (p for p in self._family if _name(p).startswith("ray::ImplicitFunc")), key=lambda p: p.pid
            )
            for worker in self._chance.sample(workers, len(workers)):
                with contextlib.suppress(psutil.Error):
                    worker.send_signal(number)
                    return worker
            self._wait_for_progress(driver)  # the last one has not been started again yet
            self._remember_family(driver)

    def _succeed(self, driver: subprocess.Popen[str]) -> subprocess.Popen[str]:
        """Pause the driver until another one has its study, then wake it: one of the two ends, and says why."""
        driver.send_signal(signal.SIGSTOP)
        successor = self._start(["resume", self._study, "--storage", self._storage])
        deadline = time.monotonic() + TAKES_OVER_SECONDS
        while not self._holds(successor) and time.monotonic() < deadline:
            time.sleep(0.1)
        driver.send_signal(signal.SIGCONT)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while driver.poll() is None and successor.poll() is None:
            assert time.monotonic() < deadline, "two drivers, and none of them ends"
            time.sleep(0.1)
        ended, goes_on = (driver, successor) if driver.poll() is not None else (successor, driver)
        self._log += ended.communicate()[1]
        assert ended.returncode != 0, self._log
        return goes_on

    def _holds(self, driver: subprocess.Popen[str]) -> bool:
        with self._database() as database:
            study = find_study(database, self._study)
            held = None if study is None else holder(database, study.study_id)
        return held is not None and f"process {driver.pid}" in held

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


def disturb(
    storage: str,
    num_trials: int,
    num_kills: int,
    num_pauses: int,
    *,
    seed: int | None = None,
    kill_database: Callable[[], None] | None = None,
) -> Chaos:
    """Launch a study of the toy on Ray, and run it to its end through so many kills and pauses."""
    launch = ["launch", TOY, "--space", str(TOY_SPACE), *HOW, "-n", str(num_trials), "--study", STUDY]
    launch += ["--runner", "ray", "--workers", "2", "--checkpoint-every", "0", "--storage", storage]
    chaos = Chaos(
        launch,
        STUDY,
        storage,
        seed=num_kills + num_pauses if seed is None else seed,
        num_kills=num_kills,
        num_pauses=num_pauses,
        kill_database=kill_database,
    )
    chaos.run()
    return chaos


def assert_undisturbed(study: Study, undisturbed: Study) -> None:
    """The same table, and nothing left: no trial in flight, no lease, no file that is not a result."""
    assert figures(study) == figures(undisturbed)
    assert count_states(study.database, study.row.study_id) == {"COMPLETE": len(study.table())}
    assert holder(study.database, study.row.study_id) is None
    files = {path.relative_to(study.out).as_posix() for path in study.out.rglob("*") if path.is_file()}
    kept = {f"weights/{trial.attributes['weights']['file']}" for trial in study.ranking(5)}
    assert files == {".study.json", "best.yaml", *kept}


def _name(process: psutil.Process) -> str:
    try:
        return (process.cmdline() or [""])[0]
    except psutil.Error:
        return ""
