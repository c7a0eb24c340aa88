"""Training that takes simulated time, and whose figures are a pure function of a trial's parameters and seed."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Generator, Iterator

from objectives import Round
from objectives.checkpoints.packed_file import PackedFile
from sweeps.driver.study_driver import StudyDriver
from sweeps.driver.termination import Termination
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Progress, Work, WorkPlan
from tests.simulation.scheduler import Scheduler


def packed(record: object) -> PackedFile:
    content = json.dumps(record).encode()
    return PackedFile(content, hashlib.sha256(content).hexdigest())


class SimulatedWorker:
    failed_afterwards = None  # its code never fails once a trial has ended

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def latest_state(self) -> None:
        """A trial that is paused continues from what it has sent."""

    def train(self, work: Work) -> Generator[Progress | Failure]:
        figures = random.Random(f"{work.seed} {sorted(work.parameters.items())}")
        scores = [figures.random() for _ in range(work.rounds)]
        fails = figures.random() < 0.2
        fails_at = work.rounds if work.until is None else figures.choice([3, 4])  # first or last of a slice
        done = 0 if work.checkpoint is None else json.loads(bytes(work.checkpoint.content))
        for index in range(done + 1, work.rounds + 1):
            self._scheduler.wait(self._scheduler.chance.uniform(0.2, 3.0), "training")
            if fails and index == fails_at:
                yield Failure("error", "ValueError", "as its parameters have it", "")
                return
            is_best = scores[index - 1] > max(scores[: index - 1], default=-1.0)
            is_kept = index < work.rounds and (index == work.until or self._scheduler.chance.random() < 0.5)
            yield Progress(
                Round(index=index, valid_score=scores[index - 1], train_loss=1.0 / index),
                packed([work.seed, index]) if is_best else None,
                packed(index) if is_kept else None,
            )


class SimulatedRunner:
    """Several slots at once, whose workers may die: what the runner on Ray is to a driver."""

    def __init__(self, scheduler: Scheduler, slots: int) -> None:
        self._scheduler = scheduler
        self._slots = slots

    def run(self, driver: StudyDriver, plan: WorkPlan, termination: Termination) -> None:
        training: dict[int, Iterator[Progress | Failure]] = {}
        worker = SimulatedWorker(self._scheduler)
        try:
            termination.check(driver)
            while not termination.pauses and not driver.is_over:
                while len(training) < self._slots and (assignment := driver.ask()) is not None:
                    training[assignment.number] = worker.train(assignment)
                if training:
                    self._advance(self._scheduler.chance.choice(sorted(training)), training, driver)
                termination.check(driver)
        finally:
            driver.pause_all()

    def _advance(
        self, number: int, training: dict[int, Iterator[Progress | Failure]], driver: StudyDriver
    ) -> None:
        progress = next(training[number])
        if isinstance(progress, Failure):
            del training[number]
            driver.fail(number, progress)
        elif driver.num_recorded and self._scheduler.chance.random() < 0.02:
            del training[number]  # with its last round
            driver.lose(number, "killed")
        elif driver.record(number, progress) is not None or number not in driver.running:
            del training[number]
