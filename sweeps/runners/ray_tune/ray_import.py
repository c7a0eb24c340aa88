"""Imports Ray and keeps it quiet. Ray reads its environment variables when it is imported.

All other modules must import Ray from here, so that these variables are set before.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import os
import secrets
import signal
import threading
from collections.abc import Iterator

_SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_TRAIN_COUNT_PREEMPTION_AS_FAILURE": "1",
    "TUNE_FORCE_TRIAL_CLEANUP_S": "2",
    "RAY_task_events_report_interval_ms": "0",  # else Ray records each call, which took 10 KB more memory in each round
    "RAY_ENABLE_AUTO_CONNECT": "0",  # else a late call of Tune's thread would start another Ray
}
for _name, _value in _SETTINGS.items():
    os.environ.setdefault(_name, _value)

import ray  # noqa: E402
import ray._private.utils  # noqa: E402
import ray._private.worker  # noqa: E402
from ray import tune  # noqa: E402
from ray._private import ray_constants, services  # noqa: E402
from ray._raylet import (  # type: ignore[attr-defined]  # noqa: E402
    AuthenticationMode,
    AuthenticationTokenLoader,
    Config,
    get_authentication_mode,
)
from ray.air._internal import usage  # noqa: E402
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: E402

# It only counts callbacks for usage statistics, which are off. For this it imports wandb, mlflow and comet, if they are
# installed: seconds at each start, and folders of theirs that stay when a process is killed.
usage.tag_callbacks = lambda callbacks: False

__all__ = [
    "NodeAffinitySchedulingStrategy",
    "asks_for_token",
    "hush",
    "in_groups_of_their_own",
    "private",
    "ray",
    "read_authentication_again",
    "tune",
    "without_signal_handlers",
]


def hush() -> None:
    """Keep Ray quiet. Call it after Ray's start, because Ray sets up its loggers then."""
    # Ray always prints the deaths of workers to stdout. There is no public switch.
    ray._private.worker._worker_logs_enabled = False
    for name in ("ray", "ray.tune", "ray.train", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextlib.contextmanager
def without_signal_handlers() -> Iterator[None]:
    """If Ray is started in this context, it leaves the signal handlers as they are.

    Ray's own Python handler of SIGTERM raises SystemExit wherever the program is, also where Python ignores exceptions.
    Then the signal is lost, and a lock may stay locked. Ray's C++ handler of SIGTERM aborts the process, so the handler
    of Python is set again afterwards.
    """
    before = ray._private.utils.set_sigterm_handler
    ray._private.utils.set_sigterm_handler = lambda handler: None
    try:
        yield
    finally:
        ray._private.utils.set_sigterm_handler = before
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))


@contextlib.contextmanager
def in_groups_of_their_own() -> Iterator[None]:
    """In this context, each process that Ray starts gets its own process group.

    So a signal to the driver's group (from `timeout`, a closed terminal, `kill -- -GROUP`) reaches only the driver,
    which then ends Ray's processes in order. If they ended while Ray starts, Ray would wait for them for a minute, and
    then exit without returning to Python.
    """
    before = services.ConsolePopen
    services.ConsolePopen = functools.partial(before, process_group=0)
    try:
        yield
    finally:
        services.ConsolePopen = before


_OF_A_CLUSTER = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH", "RAY_REDIS_ADDRESS")


def asks_for_token() -> bool:
    """Whether the Ray that this process has joined accepts only processes with its token."""
    return bool(get_authentication_mode() != AuthenticationMode.DISABLED)


@contextlib.contextmanager
def private() -> Iterator[None]:
    """If Ray is started in this context, only this process can use it, and only on this machine.

    Ray listens on the loopback interface and requires a token: that of the environment, or else a new secret one.
    Without this, Ray would write a token into the user's home, which may be read-only, and leave it there.
    """
    before = {name: os.environ.get(name) for name in _OF_A_CLUSTER}
    if not before["RAY_AUTH_TOKEN"] and not before["RAY_AUTH_TOKEN_PATH"]:
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
    os.environ["RAY_AUTH_MODE"] = "token"  # the user's value is meant for clusters
    os.environ.pop("RAY_REDIS_ADDRESS", None)  # the database in which a cluster keeps its state
    read_authentication_again()
    reachable, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, False
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = reachable
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        read_authentication_again()


def read_authentication_again() -> None:
    """Make Ray read its token settings again: it keeps those that it read when it was imported."""
    AuthenticationTokenLoader.instance().reset_cache()
    Config.initialize("")
