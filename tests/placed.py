"""The toy, noting where it runs: a file a trial in the folder that PLACED_DIR names."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import torch

from objectives.round import Round
from objectives.rows.rows import Splits
from tests.toy import Parameters, Toy, ToyRun


class Placed(Toy):
    """A toy whose trials tell their devices, and from when to when they ran."""

    name = "placed"

    def start(
        self, parameters: Parameters, splits: Splits, *, rounds: int, seed: int, device: torch.device
    ) -> ToyRun:
        return _PlacedRun(parameters, rounds, seed)


class _PlacedRun(ToyRun):
    def __init__(self, parameters: Parameters, rounds: int, seed: int) -> None:
        super().__init__(parameters, rounds, seed)
        self._note: dict[str, Any] = {
            "devices": os.environ.get("CUDA_VISIBLE_DEVICES", ""),
            "begin": time.time(),
        }
        self._file = Path(os.environ["PLACED_DIR"]) / f"{seed}.json"

    def advance(self) -> Round:
        latest = super().advance()
        self._file.write_text(json.dumps({**self._note, "end": time.time()}))
        return latest
