"""A worker's end of the line: the process that trains a slot's trials, and the mailbox between it and the driver.

A slot asks for a trial, tells each round, and is answered; the driver takes what has come whenever it likes. Both hold
a handle of the mailbox, an actor of its own, so that neither waits for a process that has died.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import Any

from sweeps.runners.ray_tune.ray_import import ray
from sweeps.runners.ray_tune.worker_setup import settle


@dataclass(frozen=True)
class Message:
    """From a slot's worker: hello | refuse | ask | round | failed, with what belongs to it."""

    slot: int
    life: str  # one process of a slot
    kind: str
    number: int | None = None
    content: Any = None


class Mailbox:
    """Carries questions from workers to the driver, and its answers back."""

    def __init__(self) -> None:
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: dict[tuple[int, str], asyncio.Future[Any]] = {}

    async def send(self, message: Message) -> Any:
        """Hand a message over and wait for the answer to it."""
        answer = asyncio.get_running_loop().create_future()
        self._answers[message.slot, message.life] = answer
        await self._inbox.put(message)
        return await answer

    async def take(self, timeout_seconds: float) -> list[Message]:
        """What has come; waits so long for a first message. Empty where none came."""
        try:
            messages = [await asyncio.wait_for(self._inbox.get(), timeout_seconds)]
        except TimeoutError:
            return []
        while not self._inbox.empty():
            messages.append(self._inbox.get_nowait())
        return messages

    async def answer(self, slot: int, life: str, content: Any) -> None:
        """Let the latest message of that process of the slot return; nothing where it has been answered."""
        waiting = self._answers.pop((slot, life), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(content)


def serve_slot(config: dict[str, Any]) -> None:
    """What runs in a worker: asks for trials, trains them, tells their rounds, until there are none."""
    slot, mailbox, plan = config["slot"], config["mailbox"], config["plan"]
    life = os.urandom(8).hex()

    def send(kind: str, number: int | None = None, content: Any = None) -> Any:
        return ray.get(mailbox.send.remote(Message(slot, life, kind, number, content)))

    context = ray.get_runtime_context()
    try:
        worker, environment = settle(plan, context.get_node_id() == config["home"])
    except Exception as error:  # noqa: BLE001 - told to the driver, which ends the study
        send("refuse", content=(context.get_node_id(), str(error) or repr(error)))
        return
    send("hello", content=(context.current_actor, context.get_node_id(), environment))
    while (assignment := send("ask")) is not None:
        try:
            for progress in worker.train(assignment):
                if not send("round", assignment.number, progress):
                    break
        except Exception as error:  # noqa: BLE001 - whatever a task raises is data
            send("failed", assignment.number, worker.failure_from(error))
        worker.release()
