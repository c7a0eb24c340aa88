"""The stop rules in anyone's own Optuna study.

Optuna passes one value a step; these rules need training and validation. So `report_round` stores the whole round with
the trial (as a user attribute) besides reporting the value that Optuna shows, and `OverfittingPruner` reads it back.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Protocol

import optuna
from optuna.pruners import BasePruner
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from sweeps.pruning.learning_curve import SIGNALS, Curve, curve_from_columns
from sweeps.pruning.onset import Guards, verdict
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
    train_loss: float,
    valid_loss: float,
    train_score: float | None = None,
    valid_score: float | None = None,
    **signals: float,
) -> None:
    """Report a round of training; in place of `trial.report`.

    step: counts up by one. Losses are means a row; scores what the study optimises, both or neither (then the
    validation loss is what it minimises). signals: any of SIGNALS. Raises ValueError for another name, or for one score
    alone.
    """
    if (train_score is None) != (valid_score is None):
        raise ValueError("train_score and valid_score: both or neither")
    if unknown := set(signals) - set(SIGNALS):
        raise ValueError(f"{sorted(unknown)[0]}: no signal; there are {', '.join(SIGNALS)}")
    figures = {"train_loss": train_loss, "valid_loss": valid_loss, **signals}
    if train_score is not None and valid_score is not None:
        figures |= {"train_score": train_score, "valid_score": valid_score}
    # JSON has no infinity; a string survives every storage.
    trial.set_user_attr(f"{_KEY}{step}", {name: repr(float(value)) for name, value in figures.items()})
    trial.report(valid_loss if valid_score is None else valid_score, step)


class OverfittingPruner(BasePruner):
    """Prunes at the onset of overfitting, and what has diverged, collapsed, learns nothing or long stands still.

    Args:
        total_rounds: how many rounds a trial is meant to have.
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
        rounds = _rounds_of(trial.user_attrs)
        if not rounds:
            raise ValueError("no round is stored with the trial: report them by sweeps.report_round")
        direction: Literal["maximize", "minimize"] = (
            "maximize" if study.direction is StudyDirection.MAXIMIZE else "minimize"
        )
        metric = Metric(self._score_name, direction, self._chance, self._valid_rows)
        return verdict(_curve_of(rounds, metric), self._total_rounds, metric, self._guards)


def _rounds_of(attributes: Mapping[str, Any]) -> list[dict[str, float]]:
    stored = {
        int(key.removeprefix(_KEY)): {name: float(text) for name, text in value.items()}
        for key, value in attributes.items()
        if key.startswith(_KEY)
    }
    return [stored[step] for step in sorted(stored)]


def _curve_of(rounds: list[dict[str, float]], metric: Metric) -> Curve:
    names = {name for figures in rounds for name in figures}
    return curve_from_columns({name: [figures.get(name) for figures in rounds] for name in names}, metric)
