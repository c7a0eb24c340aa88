"""The mailbox between the slots' workers and the driver: it carries the workers' messages and the driver's answers.

It is an actor of its own, so neither side waits for a process that has died. Its process imports this file but neither
Ray Tune nor torch, so it starts within a second.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

AWAITS, LATEST = "awaits a pause", "latest"  # messages of the worker's thread that waits for a pause
PAUSE_LANE = -1  # the lane of this thread


@dataclass(frozen=True)
class Message:
    """A message from a slot's worker.

    kind: `begun` (the process has started), `hello` (code and data are loaded), `refuse` (the worker can't train),
    `fits` (how many trials fit into the memory), `ask` (for a trial), `told` (an event of a trial), `afterwards` (the
    code failed after its trial had ended), `awaits a pause` (answered before the study is paused), `latest` (the latest
    state that the code has saved) or `printed` (what the process has printed, which needs no answer). lane: the place
    of the trial in a worker that trains several at once. Each lane waits for one answer at a time.
    """

    slot: int
    life: str  # the id of the slot's process that sends it
    kind: str
    number: int | None = None
    content: Any = None
    lane: int = 0


class Mailbox:
    """Carries messages from workers to the driver, and the answers back."""

    def __init__(self) -> None:
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        self._answers: dict[tuple[int, str, int], asyncio.Future[Any]] = {}

    async def send(self, message: Message) -> Any:
        """Send a message and wait for its answer."""
        answer = asyncio.get_running_loop().create_future()
        self._answers[message.slot, message.life, message.lane] = answer
        await self._inbox.put(message)
        return await answer

    async def post(self, message: Message) -> None:
        """Send a message that has no answer."""
        await self._inbox.put(message)

    async def take(self, timeout_seconds: float) -> list[Message]:
        """The messages that have arrived. Waits for the first one up to the given time; returns [] if none comes."""
        try:
            messages = [await asyncio.wait_for(self._inbox.get(), timeout_seconds)]
        except TimeoutError:
            return []
        while not self._inbox.empty():
            messages.append(self._inbox.get_nowait())
        return messages

    async def answer(self, slot: int, life: str, content: Any, lane: int = 0) -> None:
        """Answer the latest message from this lane of the slot's process; do nothing if it was answered."""
        waiting = self._answers.pop((slot, life, lane), None)
        if waiting is not None and not waiting.done():
            waiting.set_result(content)
