"""The worker's side: the process that trains a slot's trials, and the mailbox between it and the driver.

A slot asks for a trial and reports each round, and receives an answer. The driver takes messages when it has time.
The mailbox is an actor of its own, so neither side waits for a process that has died.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from dataclasses import dataclass
from typing import Any

from sweeps import paths
from sweeps.errors import USER_ERRORS
from sweeps.runners.ray_tune.ray_import import ray
from sweeps.runners.ray_tune.worker_setup import settle
from sweeps.trial.failure import failure_of


@dataclass(frozen=True)
class Message:
    """From a slot's worker: hello | refuse | ask | told, with what belongs to it."""

    slot: int
    life: str  # one process of a slot
    kind: str
    number: int | None = None
    content: Any = None


class Mailbox:
    """Carries questions from workers to the driver, and the answers back."""

    def __init__(self) -> None:
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: dict[tuple[int, str], asyncio.Future[Any]] = {}

    async def send(self, message: Message) -> Any:
        """Send a message and wait for its answer."""
        answer = asyncio.get_running_loop().create_future()
        self._answers[message.slot, message.life] = answer
        await self._inbox.put(message)
        return await answer

    async def take(self, timeout_seconds: float) -> list[Message]:
        """The messages that have arrived. Waits for the first one, up to the given time; may be empty."""
        try:
            messages = [await asyncio.wait_for(self._inbox.get(), timeout_seconds)]
        except TimeoutError:
            return []
        while not self._inbox.empty():
            messages.append(self._inbox.get_nowait())
        return messages

    async def answer(self, slot: int, life: str, content: Any) -> None:
        """Answer the latest message of this process of the slot; do nothing if it was answered."""
        waiting = self._answers.pop((slot, life), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(content)


_OF_THE_DATABASE = ("PGPASSWORD", "PGPASSFILE", "PGSERVICEFILE")


def serve_slot(config: dict[str, Any]) -> None:
    """The worker's loop: it asks for trials, trains them and reports their rounds, until there are none."""
    slot, mailbox, plan = config["slot"], config["mailbox"], config["plan"]
    life = os.urandom(8).hex()
    for name in (
        paths.STORAGE_VARIABLE,
        *_OF_THE_DATABASE,
    ):  # a cluster's workers have what its nodes were started with
        os.environ.pop(name, None)

    def send(kind: str, number: int | None = None, content: Any = None) -> Any:
        return ray.get(mailbox.send.remote(Message(slot, life, kind, number, content)))

    context = ray.get_runtime_context()
    try:
        worker, environment = settle(plan, context.get_node_id() == config["home"])
    except BaseException as error:  # noqa: BLE001 - told to the driver, which ends the study
        failure = failure_of(error)
        why = failure.message if isinstance(error, USER_ERRORS) else failure.in_short
        send("refuse", content=(context.get_node_id(), why))
        return
    send("hello", content=(context.current_actor, context.get_node_id(), environment))
    while (assignment := send("ask")) is not None:
        with contextlib.closing(worker.train(assignment)) as training:
            goes_on, answered = True, None
            while goes_on:
                goes_on, answered = send("told", assignment.number, training.send(answered))
        worker.release()
