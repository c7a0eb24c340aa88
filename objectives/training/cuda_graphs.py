"""Records programs as CUDA graphs: the same kernels in the same order, launched all at once.

PyTorch requires the following, and gives wrong results without an error otherwise:

- The graphs of one run must be recorded and replayed on a stream that no other run uses. When a graph is destroyed, the
  matrix library's workspace of its stream is destroyed, too, even if another run uses it (pytorch issue 193402).
- A graph draws random numbers from the generator that is current when it is recorded (see `Noise`).
- Tensors that a program creates only once must exist before it is recorded. So it must have run once (see `Recorded`).
"""

from __future__ import annotations

import contextlib
import gc
import threading
import weakref

import torch

from objectives.training.recorded import Program

_PRIORITIES = (0, -1)  # torch has 32 streams of each priority
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
    """Records on a stream and in a memory pool of its own. Both are released when this object is deleted.

    Raises RuntimeError if 64 of them already share the device, because torch has no more streams.
    """

    def __init__(self, device: torch.device) -> None:
        self.stream = _take_stream(device)
        self._pool = torch.cuda.graph_pool_handle()
        self._graphs: list[torch.cuda.CUDAGraph] = []
        self._end = weakref.finalize(
            self, _give_back, self.stream, self._graphs, (device.index, self.stream.cuda_stream)
        )

    def record(self, program: Program) -> CudaGraph:
        """Record the kernels that `program` launches on the current stream, which must be `stream`."""
        graph = torch.cuda.CUDAGraph()
        is_collecting = gc.isenabled()
        gc.disable()  # freeing another run's tensors during the recording could break it
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
        with contextlib.suppress(RuntimeError):  # it raises the error again, before it leaves the pool
            graph.capture_end()
        torch._C._cuda_endAllocateToPool(self.stream.device_index, self._pool)
        torch._C._cuda_releasePool(self.stream.device_index, self._pool)

    def clear(self) -> None:
        """Wait until no graph runs any more, and destroy all graphs."""
        _destroy(self.stream, self._graphs)
        self._pool = torch.cuda.graph_pool_handle()

    def close(self) -> None:
        """Destroy all graphs and release the stream."""
        self._end()


def _take_stream(device: torch.device) -> torch.cuda.Stream:
    with _lock:
        for priority in _PRIORITIES:
            for _ in range(_STREAMS_EACH):
                # torch returns its streams in turn
                stream = torch.cuda.Stream(device, priority=priority)  # type: ignore[no-untyped-call]
                if (key := (device.index, stream.cuda_stream)) not in _taken:
                    _taken.add(key)
                    return stream
    raise RuntimeError(
        f"{len(_taken)} runs share this GPU. Each needs its own stream, and torch has no more: train fewer at once."
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
