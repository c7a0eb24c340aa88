"""The process that trains a slot's trials.

It asks the driver for a trial and reports each round, and receives the answers through the mailbox. The driver takes
messages when it has time.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from sweeps import paths
from sweeps.errors import USER_ERRORS
from sweeps.runners.make_worker import AnyWorker
from sweeps.runners.ray_tune.lanes import Lanes, check_device
from sweeps.runners.ray_tune.mailbox import AWAITS, LATEST, PAUSE_LANE, Message
from sweeps.runners.ray_tune.printed import ProcessOutput, place_of
from sweeps.runners.ray_tune.ray_import import ray
from sweeps.runners.ray_tune.start_watch import watched_start
from sweeps.runners.ray_tune.worker_setup import settle, settle_packed
from sweeps.trial.failure import failure_of

_OF_THE_DATABASE = ("PGPASSWORD", "PGPASSFILE", "PGSERVICEFILE")
T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """Sends messages from one process of a slot (`life`) to the driver."""

    slot: int
    life: str
    mailbox: Any

    def ask(self, kind: str, number: int | None = None, content: Any = None, lane: int = 0) -> Any:
        """Send a message; returns a reference to the answer."""
        return self.mailbox.send.remote(Message(self.slot, self.life, kind, number, content, lane))

    def send(self, kind: str, number: int | None = None, content: Any = None, lane: int = 0) -> Any:
        """Send a message and wait for the answer."""
        return ray.get(self.ask(kind, number, content, lane))

    def post_printed(self, numbers: Sequence[int], text: str, position: int) -> None:
        """Tell what was printed, without an answer."""
        content = (tuple(numbers), text, position)
        self.mailbox.post.remote(Message(self.slot, self.life, "printed", content=content))


def serve_slot(config: dict[str, Any]) -> None:
    """The worker's loop: it asks for trials, trains them and reports their rounds, until there are none."""
    plan, packing = config["plan"], config["packings"][config["slot"]]
    line = Line(config["slot"], os.urandom(8).hex(), config["mailbox"])
    for name in (
        paths.STORAGE_VARIABLE,
        *_OF_THE_DATABASE,
    ):  # a cluster's nodes may have been started with these secrets, which user code must not see
        os.environ.pop(name, None)
    context = ray.get_runtime_context()
    node = context.get_node_id()
    line.send("begun", content=(context.current_actor, node))
    at_home, timeout = node == config["home"], config["start_timeout"]
    output = ProcessOutput(
        place_of(Path(config["folder"]), line.life) if at_home else None, line.post_printed
    )
    if packing is None:
        alone = _settled(lambda: settle(plan, at_home), line, node, timeout)
        if alone is not None:
            if plan.is_function:
                threading.Thread(target=_send_latest, args=(alone, line), daemon=True).start()
            _serve_one_by_one(alone, line, output)
    else:
        packed = _settled(lambda: settle_packed(plan, at_home), line, node, timeout)
        if packed is not None:
            Lanes(packed, line, packing, output).serve()


def _settled(
    make: Callable[[], tuple[T, dict[str, Any]]], line: Line, node: str, timeout_seconds: float
) -> T | None:
    """Make a worker and send its environment to the driver.

    Returns None if the worker can't be made; the driver then ends the run.
    """

    def refuse(why: str) -> None:
        line.send("refuse", content=(node, why))

    try:
        with watched_start(timeout_seconds, refuse):
            worker, environment = make()
    except BaseException as error:  # noqa: BLE001 - any error is sent to the driver
        failure = failure_of(error)
        refuse(failure.message if isinstance(error, USER_ERRORS) else failure.in_short)
        return None
    line.send("hello", content=environment)
    return worker


def _serve_one_by_one(worker: AnyWorker, line: Line, output: ProcessOutput) -> None:
    while (assignment := line.send("ask")) is not None:
        output.trains(assignment.number)
        with contextlib.closing(worker.train(assignment)) as training:
            goes_on, answered = True, None
            while goes_on:
                told = training.send(answered)
                output.flush()
                goes_on, answered = line.send("told", assignment.number, told)
                check_device(told)
        output.trains()
        if worker.failed_afterwards is not None:
            line.send("afterwards", assignment.number, worker.failed_afterwards)
        worker.release()


def _send_latest(worker: AnyWorker, line: Line) -> None:
    """Wait until the study is paused, and then send the latest state that the trial's code has saved."""
    with contextlib.suppress(ray.exceptions.RayError):  # raised if the driver has ended
        line.send(AWAITS, lane=PAUSE_LANE)
        line.send(LATEST, content=worker.latest_state(), lane=PAUSE_LANE)
