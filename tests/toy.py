"""A task that does on request what real ones do by accident, in milliseconds, with real weights."""

from __future__ import annotations

import math
import os
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from objectives.round import Cost, Round
from objectives.rows.rows import Rows, Splits
from objectives.rows.splitting import digest_rows
from objectives.task import Task


@dataclass(frozen=True)
class Parameters:
    quality: float = 0.5  # the score it tends to
    learning_rate: float = 0.1
    batch_size: int = 32
    batch_norm: bool = False
    bn_momentum: float = 0.1
    behaviour: Literal[
        "learns",
        "overfits",
        "collapses",
        "diverges",
        "nan_at_once",
        "crashes",
        "crashes_once",
        "hangs",
        "dies",
        "allocates",
    ] = "learns"
    at_round: int = 4  # when it does so
    seconds: float = 0.0  # a round
    dies_once: str = ""  # a file that remembers that it died, or crashed, before
    journal: str = ""  # a file that gets a line for each round that is trained


HELD_AFTER = 60  # rounds


def hold(count: Path) -> None:
    """Count the round in a file; after so many of all processes, wait for ever: a study that can't end by itself."""
    with count.open("a") as file:
        file.write(".")
    while count.stat().st_size > HELD_AFTER:
        time.sleep(0.02)


class Toy(Task):
    """Scripted curves over real state."""

    name = "toy"
    chance_score = 0.1
    rounds = 10
    data_sets = ("toy-rows",)
    Parameters = Parameters

    def load(self, data: str, data_root: Path) -> Splits:
        rows = Rows(torch.arange(800.0).reshape(400, 2), torch.arange(400))
        return Splits(data, rows[:200], rows[200:], digest_rows(rows[:200], rows[200:]))

    def load_test(self, data: str, data_root: Path) -> Rows:
        raise AssertionError("the test split is sealed")

    def build(self, parameters: Parameters, example: Rows) -> nn.Module:
        return nn.Linear(2, 1)

    def losses(self, outputs: Tensor, targets: Tensor, parameters: Parameters) -> Tensor:
        return outputs[:, 0]

    def scores(self, outputs: Tensor, targets: Tensor) -> Tensor:
        return outputs[:, 0]

    def start(
        self, parameters: Parameters, splits: Splits, *, rounds: int, seed: int, device: torch.device
    ) -> ToyRun:
        return ToyRun(parameters, rounds, seed)


class ToyRun:
    def __init__(self, parameters: Parameters, rounds: int, seed: int) -> None:
        self.parameters = parameters
        self.rounds = rounds
        self.rounds_done = 0
        self.model = nn.Linear(2, 1)
        nn.init.constant_(self.model.weight, 0.0)
        nn.init.constant_(self.model.bias, 0.0)
        self._noise = random.Random(seed)

    def advance(self) -> Round:
        time.sleep(self.parameters.seconds)
        if "TOY_HELD" in os.environ:
            hold(Path(os.environ["TOY_HELD"]))
        self.rounds_done += 1
        index, p = self.rounds_done, self.parameters
        nn.init.constant_(self.model.bias, float(index))
        if p.journal:
            with Path(p.journal).open("a") as journal:
                journal.write(f"{index}\n")
        score = p.quality * (1 - math.exp(-index)) + 0.01 * self._noise.random()
        train_score, train_loss, valid_loss = score, 2.0 / index, 2.0 / index
        if index >= p.at_round:
            past = index - p.at_round
            match p.behaviour:
                case "overfits":
                    valid_loss, score = 0.5 + 0.2 * past, score - 0.02 * past
                case "collapses":
                    score = train_score = 0.1
                case "diverges":
                    train_loss = valid_loss = math.nan
                case "nan_at_once":
                    score = train_score = train_loss = valid_loss = math.nan
                case "crashes":
                    raise RuntimeError("the toy crashes, as it was asked to")
                case "crashes_once" if not Path(p.dies_once).exists():
                    Path(p.dies_once).touch()
                    raise OSError("the toy crashes once, as it was asked to")
                case "hangs":
                    time.sleep(3600)
                case "allocates":
                    import resource

                    resource.setrlimit(resource.RLIMIT_AS, (8 << 30, -1))
                    try:
                        torch.zeros(1 << 40)
                    finally:
                        resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
                case "dies":
                    mark = Path(p.dies_once) if p.dies_once else None
                    if mark is None or not mark.exists():
                        if mark is not None:
                            mark.touch()
                        os._exit(1)
        return Round(
            index=index,
            train_loss=train_loss,
            train_score=train_score,
            valid_loss=valid_loss,
            valid_score=score,
            running_loss=train_loss,
            valid_score_batch_statistics=None,
            learning_rate=p.learning_rate,
            gradient_norm=1.0,
            first_layer_gradient_norm=None,
            dead_share=None,
            saturated_share=None,
            cost=Cost(0.0, 0.0, 0),
        )

    def state_dict(self) -> dict[str, Any]:
        return {"rounds_done": self.rounds_done, "noise": self._noise.getstate()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rounds_done = state["rounds_done"]
        self._noise.setstate(state["noise"])

    def close(self) -> None:
        """Nothing to end."""
