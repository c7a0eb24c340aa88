"""Runs trials in workers of Ray Tune.

Each worker slot is one long-lived Tune trial: Tune places it (with whole or fractional GPUs, on any node) and starts it
again when its process dies. The slot asks the StudyDriver in the driver process for its next trial. Messages and
answers pass through a mailbox actor. So a slot keeps its data and its process for many trials, a trial that hangs can
be killed, and only the driver decides.
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
from sweeps.runners.answering import answer, end_overdue
from sweeps.runners.handout import Handout
from sweeps.runners.ray_tune.heard import Heard
from sweeps.runners.ray_tune.known_slot import KnownSlot as _Slot
from sweeps.runners.ray_tune.latest_states import LatestStates
from sweeps.runners.ray_tune.mailbox import AWAITS, Mailbox, Message
from sweeps.runners.ray_tune.nodes import check_nodes, live_nodes, name_of, other_environment, trained_in
from sweeps.runners.ray_tune.place_watch import PlaceWatch
from sweeps.runners.ray_tune.ray_import import NodeAffinitySchedulingStrategy, ray
from sweeps.runners.ray_tune.session import ray_session
from sweeps.runners.ray_tune.slot import serve_slot
from sweeps.runners.ray_tune.start_watch import REMEDY, START_TIMEOUT_SECONDS
from sweeps.runners.ray_tune.tune_hooks import keep_slots
from sweeps.trial.packing import Packing, process_sizes
from sweeps.trial.running_trial import Place
from sweeps.trial.verdict import Failure
from sweeps.trial.work import WorkPlan

POLL_SECONDS = 0.2
STARTS_BEFORE_GIVING_UP = 3
TIMEOUT_SECONDS = 30.0  # wait this long for the end of Tune's loop
INTERRUPTED_PATIENCE_SECONDS = 3.0  # the same after a signal
CLOSING_SECONDS = 60.0  # a trial's run may take this long to close after the trial has ended
REPORTING_SECONDS = 30.0  # a worker that starts too slowly has this long to say where it hangs


@dataclass
class RayRunner:
    """Runs `workers` of a driver's trials at once, in slots with the plan's `threads` CPUs and `gpus` GPUs each.

    packing: how many trials share a slot; None for one. trial_timeout_seconds: a trial that takes longer fails, and its
    worker is killed. start_timeout_seconds: the run ends if, within this time, Ray places no worker, or a placed one
    does not load its code and data. address: the Ray cluster; None to start Ray on this machine. mixed_hardware:
    whether the hardware of the nodes may differ in ways that can change results. forced: whether the nodes may differ
    from the environments of earlier trials.
    """

    workers: int
    gpus: float = 0.0
    packing: Packing | None = None
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
    _handout: Handout = field(init=False)
    _fit_error: BaseException | None = None
    _places: PlaceWatch = field(init=False)
    _said: set[str] = field(default_factory=set)
    _heard: Heard = field(init=False)

    def run(self, driver: StudyDriver, plan: WorkPlan, termination: Termination) -> None:
        """Run the driver's trials until the study is finished or paused. Start Ray again if it breaks down."""
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
            termination.raise_if_interrupted(error)  # the signal may have reached Ray's processes, too
            if driver.num_recorded == before:
                raise RunBroken(
                    f"Ray broke down ({type(error).__name__}) before a round was trained. The running trials are "
                    "paused."
                ) from error
            print("sweep: Ray broke down; it is started again", file=sys.stderr)

    def _run(self, driver: StudyDriver, plan: WorkPlan, termination: Termination) -> None:
        with ray_session(
            self.address, len(process_sizes(self.workers, self.packing)) * plan.threads, termination
        ) as folder:
            self._check(driver, plan, termination)
            self._places = PlaceWatch(plan.threads, self.gpus, self.start_timeout_seconds)
            self._heard = Heard(folder, driver.logs)
            num_gpus = int(ray.cluster_resources().get("GPU", 0.0))
            sizes = process_sizes(self.workers, self.packing, num_gpus)
            self._slots = {slot: _Slot(size) for slot, size in enumerate(sizes)}
            self._handout = Handout(driver)
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
                    self._places.check(any(slot.actor is not None for slot in self._slots.values()))
                    if not fit.is_alive():
                        raise ray.exceptions.RayError(f"Tune ended: {self._fit_error!r}")
                    termination.check(driver)
                if plan.is_function:
                    self._let_code_return(driver, mailbox, termination)
                    self._keep_latest_states(driver, mailbox)
            finally:
                try:
                    driver.pause_running()
                finally:  # even if another driver has the study by now
                    self._end_slots(ended, fit, termination)

    def _let_code_return(self, driver: StudyDriver, mailbox: Any, termination: Termination) -> None:
        """At the end of a study, wait until the code of the last trials has returned: it may write files of its own.

        Slots whose deadline for this has passed are not waited for.
        """
        while not termination.pauses and any(slot.is_returning for slot in self._slots.values()):
            for message in self._get(mailbox.take.remote(POLL_SECONDS)):
                self._handle(message, driver, mailbox)
            self._bury(driver)
            termination.check(driver)

    def _keep_latest_states(self, driver: StudyDriver, mailbox: Any) -> None:
        """Before a pause, store the latest states that the code of running trials has saved, as far as they arrive."""
        with contextlib.suppress(ray.exceptions.RayError):
            states = LatestStates(self._slots, driver, mailbox)
            while states.is_waiting and self._died.empty():
                for message in self._get(mailbox.take.remote(POLL_SECONDS)):
                    if not states.take(message):
                        self._handle(message, driver, mailbox)

    def _end_slots(self, ended: threading.Event, fit: threading.Thread, termination: Termination) -> None:
        ended.set()
        for slot in self._slots.values():
            self._kill(slot)
        # Shutting Ray down while Tune's thread runs ends in a segmentation fault.
        fit.join(timeout=INTERRUPTED_PATIENCE_SECONDS if termination.signal_number else TIMEOUT_SECONDS)

    def _check(self, driver: StudyDriver, plan: WorkPlan, termination: Termination) -> None:
        """Raises UsageError if the nodes or GPUs of Ray are not suitable for the trials."""
        if self.address is not None:
            known = [] if self.forced else trained_in(driver.environments)
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
        """Run Tune's loop, in its own thread. It places slots and starts them again when they die."""
        config = {
            "packings": {
                slot: self.packing and self.packing.at_most(len(each.lanes))
                for slot, each in self._slots.items()
            },
            "mailbox": mailbox,
            "plan": plan,
            "home": ray.get_runtime_context().get_node_id(),
            "folder": str(folder),
            "start_timeout": self.start_timeout_seconds,
        }
        needs = {"cpu": plan.threads, "gpu": self.gpus}
        try:
            keep_slots(serve_slot, list(self._slots), needs, config, folder, self._died, ended)
        except BaseException as error:  # noqa: BLE001 - the driver's own thread raises it
            self._fit_error = error

    def _handle(self, message: Message, driver: StudyDriver, mailbox: Any) -> None:
        slot = self._slots[message.slot]
        if message.kind == "refuse":  # an answer, so that the slot ends and Tune need not wait for it
            self._get(mailbox.answer.remote(message.slot, message.life, False))
            node, why = message.content
            raise UsageError(why if self.address is None else f"node {name_of(node)}: {why}")
        if message.kind == "begun":
            slot.life = message.life
            slot.actor, slot.node = message.content
            slot.deadline = time.monotonic() + self.start_timeout_seconds + REPORTING_SECONDS
            mailbox.answer.remote(message.slot, message.life, True)
        elif message.life != slot.life:
            return  # a late message of an earlier process of this slot
        elif message.kind == AWAITS:
            return  # it is answered before a pause
        elif message.kind == "hello":
            slot.starts_without_hello, slot.deadline = 0, float("inf")
            slot.place = self._place(slot.node, message.content, driver)
            mailbox.answer.remote(message.slot, message.life, True)
        elif message.kind == "printed":
            self._heard.posted(message.content, slot)
        elif message.kind == "fits":
            self._say(f"sweep: {message.content}")
            mailbox.answer.remote(message.slot, message.life, True)
        elif message.kind == "afterwards":
            assert message.number is not None
            driver.note_failed_afterwards(message.number, message.content)
            mailbox.answer.remote(message.slot, message.life, True)
        elif message.kind == "ask":
            lane = slot.lanes[message.lane]
            lane.asks, lane.deadline = True, float("inf")
        else:
            self._take(message, slot, driver, mailbox)

    def _take(self, message: Message, slot: _Slot, driver: StudyDriver, mailbox: Any) -> None:
        """Pass a slot's message about a trial to the driver, and send the answer back."""
        lane = slot.lanes[message.lane]
        goes_on, answered = False, None
        if message.number == lane.number and message.number in driver.running:
            num_here = len(slot.numbers)
            answered = answer(driver, message.number, message.content, with_others=num_here > 1)
            goes_on = message.number in driver.running
            if isinstance(message.content, Failure) and message.content.kind == "out_of_memory":
                slot.most = max(1, num_here - 1)
        if not goes_on:
            lane.number, lane.deadline = None, time.monotonic() + CLOSING_SECONDS
        mailbox.answer.remote(message.slot, message.life, (goes_on, answered), message.lane)

    def _say(self, text: str) -> None:
        """Print what a worker says, once."""
        if text not in self._said:
            self._said.add(text)
            print(text, file=sys.stderr)

    def _place(self, node: str, environment: dict[str, Any], driver: StudyDriver) -> Place:
        """The place where a slot's trials are trained; stores its environment with the study.

        Raises UsageError if the node joined the cluster later and differs from the other nodes.
        """
        if self.address is None:
            return Place(driver.note_environment(environment))
        name = name_of(node)
        if why := other_environment(self._usual, environment, mixed=self.mixed_hardware):
            raise UsageError(f"node {name}: {why}")
        return Place(driver.note_environment(environment), name)

    def _serve(self, driver: StudyDriver, mailbox: Any) -> None:
        """Give trials to waiting slots, if trials may start; first to the slots that train the fewest."""
        while any(
            self._serve_slot(*each, driver, mailbox)
            for each in sorted(self._slots.items(), key=lambda each: len(each[1].numbers))
        ):
            pass

    def _serve_slot(self, index: int, slot: _Slot, driver: StudyDriver, mailbox: Any) -> bool:
        """Give one trial to a slot, if it waits for one and may have one; returns whether it got one."""
        number, lane = slot.waiting_lane
        if lane is None:
            return False
        assignment = self._handout.next(slot.numbers, slot.place)
        if assignment is None:
            return False
        lane.asks, lane.number = False, assignment.number
        if self.trial_timeout_seconds is not None:
            lane.deadline = time.monotonic() + self.trial_timeout_seconds
        mailbox.answer.remote(index, slot.life, assignment, number)
        return True

    def _bury(self, driver: StudyDriver) -> None:
        """Tell the driver which trials lost their slot's process. They wait for another slot."""
        while not self._died.empty():
            index, why = self._died.get()
            slot = self._slots[index]
            is_blameless = slot.is_killed or self._is_gone(slot.node)
            self._heard.rest(slot)
            there = [number for number in slot.numbers if number in driver.running]
            for number in there:
                driver.lose(number, why, blameless=is_blameless, with_others=len(there) > 1)
            starts = slot.starts_without_hello + 1
            self._slots[index] = _Slot(len(slot.lanes), starts_without_hello=starts)
            if starts > STARTS_BEFORE_GIVING_UP:
                raise RunBroken(
                    f"A worker could not be started {starts} times in a row: {why}. The running trials are paused."
                )

    def _kill_overdue(self, driver: StudyDriver) -> None:
        now = time.monotonic()
        for slot in self._slots.values():
            if now > slot.deadline:
                where = "" if self.address is None else f" on node {name_of(slot.node)}"
                raise RunBroken(
                    f"A worker{where} did not load its code and data within {self.start_timeout_seconds:g} s, and does "
                    f"not say where it hangs. The running trials are paused. {REMEDY}"
                )
            overdue = [lane for lane in slot.lanes if now > lane.deadline]
            num_here = len(slot.numbers)
            if overdue:
                self._heard.rest(slot)
            for lane in overdue:
                if lane.number is not None:
                    end_overdue(driver, lane.number, self.trial_timeout_seconds, with_others=num_here > 1)
                lane.number, lane.deadline = None, float("inf")
            if overdue:
                slot.is_killed = True
                self._kill(slot)

    def _get(self, answer: Any) -> Any:
        """What the mailbox returns. Raises a RayError if nothing comes in time, because then Ray has broken down."""
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
