"""What the driver hears of the output of its slots: what they post, and the rest of what a dead one has printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sweeps.driver.trial_logs import TrialLogs
from sweeps.runners.ray_tune.known_slot import KnownSlot
from sweeps.runners.ray_tune.printed import last_words, place_of


class Heard:
    """Adds the output of slots to the logs of their trials. folder: of this run of Ray."""

    def __init__(self, folder: Path, logs: TrialLogs) -> None:
        self._folder, self._logs = folder, logs

    def posted(self, content: Any, slot: KnownSlot) -> None:
        """Add what a slot has posted, unless that was read from its file already."""
        if not slot.is_killed:
            numbers, text, slot.heard_until = content
            for number in numbers:
                self._logs.add(number, text)

    def rest(self, slot: KnownSlot) -> None:
        """Add what the process of a slot has printed and not posted, if it ran on this machine."""
        numbers = slot.numbers
        printed = last_words(place_of(self._folder, slot.life), slot.heard_until) if numbers else ""
        for number in numbers:
            self._logs.add(number, printed)
