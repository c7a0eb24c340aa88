"""Replays a trial of a user's own code: with the same parameters, it must report the same rounds."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from optuna.distributions import json_to_distribution

from objectives import Round
from sweeps.best_config.model import BestConfig
from sweeps.errors import UsageError
from sweeps.own_code.find import OwnCode
from sweeps.own_code.training import OwnTraining
from sweeps.own_code.trial import TrialStart
from sweeps.trial.metric import Metric
from sweeps.trial.verdict import Failure
from sweeps.trial.work import Progress, Suggest


@dataclass(frozen=True)
class OwnRounds:
    """Trains an exported trial of a user's own code again, and gives its rounds."""

    config: BestConfig
    code: OwnCode
    data_root: Path
    device: str

    @contextlib.contextmanager
    def begun(self) -> Iterator[Iterator[Round]]:
        """The rounds, one after the other as they are trained. At the end of this context, the code is told to end."""
        training = OwnTraining(self.code, self.config.environment.threads)
        events = training.events(self._start())
        with contextlib.closing(events):
            yield self._rounds(events)

    def _rounds(self, events: Iterator[object]) -> Iterator[Round]:
        answered: object = None
        while True:
            try:
                told = events.send(answered)  # type: ignore[attr-defined]  # a generator
            except StopIteration:
                return
            match told:
                case Progress():
                    yield told.round
                    answered = True
                case Suggest():
                    answered = self._answer(told)
                case Failure():
                    raise UsageError(f"{told.error_class}: {told.message}")
                case _:
                    answered = False

    def _answer(self, wanted: Suggest) -> float:
        if wanted.name not in self.config.parameters:
            raise UsageError(
                f"the objective asks for {wanted.name!r}, for which it did not ask in the recorded trial"
            )
        return float(
            json_to_distribution(wanted.distribution).to_internal_repr(self.config.parameters[wanted.name])
        )

    def _start(self) -> TrialStart:
        config = self.config
        return TrialStart(
            number=config.trial,
            parameters=config.parameters,
            seed=config.seed,
            num_rounds=config.budget,
            metric=Metric(config.metric, config.direction, 0.0, 0),
            device=self.device,
            data_dir=self.data_root,
            keep_best=False,
        )
