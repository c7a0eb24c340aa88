"""Brings the stop rule `onset` into a user's own Optuna study.

Optuna passes one value for each step, but the rule needs training and validation figures. So `report_round` stores the
whole round with the trial (as a user attribute) and reports the value that Optuna shows; `OverfittingPruner` reads the
rounds back.
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
    """The methods of an `optuna.Trial` that are used here."""

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
    """Report a round of training; call it instead of `trial.report`.

    step: a number that grows from round to round: the epoch (of every epoch or of every fifth), or the optimizer's
    step. Losses are means per row. The score is what the study optimises; without scores, it must minimise the
    validation loss. Omit what was not measured in a round. Training figures make verdicts more precise, and may be
    missing in all rounds. Only rounds with a validation figure are reported to Optuna. signals: any of SIGNALS. Raises
    ValueError for another name, or if no loss or score is given.
    """
    if unknown := set(signals) - set(SIGNALS):
        raise ValueError(f"{sorted(unknown)[0]} is not a signal. The signals are {', '.join(SIGNALS)}.")
    given = {
        "train_loss": train_loss,
        "valid_loss": valid_loss,
        "train_score": train_score,
        "valid_score": valid_score,
        **signals,
    }
    figures = {name: value for name, value in given.items() if value is not None}
    if not figures.keys() & {*LOSSES, *SCORES}:
        raise ValueError(
            "report_round: no loss or score was given. Give valid_loss or valid_score; in a round without validation, "
            "give train_loss or train_score."
        )
    # As strings, because JSON has no infinity.
    trial.set_user_attr(f"{_KEY}{step}", {name: repr(float(value)) for name, value in figures.items()})
    reported = valid_loss if valid_score is None else valid_score
    if reported is not None:
        trial.report(reported, step)


class OverfittingPruner(BasePruner):
    """Prunes a trial that overfits, has diverged or collapsed, learns nothing, or has long stood still.

    Args:
        total_rounds: the planned rounds of a trial, counted as `step` counts: 60 for 60 epochs, also if only every
            fifth is reported; 20,000 for 20,000 steps.
        valid_rows: the number of rows on which a validation score is computed; it gives the score's sampling error. 0
            if it is not known.
        chance: the score of a model that has learnt nothing; NaN if it is not known.
        score_name: the name of the score in a verdict's sentence.
        guards: how long each sign must last before a trial is pruned.

    The verdicts are those of `sweep launch --stop-rule onset`. Optuna does not consider a pruned trial for
    `study.best_trial`. To keep its best score, leave the training loop when `trial.should_prune()` is true, and return
    the best score.
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
            raise ValueError(f"total_rounds is {total_rounds}, but must be at least 1")
        self._total_rounds = total_rounds
        self._valid_rows = valid_rows
        self._chance = chance
        self._score_name = score_name
        self._guards = guards or Guards()

    def prune(self, study: optuna.Study, trial: FrozenTrial) -> bool:
        """Whether to prune the trial. `trial.should_prune()` calls this."""
        return self.verdict(study, trial) is not None

    def verdict(self, study: optuna.Study, trial: FrozenTrial | optuna.Trial) -> Stop | None:
        """Why a trial is pruned: reason, evidence, and a sentence; None if it is not pruned.

        Raises ValueError if no round is stored with the trial.
        """
        rounds = stored_rounds(trial.user_attrs)
        if not rounds:
            raise ValueError("no round is stored with the trial: report rounds with sweeps.report_round")
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
    """How many rounds a trial of `total` steps will report, estimated from the median distance of the steps so far."""
    if len(steps) < 2:
        apart = max(1, steps[0]) if steps else 1
    else:
        apart = max(1, int(np.median(np.diff(steps))))
    return max(len(steps), math.ceil(total / apart))


def _curve_of(rounds: Mapping[int, dict[str, float]], metric: Metric) -> Curve:
    names = {name for figures in rounds.values() for name in figures}
    columns = {name: [figures.get(name) for figures in rounds.values()] for name in names}
    return curve_from_columns(columns, metric, list(rounds))
