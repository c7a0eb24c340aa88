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
        self._main_task = _Task(Process("the test", "", 0), 0.0)
        self._between: Callable[[], None] = lambda: None
        self._is_over: Callable[[], bool] | None = None
        self._failure: BaseException | None = None
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
                (self._choose() or self._main_task).turn.release()

        self._tasks.append(task)
        threading.Thread(target=run, daemon=True).start()

    def wait(self, seconds: float = 0.0, doing: str | None = None) -> None:
        """Hand the turn over for so long, at least. Raises Killed where the process was killed meanwhile."""
        task = self._task
        if task.process.is_killed:
            raise Killed
        task.process.doing = doing or task.process.doing
        task.wakes = self.now + seconds
        chosen = self._choose() or self._main_task
        if chosen is not task:
            chosen.turn.release()
            task.turn.acquire()
        if task.process.is_killed:
            raise Killed

    def run(self, between: Callable[[], None], is_over: Callable[[], bool]) -> None:
        """Give turns until it is over; then end what is left. Raises what `between` and `is_over` raise."""
        self._between, self._is_over = between, is_over
        if (first := self._choose()) is not None:
            first.turn.release()
            self._main_task.turn.acquire()
        self._is_over = None
        for task in list(self._tasks):
            task.process.is_killed = True
            while not task.is_done:
                task.turn.release()
                self._main_task.turn.acquire()
        if self._failure is not None:
            raise self._failure

    def _choose(self) -> _Task | None:
        """The task whose turn is next; None where it is over. Asked by the thread whose turn ends, whichever it is."""
        try:
            while self._is_over is not None and not self._is_over():
                self._between()
                task = self._next()
                if task is not None:
                    moment = max(self.now, task.wakes, task.process.paused_until)
                    self.now = moment + self.chance.expovariate(1 / 0.002)
                    self.steps += 1
                    return task
        except BaseException as error:  # noqa: BLE001 - raised by `run`
            self._failure, self._is_over = error, None
        return None

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
