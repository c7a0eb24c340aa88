"""The worker's side: the process that trains a slot's trials.

A slot asks for a trial and reports each round, and receives an answer through the mailbox. The driver takes messages
when it has time.
"""

from __future__ import annotations

import contextlib
import os
from typing import Any

from sweeps import paths
from sweeps.errors import USER_ERRORS
from sweeps.runners.ray_tune.mailbox import Message
from sweeps.runners.ray_tune.ray_import import ray
from sweeps.runners.ray_tune.start_watch import watched_start
from sweeps.runners.ray_tune.worker_setup import settle
from sweeps.trial.failure import failure_of

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
    node = context.get_node_id()

    def refuse(why: str) -> None:
        send("refuse", content=(node, why))

    send("begun", content=(context.current_actor, node))
    try:
        with watched_start(config["start_timeout"], refuse):
            worker, environment = settle(plan, node == config["home"])
    except BaseException as error:  # noqa: BLE001 - told to the driver, which ends the study
        failure = failure_of(error)
        why = failure.message if isinstance(error, USER_ERRORS) else failure.in_short
        refuse(why)
        return
    send("hello", content=environment)
    while (assignment := send("ask")) is not None:
        with contextlib.closing(worker.train(assignment)) as training:
            goes_on, answered = True, None
            while goes_on:
                goes_on, answered = send("told", assignment.number, training.send(answered))
        worker.release()
