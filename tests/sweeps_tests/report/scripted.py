"""Studies made to have one fault each, or none: the course of a trial is a plain function of its parameters."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from objectives.round import Cost, Round
from objectives.rows.rows import Splits
from tests.toy import Toy, ToyRun

SCRIPTED = f"{Path(__file__)}:Scripted"
ROUNDS = 12
Fault = Literal["none", "spoilt", "low_end", "improving", "early", "overfits", "clipped", "unstable", "tie"]


@dataclass(frozen=True)
class Parameters:
    fault: Fault = "none"
    learning_rate: float = 0.01
    dropout: float = 0.2
    gradient_clip: float = 1.0


class Scripted(Toy):
    """A curve that saturates; its height is best at a learning rate of 0.01 and a dropout of 0.2."""

    name = "scripted"
    rounds = ROUNDS
    Parameters = Parameters

    def start(
        self, parameters: Any, splits: Splits, *, rounds: int, seed: int, device: torch.device
    ) -> ScriptedRun:
        return ScriptedRun(parameters, rounds, seed)


class ScriptedRun(ToyRun):
    def __init__(self, parameters: Any, rounds: int, seed: int) -> None:
        super().__init__(parameters, rounds, seed)
        self._noise = random.Random(seed)

    def advance(self) -> Round:
        self.rounds_done += 1
        index, p = self.rounds_done, self.parameters
        decades = math.log10(p.learning_rate) + (4 if p.fault == "low_end" else 2)
        height = 0.95 - 0.08 * decades**2 - 0.3 * (p.dropout - 0.2) ** 2
        if p.fault == "tie":
            height = 0.9
        pace = {"improving": 15.0, "early": 0.1}.get(p.fault, 2.0)
        score = height * (1 - math.exp(-index / pace)) + 0.002 * self._noise.gauss(0, 1)
        loss = 2.0 * math.exp(-index / pace) + 0.3
        valid_loss = loss + 0.05
        if p.fault == "early":
            score -= 0.01 * (index - 1)
        if p.fault == "overfits" and index > 4:
            valid_loss, score = 0.5 + 0.1 * (index - 4), score - 0.004 * (index - 4)
        limit = {"spoilt": 0.04, "unstable": 0.012}.get(p.fault, math.inf)
        if p.learning_rate > limit:
            score = loss = valid_loss = math.nan
        return Round(
            index=index,
            train_loss=loss,
            train_score=score,
            valid_loss=valid_loss,
            valid_score=score,
            running_loss=loss,
            valid_score_batch_statistics=None,
            learning_rate=p.learning_rate,
            gradient_norm=5.0 if p.fault == "clipped" else 0.2,
            first_layer_gradient_norm=None,
            dead_share=None,
            saturated_share=None,
            cost=Cost(0.0, 0.0, 0),
        )
