"""Finds which column holds which figure, from the names that loggers use. `--columns` overrides this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from objectives.spelling import did_you_mean
from sweeps.diagnosis.curve_files.column_names import (
    MINIMISED,
    RATES,
    ROUNDS,
    SCORES_FIRST,
    TRAINING,
    TRIALS,
    Better,
    Column,
    all_named_as,
    better,
    columns_of,
    named_as,
    words_of,
)
from sweeps.diagnosis.curve_files.table import Table
from sweeps.errors import UsageError
from sweeps.pruning.learning_curve import LOSSES, SCORES, SIGNALS

FIGURES = (*LOSSES, *SCORES, *SIGNALS)
KNOWN = ("trial", "round", *FIGURES)


@dataclass(frozen=True)
class Taken:
    """Which columns are used.

    figures: for each figure, the columns whose sum it is (usually one). trial, round: the columns that name them; None
    if there is none. direction: the score's direction if its name tells it. others, other_losses: validation scores and
    losses that are not used.
    """

    figures: Mapping[str, Sequence[str]]
    trial: str | None = None
    round: str | None = None
    direction: Better | None = None
    others: Sequence[str] = field(default_factory=tuple)
    other_losses: Sequence[str] = field(default_factory=tuple)

    def spoken(self) -> list[str]:
        """Which columns are used for which figures, in words; empty if every column has the name of its figure."""
        parts = {"trial": [self.trial], "round": [self.round], **self.figures}
        columns = {
            name: " + ".join(str(each) for each in found) for name, found in parts.items() if found != [None]
        }
        if all(name == column for name, column in columns.items()):
            return []
        return [name if name == column else f"{name} = {column}" for name, column in columns.items()]


def take(table: Table, given: Mapping[str, str], rounds: Sequence[str] = ROUNDS) -> Taken:
    """Find the columns of the figures in a table.

    given: by figure, the column that `--columns` names. rounds: names of columns of rounds, the preferred one first.
    Raises UsageError if no column has a validation figure, or for an unknown name in `given`.
    """
    _check(table, given)
    names = [name for name in table.columns if name not in given.values()]
    trial = given.get("trial") or named_as(TRIALS, names)
    round_ = given.get("round") or next(
        (name for name in all_named_as(rounds, names) if table.is_numeric(name)), None
    )
    free = [name for name in names if name not in (trial, round_) and table.is_numeric(name)]
    figures: dict[str, Sequence[str]] = {name: [given[name]] for name in FIGURES if name in given}
    figures |= {name: [name] for name in FIGURES if name in free and name not in figures}
    rate = named_as(RATES, free) or next((name for name in free if name.lower().startswith("lr-")), None)
    if rate is not None:
        figures.setdefault("learning_rate", [rate])
    used = {each for found in figures.values() for each in found}
    columns = columns_of([name for name in free if name not in used])
    other_losses = _take_losses(columns, figures)
    others: list[str] = []
    kind = _take_scores(columns, figures, others, is_fastai=_is_fastai(table))
    if "valid_loss" not in figures and "valid_score" not in figures:
        raise UsageError(_nothing(table, figures))
    return Taken(figures, trial, round_, better(kind), others, other_losses)


def _check(table: Table, given: Mapping[str, str]) -> None:
    unknown = [name for name in given if name not in KNOWN]
    if unknown:
        raise UsageError(
            f"--columns {unknown[0]}=…: there is no such figure{did_you_mean(unknown[0], KNOWN)} "
            f"The figures are: {', '.join(KNOWN)}."
        )
    absent = [name for name in given.values() if name not in table.columns]
    if absent:
        raise UsageError(
            f"--columns …={absent[0]}: {table.path} has no such column{did_you_mean(absent[0], list(table.columns))} "
            f"It has: {', '.join(table.columns)}."
        )


def _nothing(table: Table, figures: Mapping[str, Sequence[str]]) -> str:
    there = f" (training figures: {', '.join(figures)})" if figures else ""
    return (
        f"{table.path}: holds no validation loss and no validation score{there}, so generalisation can't "
        f"be judged. It has: {', '.join(table.columns)}. If one of them was measured on held-out rows, name it: "
        "--columns valid_loss=NAME or --columns valid_score=NAME (also: train_loss, train_score, round, trial)."
    )


def _is_fastai(table: Table) -> bool:
    """Whether the columns are those of fastai's recorder, in which all further metrics are validation metrics."""
    names = list(table.columns)
    return names[:3] == ["epoch", "train_loss", "valid_loss"] and names[-1] == "time"


def _take_losses(columns: Sequence[Column], figures: dict[str, Sequence[str]]) -> list[str]:
    """Find the loss of each split. Several parts of a loss (box, class …) are summed if both splits have them.

    Returns the validation losses that are not used.
    """
    losses = [column for column in columns if column.is_loss]
    valid = {column.kind: column.name for column in losses if column.split == "valid"}
    train = {column.kind: column.name for column in losses if column.split == "train"}
    bare = {column.kind: column.name for column in losses if column.split == ""}
    train = {**bare, **train}
    others: list[str] = []
    if "valid_loss" not in figures and valid:
        kinds = ["loss"] if "loss" in valid else [kind for kind in valid if kind in train] or list(valid)[:1]
        figures["valid_loss"] = [valid[kind] for kind in kinds]
        others = [name for kind, name in valid.items() if kind not in kinds]
        if "train_loss" not in figures and all(kind in train for kind in kinds):
            figures["train_loss"] = [train[kind] for kind in kinds]
    if "train_loss" not in figures and train:
        figures["train_loss"] = [train.get("loss", next(iter(train.values())))]
    return others


def _take_scores(
    columns: Sequence[Column], figures: dict[str, Sequence[str]], others: list[str], *, is_fastai: bool
) -> str:
    """Find the scores of both splits; returns the kind of score, empty if there is none.

    A score whose name has no split counts as a training score if there is a validation score of the same kind.
    """
    if "valid_score" in figures:
        return figures["valid_score"][0].lower()
    scores = [column for column in columns if not column.is_loss]
    valid = {column.kind: column.name for column in scores if column.split == "valid"}
    train = {column.kind: column.name for column in scores if column.split == "train"}
    bare = {column.kind: column.name for column in scores if column.split == ""}
    is_score = [kind for kind in (*valid, *bare) if is_fastai or kind in SCORES_FIRST or kind in MINIMISED]
    candidates = {kind: valid.get(kind, bare.get(kind, "")) for kind in dict.fromkeys((*valid, *is_score))}
    if not valid and not _is_validation(figures):
        candidates = {}
    if not candidates:
        return ""
    order = [*[kind for kind in SCORES_FIRST if kind in candidates], *candidates]
    kind = order[0]
    figures["valid_score"] = [candidates[kind]]
    others += [name for each, name in candidates.items() if each != kind]
    if "train_score" not in figures:
        other = train.get(kind) or (bare.get(kind) if kind in valid else None)
        if other is not None:
            figures["train_score"] = [other]
    return kind


def _is_validation(figures: Mapping[str, Sequence[str]]) -> bool:
    """Whether scores without a split are validation scores: so if losses name both splits (fastai, Ultralytics)."""
    return "valid_loss" in figures and any(
        TRAINING & set(words_of(name)) for name in figures.get("train_loss", ())
    )
