"""Recordings as CUDA graphs: the same kernels in the same order, started all at once.

What PyTorch's source asks for, and where it would go wrong silently otherwise:

- graphs of one run are recorded and replayed on a stream that no other run has: when a graph is destroyed, so is the
  matrix library's workspace of its stream, whoever else uses that (pytorch issue 193402);
- the generator that a graph draws from is the one that is current when it is recorded (see `Noise`);
- whatever a program makes only once must exist before: so it has run before it is recorded (see `Recorded`).
"""

from __future__ import annotations

import contextlib
import gc
import threading
import weakref

import torch

from objectives.training.recorded import Program

_PRIORITIES = (0, -1)  # torch keeps 32 streams of each
_STREAMS_EACH = 32
_taken: set[tuple[int | None, int]] = set()
_lock = threading.Lock()


class CudaGraph:
    """A recorded program."""

    def __init__(self, graph: torch.cuda.CUDAGraph) -> None:
        self._graph = graph

    def replay(self) -> None:
        """Start it on the current stream."""
        self._graph.replay()


class CudaGraphs:
    """Records on a stream and in a pool of memory of its own; both are given back when it is dropped.

    Raises RuntimeError where 64 of them share the device already: torch has no more streams.
    """

    def __init__(self, device: torch.device) -> None:
        self.stream = _take_stream(device)
        self._pool = torch.cuda.graph_pool_handle()
        self._graphs: list[torch.cuda.CUDAGraph] = []
        self._end = weakref.finalize(
            self, _give_back, self.stream, self._graphs, (device.index, self.stream.cuda_stream)
        )

    def record(self, program: Program) -> CudaGraph:
        """Record what `program` starts on the current stream, which must be `stream`."""
        graph = torch.cuda.CUDAGraph()
        is_collecting = gc.isenabled()
        gc.disable()  # to free another run's tensors amid the recording could break it
        try:
            graph.capture_begin(pool=self._pool)
            try:
                program()
            except BaseException:
                self._abandon(graph)
                raise
            graph.capture_end()
        finally:
            if is_collecting:
                gc.enable()
        self._graphs.append(graph)
        return CudaGraph(graph)

    def _abandon(self, graph: torch.cuda.CUDAGraph) -> None:
        with contextlib.suppress(RuntimeError):  # it tells of the error once more, before it leaves the pool
            graph.capture_end()
        torch._C._cuda_endAllocateToPool(self.stream.device_index, self._pool)
        torch._C._cuda_releasePool(self.stream.device_index, self._pool)

    def clear(self) -> None:
        """Destroy all graphs, when none of them runs any more."""
        _destroy(self.stream, self._graphs)
        self._pool = torch.cuda.graph_pool_handle()

    def close(self) -> None:
        """Destroy all graphs and give back the stream."""
        self._end()


def _take_stream(device: torch.device) -> torch.cuda.Stream:
    with _lock:
        for priority in _PRIORITIES:
            for _ in range(_STREAMS_EACH):
                # torch hands them out in turn
                stream = torch.cuda.Stream(device, priority=priority)  # type: ignore[no-untyped-call]
                if (key := (device.index, stream.cuda_stream)) not in _taken:
                    _taken.add(key)
                    return stream
    raise RuntimeError(
        f"{len(_taken)} runs share this GPU, each with a stream of its own, and torch has no more: train fewer at once."
    )


def _give_back(
    stream: torch.cuda.Stream, graphs: list[torch.cuda.CUDAGraph], key: tuple[int | None, int]
) -> None:
    _destroy(stream, graphs)
    with _lock:
        _taken.discard(key)


def _destroy(stream: torch.cuda.Stream, graphs: list[torch.cuda.CUDAGraph]) -> None:
    if graphs:
        stream.synchronize()
    for graph in graphs:
        graph.reset()
    graphs.clear()
