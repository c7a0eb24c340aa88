"""Ends the process if a signal arrives while Ray starts, even if the call that starts Ray does not return.

Ray starts in C++ code, during which no Python signal handler runs. If the signal has also ended Ray's own processes,
Ray waits for them for a minute, and then exits with code 1 and its own messages. This happens if a service manager
signals all processes of a service at once.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator

from sweeps.remedies import to_continue

PATIENCE_SECONDS = 5.0  # Ray may take this long to start after the signal; then the run ends in order
_ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@contextlib.contextmanager
def ended_by_signals(leave_nothing: Callable[[], None]) -> Iterator[None]:
    """In this context, a signal ends the process if the context does not end soon after the signal.

    No trial is running while Ray starts, so nothing is lost. leave_nothing: is called before the process ends.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    over, message = threading.Event(), f"sweep: Interrupted; the running trials are paused. {to_continue()}"
    before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)  # written to below Python, too
    watch = threading.Thread(target=_watch, args=(reading, over, leave_nothing, message), daemon=True)
    watch.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        over.set()
        writing.close()
        watch.join()
        reading.close()


def _watch(
    reading: socket.socket, over: threading.Event, leave_nothing: Callable[[], None], message: str
) -> None:
    """Wait for a signal, and then for the end of the context. If that does not come, end the process."""
    while received := reading.recv(1):  # nothing once the other end is closed
        if received[0] in _ENDING:
            if not over.wait(PATIENCE_SECONDS):
                print(message.rstrip(), file=sys.stderr, flush=True)
                leave_nothing()
                os._exit(128 + received[0])
            return
