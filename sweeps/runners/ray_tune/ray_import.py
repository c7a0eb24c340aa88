"""Ray, told to keep quiet before it is imported: what it reads from the environment, it reads then.

So the other modules have all of Ray from here, and none by itself.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from collections.abc import Iterator

_SETTINGS = {
    "RAY_AIR_NEW_OUTPUT": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_TRAIN_COUNT_PREEMPTION_AS_FAILURE": "1",
    "TUNE_FORCE_TRIAL_CLEANUP_S": "2",
    "RAY_task_events_report_interval_ms": "0",  # no record of each call: it grew by 10 KB a round
    "RAY_ENABLE_AUTO_CONNECT": "0",  # or a straggler of Tune's thread would start another Ray
}
for _name, _value in _SETTINGS.items():
    os.environ.setdefault(_name, _value)

import ray  # noqa: E402
import ray._private.worker  # noqa: E402
from ray import tune  # noqa: E402
from ray._private import ray_constants  # noqa: E402
from ray._raylet import AuthenticationTokenLoader, Config  # type: ignore[attr-defined]  # noqa: E402
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy  # noqa: E402

__all__ = ["NodeAffinitySchedulingStrategy", "hush", "private", "ray", "read_authentication_again", "tune"]


def hush() -> None:
    """Keep Ray quiet from here on, too: it sets up its loggers as it starts."""
    # Ray prints the deaths of workers to stdout, whatever it is told; there is no public switch.
    ray._private.worker._worker_logs_enabled = False
    for name in ("ray", "ray.tune", "ray.train", "ray.data"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextlib.contextmanager
def private() -> Iterator[None]:
    """Within, a Ray that is started is for this machine and this process alone.

    It listens on the loopback, as it does by itself on some systems, and asks for a token that nobody else knows,
    unless one is given: Ray would write that into the user's home, which may be read-only, and leave it there.
    """
    before = {
        name: os.environ.get(name) for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
    }
    if not before["RAY_AUTH_TOKEN"] and not before["RAY_AUTH_TOKEN_PATH"]:
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)
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
    """Let Ray see what the environment says of tokens now: it remembers what it said when it was imported."""
    AuthenticationTokenLoader.instance().reset_cache()
    Config.initialize("")
