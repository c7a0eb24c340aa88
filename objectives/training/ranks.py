"""Processes (ranks) of one process group, which get the same requests and end together.

No code here depends on training. A rank is started by `spawn`, so that it inherits neither threads nor CUDA. It ends
when its parent process ends: a thread of the rank watches the parent.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import traceback
import weakref
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any

import torch.distributed
import torch.multiprocessing
from torch.distributed import TCPStore  # type: ignore[attr-defined]  # not marked as public, but documented

_LOOPBACKS = ("lo", "lo0")
_BLAME_SECONDS = 2.0  # how long to wait after a rank's error: another rank's death may be its cause


class RankError(RuntimeError):
    """A rank failed or died."""


class Ranks:
    """`num` processes. Each has an object that `make` has returned there, and calls its methods on request.

    make(rank, num, *arguments): called in each rank, within a process group that communicates by `backend` (gloo or
    nccl) over this machine's loopback. arguments: anything that can be pickled; tensors in shared memory stay there.

    Raises RankError if a rank fails or dies, after ending the others.
    """

    def __init__(self, num: int, backend: str, make: Callable[..., Any], *arguments: Any) -> None:
        self._processes: list[Any] = []
        self._connections: list[Connection] = []
        self._end = weakref.finalize(self, _end, self._processes, self._connections)
        self._store = _rendezvous()
        self._ready = False
        with self._ended_by_errors():
            for rank in range(num):
                self._start(rank, rank, num, backend, self._store.port, make, arguments)
            self._answers()
        self._ready = True

    def ask(self, method: str, *arguments: Any) -> list[Any]:
        """Call `method` in each rank. Returns the results in the order of the ranks.

        Raises RankError if a rank fails or dies; then all ranks have ended.
        """
        if not self._end.alive:
            raise RankError("The training run was closed or has failed, so its processes no longer exist.")
        with self._ended_by_errors():
            for connection in self._connections:
                with contextlib.suppress(OSError):  # a dead rank is noticed when we wait for its answer
                    connection.send((method, arguments))
            return self._answers()

    def end(self) -> None:
        """End all ranks at once, even in the middle of a request. Does nothing if there are none."""
        self._end()

    def _start(self, rank: int, *arguments: Any) -> None:
        context = torch.multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs, *arguments), name=f"rank {rank}", daemon=True)
        self._connections.append(ours)
        with _hidden_interrupts():
            process.start()
        self._processes.append(process)
        theirs.close()

    @contextlib.contextmanager
    def _ended_by_errors(self) -> Iterator[None]:
        try:
            yield
        except BaseException:  # Ctrl-C as well: ranks in the middle of a round can't be asked again
            self.end()
            raise

    def _answers(self) -> list[Any]:
        answers: dict[int, Any] = {}
        while len(answers) < len(self._connections):
            silent = {c: rank for rank, c in enumerate(self._connections) if rank not in answers}
            for connection in wait(list(silent)):
                rank = silent[connection]  # type: ignore[index]
                try:
                    succeeded, content = self._connections[rank].recv()
                except (EOFError, OSError):
                    raise self._death(rank) from None
                if not succeeded:
                    raise self._failure(rank, content)
                answers[rank] = content
        return [answers[rank] for rank in sorted(answers)]

    def _failure(self, rank: int, content: str) -> RankError:
        """The error for a rank that failed. If another rank has died, that is the cause: the error for its death."""
        ended = wait([process.sentinel for process in self._processes], timeout=_BLAME_SECONDS)
        for other, process in enumerate(self._processes):
            if process.sentinel in ended:
                return self._death(other)
        return RankError(f"Rank {rank} of {len(self._processes)} failed: {content}")

    def _death(self, rank: int) -> RankError:
        process = self._processes[rank]
        process.join(_BLAME_SECONDS)
        code = process.exitcode or 0
        how = f"was killed by signal {-code}" if code < 0 else f"ended unexpectedly with exit code {code}"
        hint = (
            ""
            if self._ready or code < 0
            else " before it began. If you use your own script, put what it starts under `if __name__ == '__main__':`, "
            "because every rank imports the script"
        )
        return RankError(f"Rank {rank} of {len(self._processes)} {how}{hint}.")


def _end(processes: list[Any], connections: list[Connection]) -> None:
    for process in processes:
        process.kill()
    for process in processes:
        process.join()
        process.close()
    for connection in connections:
        connection.close()


def _rendezvous() -> Any:
    """The store by which ranks find each other: on the loopback only, at a port that the system chooses."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    return TCPStore(
        "127.0.0.1", port, is_master=True, wait_for_workers=False, master_listen_fd=listener.detach()
    )


@contextlib.contextmanager
def _hidden_interrupts() -> Iterator[None]:
    """Processes that are started inside the `with` block ignore Ctrl-C, which a terminal sends to all processes.

    Their parent decides when they end.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(
    connection: Connection,
    rank: int,
    num: int,
    backend: str,
    port: int,
    make: Callable[..., Any],
    arguments: tuple[Any, ...],
) -> None:
    """The main function of a rank: calls `make`, then answers requests until the process is killed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        _talk_over_loopback()
        store = TCPStore("127.0.0.1", port, is_master=False)
        torch.distributed.init_process_group(backend, store=store, rank=rank, world_size=num)
        held = make(rank, num, *arguments)
        connection.send((True, None))
        while True:
            method, given = connection.recv()
            connection.send((True, getattr(held, method)(*given)))
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent is told
        summary = traceback.format_exception_only(error)[-1].strip()
        with contextlib.suppress(OSError):
            connection.send((False, f"{summary}\n\n{''.join(traceback.format_exception(error))}"))
        threading.Event().wait()  # stays alive, else the other ranks would report its death as their error


def _end_with_parent() -> None:
    parent = torch.multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os._exit(1)


def _talk_over_loopback() -> None:
    """Make gloo and nccl use the loopback: all ranks are on this machine, whose name may not resolve to an address."""
    for _, name in socket.if_nameindex():
        if name in _LOOPBACKS:
            os.environ.setdefault("GLOO_SOCKET_IFNAME", name)
            os.environ.setdefault("NCCL_SOCKET_IFNAME", name)
