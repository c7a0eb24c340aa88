"""A small network whose steps are recorded and replayed on the CPU, and whose trials do on request what real ones do."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from objectives.round import Round
from objectives.rows.rows import Splits
from objectives.tasks import mnist_mlp
from objectives.training.loop import Run
from tests.objectives_tests.small_data import small_splits
from tests.objectives_tests.training.replayed_steps import ReplayedSteps


@dataclass(frozen=True)
class Parameters(mnist_mlp.MnistMlpParameters):
    behaviour: Literal[
        "learns",
        "crashes",
        "exits",
        "is_too_large",
        "needs_room",
        "breaks_device",
        "is_not_recorded",
        "dies",
        "hangs",
    ] = "learns"
    at_round: int = 2  # when it does so
    mark: str = ""  # a file that remembers that it died before


class Packed(mnist_mlp.MnistMlp):
    """Trains on the CPU as a GPU is driven."""

    name = "packed"
    rounds = 4
    Parameters = Parameters

    def load(self, data: str, data_root: Path) -> Splits:
        return small_splits(self)

    def start(
        self, parameters: Parameters, splits: Splits, *, rounds: int, seed: int, device: torch.device
    ) -> Run:
        refuses = "no such operation" if parameters.behaviour == "is_not_recorded" else None
        return _PackedRun(
            self, parameters, splits, rounds=rounds, seed=seed, device=device, graphs=ReplayedSteps(refuses)
        )


class _PackedRun(Run):
    """A run that takes turns with others. num_alive: of such runs in this process."""

    num_alive = 0

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        _PackedRun.num_alive += 1

    def end_round(self) -> Round:
        latest = super().end_round()
        if self.rounds_done == self.parameters.at_round:
            _act(self.parameters)
        return latest

    def close(self) -> None:
        super().close()
        _PackedRun.num_alive -= 1


def _act(parameters: Parameters) -> None:
    match parameters.behaviour:
        case "crashes":
            raise RuntimeError("this trial crashes")
        case "exits":
            raise SystemExit("this trial exits")
        case "is_too_large":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 TiB")
        case "needs_room" if _PackedRun.num_alive > 1:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1 GiB")
        case "breaks_device":
            raise torch.AcceleratorError("CUDA error: device-side assert triggered")
        case "hangs":
            time.sleep(3600)
        case "dies":
            mark = Path(parameters.mark) if parameters.mark else None
            if mark is None or not mark.exists():
                if mark is not None:
                    mark.touch()
                os._exit(1)
