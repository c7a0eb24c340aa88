"""The mailbox between the slots' workers and the driver: questions of the workers, and the driver's answers.

It is an actor of its own, so neither side waits for a process that has died. Its process imports this file and nothing
of Ray Tune or torch, so it starts in a second.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Message:
    """From a slot's worker: begun | hello | refuse | fits | ask | told | afterwards, with what belongs to it.

    lane: of the trials that a worker trains at once, the place of this one. Each lane has one question at a time.
    """

    slot: int
    life: str  # one process of a slot
    kind: str
    number: int | None = None
    content: Any = None
    lane: int = 0


class Mailbox:
    """Carries questions from workers to the driver, and the answers back."""

    def __init__(self) -> None:
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: dict[tuple[int, str, int], asyncio.Future[Any]] = {}

    async def send(self, message: Message) -> Any:
        """Send a message and wait for its answer."""
        answer = asyncio.get_running_loop().create_future()
        self._answers[message.slot, message.life, message.lane] = answer
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

    async def answer(self, slot: int, life: str, content: Any, lane: int = 0) -> None:
        """Answer the latest message of this process of the slot; do nothing if it was answered."""
        waiting = self._answers.pop((slot, life, lane), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(content)
