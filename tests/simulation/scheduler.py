"""Turns: of all threads of all simulated processes, one runs at a time, and a seed decides which."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable


class Killed(BaseException):
    """Unwinds the threads of a killed process; whatever they touch on the way raises it again."""


class Process:
    """A simulated process. place: the host's boot and process table. offset: of its monotonic clock."""

    def __init__(self, name: str, place: str, pid: int) -> None:
        self.name = name
        self.place = place
        self.pid = pid
        self.is_killed = False
        self.is_over = False
        self.paused_until = 0.0
        self.cut_off_until = 0.0  # from the database
        self.slow_until = 0.0
        self.offset = 0.0
        self.doing = "starting"
        self.study_id: int | None = None
        self.error: BaseException | None = None

    def __repr__(self) -> str:
        return self.name


class _Task:
    def __init__(self, process: Process, wakes: float) -> None:
        self.process = process
        self.wakes = wakes
        self.turn = threading.Semaphore(0)
        self.is_done = False


class Scheduler:
    """Runs tasks until none is left. between: called before each turn; may kill, pause and start."""

    def __init__(self, seed: int) -> None:
        self.now = 0.0
        self.steps = 0
        self.chance = random.Random(seed)
        self._tasks: list[_Task] = []
        self._main = threading.Semaphore(0)
        self._local = threading.local()

    @property
    def process(self) -> Process:
        """The process that has the turn."""
        return self._task.process

    @property
    def _task(self) -> _Task:
        task: _Task = self._local.task
        return task

    def start(self, process: Process, action: Callable[[], None]) -> None:
        """A new thread of a process."""
        task = _Task(process, self.now)

        def run() -> None:
            self._local.task = task
            task.turn.acquire()
            try:
                if not process.is_killed:
                    action()
            except Killed:
                pass
            except BaseException as error:  # noqa: BLE001 - told by the checker
                process.error = error
            finally:
                task.is_done = True
                self._main.release()

        self._tasks.append(task)
        threading.Thread(target=run, daemon=True).start()

    def wait(self, seconds: float = 0.0, doing: str | None = None) -> None:
        """Hand the turn over for so long, at least. Raises Killed where the process was killed meanwhile."""
        task = self._task
        if task.process.is_killed:
            raise Killed
        task.process.doing = doing or task.process.doing
        task.wakes = self.now + seconds
        self._main.release()
        task.turn.acquire()
        if task.process.is_killed:
            raise Killed

    def run(self, between: Callable[[], None], is_over: Callable[[], bool]) -> None:
        """Give turns until it is over; then end what is left."""
        while not is_over():
            between()
            task = self._next()
            if task is None:
                continue
            self.now = max(self.now, task.wakes, task.process.paused_until) + self.chance.expovariate(
                1 / 0.002
            )
            self._give_turn(task)
        for task in list(self._tasks):
            task.process.is_killed = True
            while not task.is_done:
                self._give_turn(task)

    def _next(self) -> _Task | None:
        self._tasks = [task for task in self._tasks if not task.is_done]
        for task in self._tasks:
            if task.process.is_killed:
                return task
        if not self._tasks:
            return None
        ready = [task for task in self._tasks if max(task.wakes, task.process.paused_until) <= self.now]
        if ready:
            return self.chance.choice(ready)
        return min(self._tasks, key=lambda task: max(task.wakes, task.process.paused_until))

    def _give_turn(self, task: _Task) -> None:
        self.steps += 1
        task.turn.release()
        self._main.acquire()
