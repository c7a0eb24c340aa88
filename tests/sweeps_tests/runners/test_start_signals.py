"""A signal while Ray is stuck below Python ends the process soon, with one message that says how to go on."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

STUCK = """
import ctypes, signal, sys
from sweeps.remedies import continued_by
from sweeps.runners.ray_tune import start_signals
start_signals.PATIENCE_SECONDS = 0.1
for number in (signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, lambda *given: None)
with continued_by("sweep confirm s"), continued_by("sweep resume s-confirm"):
    with start_signals.ended_by_signals(lambda: print("cleaned", flush=True)):
        print("ready", flush=True)
        while {is_stuck}:
            ctypes.CDLL(None).pause()
print("in order")
"""


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_is_stuck_below_python_ends(how: signal.Signals) -> None:
    code = STUCK.format(is_stuck=True)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=-1, stderr=-1, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(how)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, out) == (128 + how, "cleaned\n")
    assert said == "sweep: Interrupted; the running trials are paused. To continue: sweep confirm s\n"


def test_a_start_that_ends_goes_on_in_order() -> None:
    code = STUCK.format(is_stuck=False)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("ready\nin order\n", "")
