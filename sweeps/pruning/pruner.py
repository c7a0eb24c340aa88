"""The stop rules in anyone's own Optuna study.

Optuna passes one value a step; these rules need training and validation. So `report_round` stores the whole round with
the trial (as a user attribute) besides reporting the value that Optuna shows, and `OverfittingPruner` reads it back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Protocol

import numpy as np
import optuna
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from sweeps.pruning.guards import Guards
from sweeps.pruning.learning_curve import LOSSES, SCORES, SIGNALS, Curve, curve_from_columns
from sweeps.pruning.onset import verdict
from sweeps.trial.metric import Metric
from sweeps.trial.verdict import Stop

_KEY = "round:"


class Reported(Protocol):
    """What is needed of an `optuna.Trial`."""

    def report(self, value: float, step: int) -> None:
        """Store an intermediate value."""

    def set_user_attr(self, key: str, value: Any) -> None:
        """Store an attribute."""


def report_round(
    trial: Reported,
    step: int,
    *,
    train_loss: float | None = None,
    valid_loss: float | None = None,
    train_score: float | None = None,
    valid_score: float | None = None,
    **signals: float,
) -> None:
    """Report a round of training; in place of `trial.report`.

    step: grows from round to round: epochs, every fifth epoch, or steps of the optimizer. Losses are means a row;
    scores are what the study optimises (without one it minimises the validation loss). What was not measured in a round
    is left out; training figures sharpen a verdict, and may be missing throughout. Optuna is shown rounds with a
    validation figure only. signals: any of SIGNALS. Raises ValueError for another name, or without a figure.
    """
    if unknown := set(signals) - set(SIGNALS):
        raise ValueError(f"{sorted(unknown)[0]}: no signal; there are {', '.join(SIGNALS)}")
    given = {
        "train_loss": train_loss,
        "valid_loss": valid_loss,
        "train_score": train_score,
        "valid_score": valid_score,
        **signals,
    }
    figures = {name: value for name, value in given.items() if value is not None}
    if not figures.keys() & {*LOSSES, *SCORES}:
        raise ValueError("report_round: give valid_loss or valid_score, or at least a figure of training")
    # JSON has no infinity; a string survives every storage.
    trial.set_user_attr(f"{_KEY}{step}", {name: repr(float(value)) for name, value in figures.items()})
    reported = valid_loss if valid_score is None else valid_score
    if reported is not None:
        trial.report(reported, step)


class OverfittingPruner(BasePruner):
    """Prunes at the onset of overfitting, and what has diverged, collapsed, learns nothing or long stands still.

    Args:
        total_rounds: how many rounds a trial is meant to have, in the count of `step`: 60 epochs are 60 also where
            every fifth is reported, and 20,000 steps are 20,000.
        valid_rows: rows behind a validation score, from which its sampling error follows; 0 where unknown.
        chance: the score of a model that has learnt nothing; NaN where unknown.
        score_name: what the score is called in a verdict.
        guards: how long each rule waits.

    The verdicts are those of `sweep launch --stop-rule onset`. A trial that is pruned does not count for
    `study.best_trial`: to keep its best, leave the loop where `trial.should_prune()` and return the best score.
    """

    def __init__(
        self,
        total_rounds: int,
        *,
        valid_rows: int = 0,
        chance: float = math.nan,
        score_name: str = "score",
        guards: Guards | None = None,
    ) -> None:
        if total_rounds < 1:
            raise ValueError(f"total_rounds: {total_rounds} is less than one round")
        self._total_rounds = total_rounds
        self._valid_rows = valid_rows
        self._chance = chance
        self._score_name = score_name
        self._guards = guards or Guards()

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """What `trial.should_prune()` asks."""
        return self.verdict(study, trial) is not None

    def verdict(self, study: optuna.Study, trial: FrozenTrial | optuna.Trial) -> Stop | None:
        """Why a trial is pruned: reason, evidence, and a sentence; None while it is not."""
        rounds = stored_rounds(trial.user_attrs)
        if not rounds:
            raise ValueError("no round is stored with the trial: report them by sweeps.report_round")
        direction: Literal["maximize", "minimize"] = (
            "maximize" if study.direction is StudyDirection.MAXIMIZE else "minimize"
        )
        has_score = any("valid_score" in figures for figures in rounds.values())
        if not has_score and not any("valid_loss" in figures for figures in rounds.values()):
            return None
        metric = (
            Metric(self._score_name, direction, self._chance, self._valid_rows)
            if has_score
            else Metric("validation loss", "minimize", math.nan, 0)
        )
        budget = rounds_reported(list(rounds), self._total_rounds)
        return verdict(_curve_of(rounds, metric), budget, metric, self._guards)


def stored_rounds(attributes: Mapping[str, Any]) -> dict[int, dict[str, float]]:
    """The figures of each round that `report_round` stored, by step, in order."""
    stored = {
        int(key.removeprefix(_KEY)): {name: float(text) for name, text in value.items()}
        for key, value in attributes.items()
        if key.startswith(_KEY)
    }
    return {step: stored[step] for step in sorted(stored)}


def rounds_reported(steps: list[int], total: int) -> int:
    """How many rounds a trial of `total` steps reports, by the usual distance of those that it has reported."""
    if len(steps) < 2:
        apart = max(1, steps[0]) if steps else 1
    else:
        apart = max(1, int(np.median(np.diff(steps))))
    return max(len(steps), math.ceil(total / apart))


def _curve_of(rounds: Mapping[int, dict[str, float]], metric: Metric) -> Curve:
    names = {name for figures in rounds.values() for name in figures}
    columns = {name: [figures.get(name) for figures in rounds.values()] for name in names}
    return curve_from_columns(columns, metric, list(rounds))
