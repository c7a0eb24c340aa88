"""Asks the workers for the latest states that a user's own code has saved, before its trials are paused.

A separate thread of each worker answers, because the code itself may be in the middle of a long round.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from sweeps.driver.study_driver import StudyDriver
from sweeps.runners.answering import keep_latest
from sweeps.runners.ray_tune.known_slot import KnownSlot
from sweeps.runners.ray_tune.mailbox import AWAITS, LATEST, PAUSE_LANE, Message

PATIENCE_SECONDS = 10.0  # how long to wait for the states, which may be large


class LatestStates:
    """Asks, in the driver, all workers that train a trial for its latest state, and stores the states."""

    def __init__(self, slots: Mapping[int, KnownSlot], driver: StudyDriver, mailbox: Any) -> None:
        self._slots, self._driver, self._mailbox = slots, driver, mailbox
        self._deadline = time.monotonic() + PATIENCE_SECONDS
        self._asked = {index for index in slots if self._trains(index)}
        for index in self._asked:
            self._ask(index)

    @property
    def is_waiting(self) -> bool:
        """Whether the state of a running trial may still arrive."""
        return time.monotonic() < self._deadline and any(map(self._trains, self._asked))

    def take(self, message: Message) -> bool:
        """Store the state that a worker has sent. Returns false if the message is about something else."""
        if message.kind == AWAITS:  # the worker's thread has just started to wait
            self._ask(message.slot)
        elif message.kind == LATEST:
            if message.life == self._slots[message.slot].life and message.content is not None:
                keep_latest(self._driver, *message.content)
            self._asked.discard(message.slot)
        return message.kind in (AWAITS, LATEST)

    def _ask(self, index: int) -> None:
        self._mailbox.answer.remote(index, self._slots[index].life, True, PAUSE_LANE)

    def _trains(self, index: int) -> bool:
        return any(number in self._driver.running for number in self._slots[index].numbers)
