"""Runs schedules by their seeds, and holds each against the undisturbed study."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.simulation.checker import Wrong, check, figures
from tests.simulation.world import World, make_launches, make_template

PAUSING = 4  # in every so manieth schedule, the study pauses trials
SHARED_MEMORY = Path("/dev/shm")  # SQLite's own databases in memory lock readers out while anybody writes


class Schedules:
    """What all schedules share: the database that they begin with, and the figures that they must come to."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = make_template(folder)
        storage = f"sqlite:///{folder}/template.db"
        self._launches = {schedule: make_launches(storage, schedule) for schedule in ("full", "thaw")}
        self.reached: Counter[tuple[str, str]] = Counter()

    @cached_property
    def _expected(self) -> dict[str, list[list[Any]]]:
        return {
            schedule: [self._undisturbed(launches[generation:]) for generation in range(len(launches))]
            for schedule, launches in self._launches.items()
        }

    def _undisturbed(self, launches: Any) -> list[Any]:
        world = self._world(0, launches, is_quiet=True)
        try:
            world.run()
            return figures(world)
        finally:
            world.close()
            shutil.rmtree(world.folder, ignore_errors=True)

    def _world(self, seed: int, launches: Any, *, is_quiet: bool = False) -> World:
        on_disk = not SHARED_MEMORY.is_dir() or seed % 10 == 0
        folder = Path(tempfile.mkdtemp(prefix="simulated-", dir=self._folder if on_disk else SHARED_MEMORY))
        return World(seed, launches, self._template, folder, is_quiet=is_quiet)

    def run(self, seed: int) -> World:
        """One schedule. Raises Wrong, with its history."""
        schedule = "thaw" if seed % PAUSING == PAUSING - 1 else "full"
        expected = self._expected[schedule]
        world = self._world(seed, self._launches[schedule])
        try:
            world.run()
            check(world, expected)
        except AssertionError as error:
            told = "\n".join(world.told)
            raise Wrong(f"seed {seed}: {error}\nAgain: python -m tests.simulation {seed}\n{told}") from error
        finally:
            self.reached += world.reached
            world.close()
            shutil.rmtree(world.folder, ignore_errors=True)
        return world

    def first_wrong(self, seeds: Iterable[int]) -> tuple[int, str] | None:
        """The first seed whose schedule breaks a promise, and how; None where all hold."""
        for seed in seeds:
            try:
                self.run(seed)
            except Wrong as wrong:
                return seed, str(wrong)
        return None
