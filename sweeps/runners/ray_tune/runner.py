"""Trials on Ray Tune's workers.

Each worker slot is one long-lived Tune trial: Tune places it (whole or fractional GPUs, on any node) and
starts it again when its process dies. The slot asks the StudyDriver in the driver process for its next trial.
Questions and answers pass through a mailbox actor. So a slot keeps its data and its process for many trials, a trial
that hangs can be killed, and only the driver decides.
"""

from __future__ import annotations

import contextlib
import queue
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sweeps.driver.study_driver import StudyDriver
from sweeps.driver.termination import Interruption, Termination
from sweeps.errors import RunBroken, UsageError
from sweeps.runners.answering import answer
from sweeps.runners.ray_tune.mailbox import Mailbox, Message
from sweeps.runners.ray_tune.nodes import check_nodes, live_nodes, other_environment
from sweeps.runners.ray_tune.ray_import import NodeAffinitySchedulingStrategy, ray, tune
from sweeps.runners.ray_tune.session import ray_session
from sweeps.runners.ray_tune.slot import serve_slot
from sweeps.runners.ray_tune.start_watch import REMEDY, START_TIMEOUT_SECONDS
from sweeps.runners.ray_tune.tune_hooks import SlotWatch, StopAll
from sweeps.trial.running_trial import Place
from sweeps.trial.verdict import Failure
from sweeps.trial.work import WorkPlan

POLL_SECONDS = 0.2
STARTS_BEFORE_GIVING_UP = 3
TIMEOUT_SECONDS = 30.0  # wait this long for the end of Tune's loop
INTERRUPTED_PATIENCE_SECONDS = 3.0
CLOSING_SECONDS = 60.0  # a trial's run may take this long to close after the trial has ended
REPORTING_SECONDS = 30.0  # a worker that starts too slowly has this long to say where it hangs
NOTE_SECONDS = 60.0  # after this time without any worker, say what is waited for


@dataclass
class _Slot:
    """What the driver knows of a worker slot."""

    life: str = ""
    actor: Any = None
    node: str = ""  # its id
    place: Place | None = None
    number: int | None = None  # the trial it trains
    deadline: float = float("inf")  # deadline for the trial's end, or after it for the slot's next question
    asks: bool = False  # waits for a trial
    starts_without_hello: int = 0


@dataclass
class RayRunner:
    """Runs a driver's trials in `workers` slots, each with `threads` CPUs and `gpus` GPUs.

    trial_timeout_seconds: a trial that takes longer fails, and its worker is killed. start_timeout_seconds: the run
    ends if no worker finds a place, or one does not load its code and data, within this time. address: the Ray
    cluster; None to start Ray on this machine. mixed_hardware: whether nodes may differ in ways that can change
    results. forced: whether they may differ from the environments of earlier trials.
    """

    workers: int
    gpus: float = 0.0
    trial_timeout_seconds: float | None = None
    start_timeout_seconds: float = START_TIMEOUT_SECONDS
    address: str | None = None
    mixed_hardware: bool = False
    forced: bool = False
    _usual: Mapping[str, Any] = field(
        default_factory=dict
    )  # the environment that the nodes of a cluster share
    _slots: dict[int, _Slot] = field(default_factory=dict)
    _died: queue.SimpleQueue[tuple[int, str]] = field(default_factory=queue.SimpleQueue)
    _fit_error: BaseException | None = None
    _alone_since: float = 0.0  # when the last worker was gone, or none had come yet
    _has_noted: bool = False

    def run(self, driver: StudyDriver, plan: WorkPlan, termination: Termination) -> None:
        """Run the driver's trials until the study is finished or must end. Start Ray again if it breaks down."""
        try:
            termination.check(driver)
            while not termination.pauses and not driver.is_over:
                self._run_until_breakdown(driver, plan, termination)
                termination.check(driver)
        except Interruption:
            termination.check(driver)
        finally:
            driver.pause_all()

    def _run_until_breakdown(self, driver: StudyDriver, plan: WorkPlan, termination: Termination) -> None:
        """Run trials with one Ray. Raises SweepError if Ray broke down before a round was recorded."""
        before = driver.num_recorded
        try:
            self._run(driver, plan, termination)
        except ray.exceptions.RayError as error:
            if driver.num_recorded == before:
                raise RunBroken(
                    f"Ray broke down ({type(error).__name__}) before a round was trained. The running trials are "
                    "paused."
                ) from error
            print("sweep: Ray broke down; it is started again", file=sys.stderr)

    def _run(self, driver: StudyDriver, plan: WorkPlan, termination: Termination) -> None:
        with ray_session(self.address, self.workers * plan.threads, termination) as folder:
            self._check(driver, plan, termination)
            self._alone_since, self._has_noted = time.monotonic(), False
            self._slots = {slot: _Slot() for slot in range(self.workers)}
            self._died = queue.SimpleQueue()
            # On this node, so that the death of another node loses only that node's messages.
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
            mailbox = ray.remote(num_cpus=0, scheduling_strategy=here)(Mailbox).remote()
            ended = threading.Event()
            fit = threading.Thread(target=self._fit, args=(plan, mailbox, ended, folder), daemon=True)
            fit.start()
            try:
                termination.check(driver)
                while not termination.pauses and not driver.is_over:
                    self._bury(driver)
                    for message in self._get(mailbox.take.remote(POLL_SECONDS)):
                        self._handle(message, driver, mailbox)
                    self._serve(driver, mailbox)
                    self._kill_overdue(driver)
                    self._check_places(plan)
                    if not fit.is_alive():
                        raise ray.exceptions.RayError(f"Tune ended: {self._fit_error!r}")
                    termination.check(driver)
            finally:
                try:
                    driver.pause_running()
                finally:  # even if another driver has the study by now
                    self._end_slots(ended, fit, termination)

    def _end_slots(self, ended: threading.Event, fit: threading.Thread, termination: Termination) -> None:
        ended.set()
        for slot in self._slots.values():
            self._kill(slot)
        # Shutting Ray down while Tune's thread runs ends in a segmentation fault.
        fit.join(timeout=INTERRUPTED_PATIENCE_SECONDS if termination.signal_number else TIMEOUT_SECONDS)

    def _check(self, driver: StudyDriver, plan: WorkPlan, termination: Termination) -> None:
        """Raises UsageError if trials can't be trained with the resources there are."""
        if self.address is not None:
            known = [] if self.forced else _trained_in(driver)
            self._usual = check_nodes(
                plan,
                self.gpus,
                known,
                mixed=self.mixed_hardware,
                termination=termination,
                timeout_seconds=self.start_timeout_seconds,
            )
        elif self.gpus > (there := ray.cluster_resources().get("GPU", 0.0)):
            raise UsageError(
                f"--gpus-per-trial {self.gpus:g}: torch finds enough GPUs on this machine, but Ray finds only "
                f"{there:g}. To train on the CPU, use --gpus-per-trial 0."
            )

    def _fit(self, plan: WorkPlan, mailbox: Any, ended: threading.Event, folder: Path) -> None:
        """Tune's loop, in its own thread: it places slots and starts them again."""
        try:
            tune.Tuner(
                tune.with_resources(serve_slot, {"cpu": plan.threads, "gpu": self.gpus}),
                param_space={
                    "slot": tune.grid_search(list(self._slots)),
                    "mailbox": mailbox,
                    "plan": plan,
                    "home": ray.get_runtime_context().get_node_id(),
                    "start_timeout": self.start_timeout_seconds,
                },
                tune_config=tune.TuneConfig(max_concurrent_trials=self.workers),
                run_config=tune.RunConfig(
                    name="slots",
                    storage_path=str(folder),
                    verbose=0,
                    failure_config=tune.FailureConfig(max_failures=-1),
                    callbacks=[SlotWatch(self._died)],
                    stop=StopAll(ended),
                ),
            ).fit()
        except BaseException as error:  # noqa: BLE001 - told to the driver's own thread
            self._fit_error = error

    def _handle(self, message: Message, driver: StudyDriver, mailbox: Any) -> None:
        slot = self._slots[message.slot]
        if message.kind == "refuse":  # an answer, so that the slot ends and Tune need not wait for it
            self._get(mailbox.answer.remote(message.slot, message.life, False))
            node, why = message.content
            raise UsageError(why if self.address is None else f"node {_name_of(node)}: {why}")
        if message.kind == "begun":
            slot.life = message.life
            slot.actor, slot.node = message.content
            slot.deadline = time.monotonic() + self.start_timeout_seconds + REPORTING_SECONDS
            mailbox.answer.remote(message.slot, message.life, True)
            return
        if message.kind == "hello" and message.life == slot.life:
            slot.starts_without_hello, slot.deadline = 0, float("inf")
            slot.place = self._place(slot.node, message.content, driver)
            mailbox.answer.remote(message.slot, message.life, True)
            return
        if message.life != slot.life:
            return  # a late message of a process that was given up
        if message.kind == "ask":
            slot.asks, slot.deadline = True, float("inf")
            return
        goes_on, answered = False, None
        if message.number == slot.number and message.number in driver.running:
            answered = answer(driver, message.number, message.content)
            goes_on = message.number in driver.running
        if not goes_on:
            slot.number, slot.deadline = None, time.monotonic() + CLOSING_SECONDS
        mailbox.answer.remote(message.slot, message.life, (goes_on, answered))

    def _place(self, node: str, environment: dict[str, Any], driver: StudyDriver) -> Place:
        """Note where a slot's trials are trained from now on.

        Raises UsageError if the node joined later and differs from the others.
        """
        if self.address is None:
            return Place(driver.note_environment(environment))
        name = _name_of(node)
        if why := other_environment(self._usual, environment, mixed=self.mixed_hardware):
            raise UsageError(f"node {name}: {why}")
        return Place(driver.note_environment(environment), name)

    def _serve(self, driver: StudyDriver, mailbox: Any) -> None:
        """Give trials to waiting slots, if trials may start."""
        for index, slot in self._slots.items():
            if not slot.asks:
                continue
            assignment = driver.ask(slot.place)
            if assignment is None:
                return
            slot.asks, slot.number = False, assignment.number
            if self.trial_timeout_seconds is not None:
                slot.deadline = time.monotonic() + self.trial_timeout_seconds
            mailbox.answer.remote(index, slot.life, assignment)

    def _bury(self, driver: StudyDriver) -> None:
        """Note the slots whose process died. Their trials wait for another slot."""
        while not self._died.empty():
            index, why = self._died.get()
            slot = self._slots[index]
            if slot.number is not None and slot.number in driver.running:
                driver.lose(slot.number, why, with_node=self._is_gone(slot.node))
            starts = slot.starts_without_hello + 1
            self._slots[index] = _Slot(starts_without_hello=starts)
            if starts > STARTS_BEFORE_GIVING_UP:
                raise RunBroken(
                    f"A worker could not be started {starts} times in a row: {why}. The running trials are paused."
                )

    def _kill_overdue(self, driver: StudyDriver) -> None:
        now = time.monotonic()
        for slot in self._slots.values():
            if now <= slot.deadline:
                continue
            if slot.place is None:
                where = "" if self.address is None else f" on node {_name_of(slot.node)}"
                raise RunBroken(
                    f"A worker{where} did not load its code and data within {self.start_timeout_seconds:g} s, and does "
                    f"not say where it hangs. The running trials are paused. {REMEDY}"
                )
            if slot.number is not None:
                message = f"took longer than {self.trial_timeout_seconds:g} s"
                driver.fail(slot.number, Failure("timeout", "TrialTimeout", message))
            slot.number, slot.deadline = None, float("inf")
            self._kill(slot)

    def _check_places(self, plan: WorkPlan) -> None:
        """Say what is waited for if there is no worker. Raises RunBroken if none has found a place for too long."""
        now = time.monotonic()
        if any(slot.actor is not None for slot in self._slots.values()):
            self._alone_since, self._has_noted = now, False
            return
        needs = f"{plan.threads} CPU" + (f" and {self.gpus:g} GPU" if self.gpus else "")
        if now - self._alone_since > self.start_timeout_seconds:
            raise RunBroken(
                f"No worker has found a place within {self.start_timeout_seconds:g} s. Each needs {needs}; "
                f"{_free_resources()}. The running trials are paused. Add nodes, wait until others have freed theirs, "
                "or wait longer with --start-timeout SECONDS."
            )
        if now - self._alone_since > NOTE_SECONDS and not self._has_noted:
            self._has_noted = True
            print(
                f"sweep: no worker has started yet; each needs {needs}; {_free_resources()}", file=sys.stderr
            )

    def _get(self, answer: Any) -> Any:
        """What the mailbox answers. Raises a RayError if it does not, because then Ray has broken down."""
        return ray.get(answer, timeout=max(self.start_timeout_seconds, TIMEOUT_SECONDS))

    @staticmethod
    def _kill(slot: _Slot) -> None:
        if slot.actor is not None:
            with contextlib.suppress(Exception):
                ray.kill(slot.actor)
            slot.actor = None

    def _is_gone(self, node: str) -> bool:
        """Whether the cluster's node with this id has died."""
        return self.address is not None and all(node != each.id for each in live_nodes())


def _free_resources() -> str:
    """What the nodes have, and how much of it is free."""
    free, there = ray.available_resources(), ray.cluster_resources()
    told = [
        f"{free.get(kind, 0):g} of {there.get(kind, 0):g} {kind}" for kind in ("CPU", "GPU") if kind in there
    ]
    return f"Ray has {' and '.join(told) or 'no CPU'} free"


def _trained_in(driver: StudyDriver) -> list[Mapping[str, Any]]:
    """The environments in which trials were trained, in order."""
    return [record for record in driver.environments.values() if record.get("trains", True)]


def _name_of(node: str) -> str:
    return next((each.name for each in live_nodes() if each.id == node), node)
