"""Trials on Ray Tune's workers: the only file that knows Ray.

Each worker slot is one long-lived Tune trial: Tune places it (whole or fractional GPUs, on any node) and
starts it again when its process dies. Which hyperparameters it trains next, it asks of the StudyBook, which
stays in the driver; questions and answers pass through a mailbox actor. So a slot keeps its data and its
process from trial to trial, a trial that hangs can be killed, and nothing but the book decides.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sweeps.book import StudyBook
from sweeps.control import Control, Interruption
from sweeps.errors import SweepError, UsageError
from sweeps.outcome import Failure
from sweeps.runners.caretaker import Caretaker, kill_all
from sweeps.worker import Worker, WorkPlan, failure_from

_QUIET = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_TRAIN_COUNT_PREEMPTION_AS_FAILURE": "1",
    "TUNE_FORCE_TRIAL_CLEANUP_S": "2",
    "RAY_ENABLE_AUTO_CONNECT": "0",  # or a straggler of Tune's thread would start another Ray
}
for _name, _value in _QUIET.items():  # read by Ray when it is imported
    os.environ.setdefault(_name, _value)

import psutil  # noqa: E402
import ray  # noqa: E402
from ray import tune  # noqa: E402

POLL_SECONDS = 0.2
STARTS_BEFORE_GIVING_UP = 3
PATIENCE_SECONDS = 30.0  # with Tune's loop, at the end
INTERRUPTED_PATIENCE_SECONDS = 3.0


@dataclass(frozen=True)
class _Message:
    """From a slot's worker: hello | refuse | ask | round | failed, with what belongs to it."""

    slot: int
    life: str  # one process of a slot
    kind: str
    number: int | None = None
    content: Any = None


class _Mailbox:
    """Carries questions from workers to the driver, and its answers back."""

    def __init__(self) -> None:
        import asyncio

        self._inbox: Any = asyncio.Queue()
        self._answers: dict[tuple[int, str], Any] = {}

    async def send(self, message: _Message) -> Any:
        import asyncio

        answer = asyncio.get_running_loop().create_future()
        self._answers[message.slot, message.life] = answer
        await self._inbox.put(message)
        return await answer

    async def take(self, timeout_seconds: float) -> list[_Message]:
        import asyncio

        try:
            messages = [await asyncio.wait_for(self._inbox.get(), timeout_seconds)]
        except TimeoutError:
            return []
        while not self._inbox.empty():
            messages.append(self._inbox.get_nowait())
        return messages

    async def answer(self, slot: int, life: str, content: Any) -> None:
        waiting = self._answers.pop((slot, life), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(content)


def _serve_slot(config: dict[str, Any]) -> None:
    """What runs in a worker: asks for trials, trains them, tells their rounds, until there are none."""
    slot, mailbox, plan = config["slot"], config["mailbox"], config["plan"]
    life = os.urandom(8).hex()

    def send(kind: str, number: int | None = None, content: Any = None) -> Any:
        return ray.get(mailbox.send.remote(_Message(slot, life, kind, number, content)))

    try:
        worker = Worker(plan)
    except Exception as error:  # noqa: BLE001 - told to the driver, which ends the study
        send("refuse", content=str(error) or repr(error))
        return
    send("hello", content=ray.get_runtime_context().current_actor)
    while (assignment := send("ask")) is not None:
        try:
            for progress in worker.train(assignment):
                if not send("round", assignment.number, progress):
                    break
        except Exception as error:  # noqa: BLE001 - whatever a task raises is data
            send("failed", assignment.number, failure_from(error))


class _SlotWatch(tune.Callback):  # type: ignore[misc]
    """Tells the driver at once when a slot's process has died; Tune then starts another."""

    def __init__(self, died: queue.SimpleQueue[tuple[int, str]]) -> None:
        self._died = died

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def on_trial_recover(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._tell(trial)

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._tell(trial)

    def _tell(self, trial: Any) -> None:
        why = "its process was gone"
        with contextlib.suppress(Exception):
            error = ray.cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())
            cause = getattr(error, "cause", None) or error
            why = f"{type(cause).__name__}: {str(cause).strip().splitlines()[0]}"
        self._died.put((trial.config["slot"], why))


class _StopAll(tune.Stopper):  # type: ignore[misc]
    """Ends Tune's loop when the driver says so."""

    def __init__(self, ended: threading.Event) -> None:
        self._ended = ended

    def __getstate__(self) -> dict[str, Any]:
        return {}

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self._ended.is_set()


@dataclass
class _Slot:
    """What the driver knows of a worker slot."""

    life: str = ""
    actor: Any = None
    number: int | None = None  # the trial it trains
    deadline: float = float("inf")
    asks: bool = False  # waits for a trial
    starts_without_hello: int = 0


@dataclass
class RayRunner:
    """Serves a book with `workers` slots of `threads` CPUs and `gpus` GPUs each.

    trial_timeout_seconds: a trial that takes longer is failed and its worker killed.
    """

    workers: int
    gpus: float = 0.0
    trial_timeout_seconds: float | None = None
    _slots: dict[int, _Slot] = field(default_factory=dict)
    _died: queue.SimpleQueue[tuple[int, str]] = field(default_factory=queue.SimpleQueue)
    _fit_error: BaseException | None = None

    def run(self, book: StudyBook, plan: WorkPlan, control: Control) -> None:
        """Serve the book until it is over or the control says to end; start Ray anew where it breaks down."""
        try:
            while not control.must_end(book) and not book.is_over:
                self._run_until_breakdown(book, plan, control)
        except Interruption:
            control.must_end(book)
        finally:
            book.put_all_away()

    def _run_until_breakdown(self, book: StudyBook, plan: WorkPlan, control: Control) -> None:
        """Serve the book with one Ray. Raises SweepError where that broke down without a round recorded."""
        before = book.num_recorded
        try:
            self._run(book, plan, control)
        except ray.exceptions.RayError as error:
            if book.num_recorded == before:
                raise SweepError(
                    f"Ray broke down ({type(error).__name__}) before a round was trained; the running trials are "
                    f"put away. Go on with: sweep resume {book.study.name}"
                ) from error
            print("sweep: Ray broke down; starting it anew", file=sys.stderr)

    def _run(self, book: StudyBook, plan: WorkPlan, control: Control) -> None:
        with _ray(self.workers * plan.threads, self.gpus, control) as folder:
            self._slots = {slot: _Slot() for slot in range(self.workers)}
            self._died = queue.SimpleQueue()
            mailbox = ray.remote(num_cpus=0)(_Mailbox).remote()
            ended = threading.Event()
            fit = threading.Thread(target=self._fit, args=(plan, mailbox, ended, folder), daemon=True)
            fit.start()
            try:
                while not control.must_end(book) and not book.is_over:
                    self._bury(book)
                    for message in ray.get(mailbox.take.remote(POLL_SECONDS)):
                        self._handle(message, book, mailbox)
                    self._serve(book, mailbox)
                    self._kill_overdue(book)
                    if not fit.is_alive():
                        raise ray.exceptions.RayError(f"Tune ended: {self._fit_error!r}")
            finally:
                book.put_live_away()
                ended.set()
                for slot in self._slots.values():
                    self._kill(slot)
                # Ray must not be shut down under Tune's thread: that ends in a segmentation fault.
                fit.join(timeout=INTERRUPTED_PATIENCE_SECONDS if control.signal_number else PATIENCE_SECONDS)

    def _fit(self, plan: WorkPlan, mailbox: Any, ended: threading.Event, folder: Path) -> None:
        """Tune's own loop, in a thread of its own: it places slots and starts them again."""
        try:
            tune.Tuner(
                tune.with_resources(_serve_slot, {"cpu": plan.threads, "gpu": self.gpus}),
                param_space={"slot": tune.grid_search(list(self._slots)), "mailbox": mailbox, "plan": plan},
                tune_config=tune.TuneConfig(max_concurrent_trials=self.workers),
                run_config=tune.RunConfig(
                    name="slots",
                    storage_path=str(folder),
                    verbose=0,
                    failure_config=tune.FailureConfig(max_failures=-1),
                    callbacks=[_SlotWatch(self._died)],
                    stop=_StopAll(ended),
                ),
            ).fit()
        except BaseException as error:  # noqa: BLE001 - told to the driver's own thread
            self._fit_error = error

    def _handle(self, message: _Message, book: StudyBook, mailbox: Any) -> None:
        slot = self._slots[message.slot]
        if message.kind == "refuse":  # answered, so that the slot ends and Tune need not wait for it
            ray.get(mailbox.answer.remote(message.slot, message.life, False))
            raise UsageError(message.content)
        if message.kind == "hello":
            slot.life, slot.actor, slot.starts_without_hello = message.life, message.content, 0
            mailbox.answer.remote(message.slot, message.life, True)
            return
        if message.life != slot.life:
            return  # the last words of a process that has been given up
        if message.kind == "ask":
            slot.asks = True
            return
        goes_on = False
        if message.number == slot.number and message.number in book.live:
            if message.kind == "round":
                end = book.record(message.number, message.content)
                goes_on = end is None
            else:
                book.fail(message.number, message.content)
        if not goes_on:
            slot.number, slot.deadline = None, float("inf")
        mailbox.answer.remote(message.slot, message.life, goes_on)

    def _serve(self, book: StudyBook, mailbox: Any) -> None:
        """Give waiting slots their trials, as far as trials may start."""
        for index, slot in self._slots.items():
            if not slot.asks:
                continue
            assignment = book.ask()
            if assignment is None:
                return
            slot.asks, slot.number = False, assignment.number
            if self.trial_timeout_seconds is not None:
                slot.deadline = time.monotonic() + self.trial_timeout_seconds
            mailbox.answer.remote(index, slot.life, assignment)

    def _bury(self, book: StudyBook) -> None:
        """Take note of slots whose process died; their trials wait for another."""
        while not self._died.empty():
            index, why = self._died.get()
            slot = self._slots[index]
            if slot.number is not None and slot.number in book.live:
                book.lose(slot.number, why)
            starts = slot.starts_without_hello + 1
            self._slots[index] = _Slot(starts_without_hello=starts)
            if starts > STARTS_BEFORE_GIVING_UP:
                raise SweepError(f"A worker could not be started {starts} times in a row: {why}")

    def _kill_overdue(self, book: StudyBook) -> None:
        now = time.monotonic()
        for slot in self._slots.values():
            if now > slot.deadline and slot.number is not None:
                message = f"took longer than {self.trial_timeout_seconds:g} s"
                book.fail(slot.number, Failure("timeout", "TrialTimeout", message))
                slot.number, slot.deadline = None, float("inf")
                self._kill(slot)

    @staticmethod
    def _kill(slot: _Slot) -> None:
        if slot.actor is not None:
            with contextlib.suppress(Exception):
                ray.kill(slot.actor)
            slot.actor = None


@contextlib.contextmanager
def _ray(num_cpus: int, gpus: float, control: Control) -> Iterator[Path]:
    """A local Ray of our own, with a folder that is gone afterwards.

    Ray puts the driver's working directory on its workers' path, where a folder called `storage` would
    stand before our package: so Ray is started from that folder.
    """
    folder = Path(tempfile.mkdtemp(prefix="sweep-"))
    caretaker = Caretaker(folder)
    here = Path.cwd()
    others = set(psutil.Process().children(recursive=True))
    ours: set[psutil.Process] = set()

    def leave_nothing() -> None:
        kill_all(ours | (set(psutil.Process().children(recursive=True)) - others))
        shutil.rmtree(folder, ignore_errors=True)
        caretaker.dismiss()

    control.at_second_signal = leave_nothing
    try:
        os.chdir(folder)
        try:
            with control.interruptible():
                ray.init(
                    num_cpus=max(num_cpus, os.cpu_count() or 1),
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.CRITICAL,
                    object_store_memory=128 * 1024 * 1024,
                    _temp_dir=str(folder / "ray"),
                )
        except Exception as error:
            raise SweepError(
                f"Ray could not be started: {error}. `--runner inline` does without it."
            ) from error
        finally:
            os.chdir(here)
        ours |= set(psutil.Process().children(recursive=True)) - others
        caretaker.watch(ours)
        control.install_handlers()
        # Ray prints the deaths of workers to stdout, whatever it is told; there is no public switch.
        ray._private.worker._worker_logs_enabled = False
        for name in ("ray", "ray.tune", "ray.train", "ray.data"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        if gpus > ray.cluster_resources().get("GPU", 0.0):
            raise UsageError(
                f"--gpus-per-trial {gpus:g}: Ray sees no GPU here. Leave it out to train on the CPU."
            )
        yield folder
    finally:
        ray.shutdown()
        leave_nothing()
        control.at_second_signal = lambda: None
