"""Loads the bank's curves, both as stop rules see them and with their true classes, which use the whole record."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd

from benchmarks.curve_bank import BankStudy, bank_studies
from benchmarks.kinds.kind import Kind
from benchmarks.kinds_bank import KindStudy, kind_studies
from benchmarks.true_classes import Truth, true_class
from objectives.registry import get_task
from sweeps.pruning.learning_curve import LOSSES, SCORES, Curve, FloatArray, curve_from_columns
from sweeps.trial.metric import Metric

Bank = Literal["tasks", "kinds"]
PLAIN = frozenset({*LOSSES, *SCORES})  # the columns of a plain CSV file
ONLY_JUDGED = ("score_error", "chance")  # columns for the true class only; no rule sees them


@dataclass(frozen=True)
class Full:
    """A full curve of the bank.

    curve: the figures that rules see. scores: its validation scores in a unit in which larger is better and 1 is all
    that can be gained. Regrets are in hundredths of this unit (points).
    """

    study: str
    trial: int
    curve: Curve
    budget: int
    metric: Metric
    truth: Truth  # its true class, from the whole record
    scores: FloatArray

    @cached_property
    def best_by_round(self) -> FloatArray:
        """The best score up to each round."""
        scores = np.where(np.isfinite(self.scores), self.scores, -math.inf)
        return np.asarray(np.maximum.accumulate(scores))


def load(
    part: str, *, is_told: bool = True, bank: Bank = "tasks", only: Sequence[str] = ()
) -> list[list[Full]]:
    """The curves of all stored studies of the bank. only: load only these kinds.

    is_told: whether rules are told the number of rows, the chance score and further signals, or only a plain CSV file.
    """
    if bank == "kinds":
        there = [each for each in kind_studies(part) if each.path.exists()]
        return [list(_of_kind(each, is_told)) for each in there if not only or each.name in only]
    return [list(_of_task(study, is_told)) for study in bank_studies(part) if study.path.exists()]


def _of_task(study: BankStudy, is_told: bool) -> Iterator[Full]:
    task, recipe = get_task(study.task), study.recipe
    metric = Metric(task.metric, task.direction, task.chance_score, recipe.num_valid)
    for number, rows in study.read().groupby("trial"):
        told = curve_from_columns(_recorded(rows), metric)
        truth, scores = true_class(told), told.valid_score
        shown, as_told = (told, metric) if is_told else _untold(rows, metric)
        yield Full(study.name, int(number), shown, recipe.rounds, as_told, truth, scores)


def _of_kind(study: KindStudy, is_told: bool) -> Iterator[Full]:
    kind, table = study.kind, study.read()
    chance = float(table["chance"].iloc[0])
    metric = Metric(kind.score_name, kind.direction, chance, kind.num_valid)
    if kind.score is None:
        metric = replace(metric, chance=math.nan, num_valid=0)
    for number, rows in table.groupby("trial"):
        judged = _judged(kind, rows, chance)
        truth = true_class(judged)
        told = curve_from_columns(_recorded(rows), metric, list(rows["round"]))
        shown, as_told = (told, metric) if is_told else _untold(rows, metric)
        yield Full(study.name, int(number), shown, kind.rounds, as_told, truth, judged.valid_score)


def _untold(rows: pd.DataFrame, metric: Metric) -> tuple[Curve, Metric]:
    """The curve and its metric, as read from a plain CSV file."""
    plain = replace(metric, chance=math.nan, num_valid=0)
    columns = {name: values for name, values in _recorded(rows).items() if name in PLAIN}
    return curve_from_columns(columns, plain, list(rows["round"])), plain


def _judged(kind: Kind, rows: pd.DataFrame, chance: float) -> Curve:
    """A kind's curve in the form for `true_class`: scores up to 1, with their standard errors, and losses above 0."""
    named = ("train_loss", "valid_loss") if kind.score is None else SCORES
    raw = {name: rows[column].to_numpy(np.float64) for name, column in zip(SCORES, named, strict=True)}
    losses = {name: rows[name].to_numpy(np.float64) - kind.lowest_loss for name in LOSSES}
    columns: dict[str, Sequence[float]] = {
        **{name: list(values) for name, values in losses.items()},
        **{name: list(kind.shares(values, chance)) for name, values in raw.items()},
    }
    floor = float(kind.shares(np.array([chance]), chance)[0])
    curve = curve_from_columns(columns, Metric("share", "maximize", floor, 0))
    if kind.score is None:
        return curve  # the error of its loss was not recorded
    errors = rows["score_error"].to_numpy(np.float64)
    return replace(curve, score_error=kind.share_of_error(errors, raw["valid_score"], chance))


def _recorded(rows: pd.DataFrame) -> dict[str, list[float]]:
    """The columns that are not empty, and those that every curve of the bank has."""
    return {
        str(name): list(rows[name])
        for name in rows
        if name not in ONLY_JUDGED and (name in PLAIN or rows[name].notna().any())
    }
