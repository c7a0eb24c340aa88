"""A task that breaks its contract with the service in every way that one was seen to, or might."""

from __future__ import annotations

import os
import sys
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from objectives.round import Cost, Round
from objectives.rows.rows import Splits
from tests.toy import Parameters as ToyParameters
from tests.toy import Toy, ToyRun

Fault = Literal[
    "none",
    "index_skips",
    "index_repeats",
    "index_is_a_tensor",
    "score_is_a_tensor",
    "score_is_an_array",
    "score_is_a_word",
    "score_is_none",
    "score_is_huge",
    "score_is_complex",
    "cost_is_a_word",
    "extra_is_a_list",
    "extra_is_a_tensor",
    "extra_has_a_number_as_name",
    "extra_has_our_name",
    "no_round",
    "done_early",
    "done_never",
    "other_budget",
    "model_is_none",
    "weights_are_no_tensors",
    "exits",
    "exits_with_zero",
    "interrupts_itself",
    "raises_its_own_base",
    "raises_what_cannot_be_told",
    "raises_nul_and_surrogate",
    "raises_a_long_word",
    "starts_with_an_exit",
    "stops_iterating",
    "close_raises",
    "close_exits",
    "numpy_state",
    "own_state",
    "state_raises",
    "unpicklable_state",
    "cannot_go_on",
    "goes_on_elsewhere",
]


@dataclass(frozen=True)
class Parameters(ToyParameters):
    fault: Fault = "none"
    close_hangs: bool = False
    dies_at: int = 0  # in the round after, once
    mark: str = ""  # a file that remembers that it died


class OwnBase(BaseException):
    """Nothing that `except Exception` catches."""


class CannotBeTold(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


class Rude(Toy):
    """The toy, but for one fault."""

    name = "rude"
    Parameters = Parameters

    def start(
        self, parameters: Any, splits: Splits, *, rounds: int, seed: int, device: torch.device
    ) -> ToyRun:
        if parameters.fault == "starts_with_an_exit":
            sys.exit("no")
        return RudeRun(parameters, rounds, seed)


class RudeRun(ToyRun):
    parameters: Parameters

    def __init__(self, parameters: Parameters, rounds: int, seed: int) -> None:
        super().__init__(parameters, rounds, seed)
        self._fault = parameters.fault
        if self._fault == "other_budget":
            self.rounds = rounds + 5
        if self._fault == "model_is_none":
            self.model = None  # type: ignore[assignment]
        if self._fault == "weights_are_no_tensors":
            self.model.state_dict = lambda: {"weight": "heavy"}  # type: ignore[method-assign,assignment]

    def advance(self) -> Round:
        mark = Path(self.parameters.mark)
        if 0 < self.parameters.dies_at == self.rounds_done and not mark.exists():
            mark.touch()
            os._exit(1)
        if self._fault == "model_is_none":
            self.rounds_done += 1
            return replace(RudeRun(Parameters(), 9, 0).advance(), index=self.rounds_done)
        latest = super().advance()
        return self._spoilt(latest) if latest.index == 2 else latest

    def _spoilt(self, latest: Round) -> Any:
        score: Any = latest.valid_score
        match self._fault:
            case "index_skips":
                return replace(latest, index=7)
            case "index_repeats":
                return replace(latest, index=1)
            case "index_is_a_tensor":
                return replace(latest, index=torch.tensor(2))  # type: ignore[arg-type]
            case "score_is_a_tensor":
                score = torch.tensor(score)
            case "score_is_an_array":
                score = np.array([score])
            case "score_is_a_word":
                score = "good"
            case "score_is_none":
                score = None
            case "score_is_huge":
                score = 10**400
            case "score_is_complex":
                score = 1j
            case "cost_is_a_word":
                return replace(latest, cost=Cost("long", 0.0, 0))  # type: ignore[arg-type]
            case "extra_is_a_list":
                return replace(latest, extra=[1.0])  # type: ignore[arg-type]
            case "extra_is_a_tensor":
                return replace(latest, extra={"f1": torch.tensor(1.0)})  # type: ignore[dict-item]
            case "extra_has_a_number_as_name":
                return replace(latest, extra={1: 1.0})  # type: ignore[dict-item]
            case "extra_has_our_name":
                return replace(latest, extra={"seconds": 1.0})
            case "no_round":
                return None
            case "done_early":
                self.rounds_done = 10**9
            case "done_never":
                self.rounds_done = 0
            case "exits":
                sys.exit("the task is done for")
            case "exits_with_zero":
                sys.exit(0)
            case "interrupts_itself":
                raise KeyboardInterrupt
            case "raises_its_own_base":
                raise OwnBase("base")
            case "raises_what_cannot_be_told":
                raise CannotBeTold
            case "raises_nul_and_surrogate":
                raise ValueError("a\x00b \ud800 \x1b]0;pwned\x07")
            case "raises_a_long_word":
                raise ValueError("x" * 5_000_000)
            case "stops_iterating":
                raise StopIteration
        return replace(latest, valid_score=score)

    def state_dict(self) -> dict[str, Any]:
        state = super().state_dict()
        match self._fault:
            case "numpy_state":
                state["own"] = np.arange(3)
            case "own_state":
                state["own"] = self.parameters
            case "state_raises":
                raise RuntimeError("no state")
            case "unpicklable_state":
                state["own"] = threading.Lock()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        if self._fault == "cannot_go_on":
            raise RuntimeError("can't go on")
        if self._fault == "goes_on_elsewhere":
            self.rounds_done += 3

    def close(self) -> None:
        if self.parameters.close_hangs:
            threading.Event().wait()
        if self._fault == "close_raises":
            raise RuntimeError("can't close")
        if self._fault == "close_exits":
            sys.exit(0)
