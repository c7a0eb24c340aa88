"""Finds which column holds which figure, from the names that loggers use. `--columns` overrides this."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from objectives.spelling import did_you_mean
from sweeps.diagnosis.curve_files.table import Table
from sweeps.errors import UsageError
from sweeps.pruning.learning_curve import LOSSES, SCORES, SIGNALS

FIGURES = (*LOSSES, *SCORES, *SIGNALS)
KNOWN = ("trial", "round", *FIGURES)
Split = Literal["train", "valid", ""]

TRIALS = ("trial", "run", "run_id", "run_name", "fold")
ROUNDS = (
    "round",
    "epoch",
    "step",
    "global_step",
    "trainer/global_step",
    "_step",
    "iteration",
    "iter",
    "(index)",
)
RATES = ("learning_rate", "lr", "train/learning_rate", "lr/pg0", "x/lr0")
TRAINING = frozenset({"train", "training", "trn", "tr"})
VALIDATION = frozenset({"valid", "val", "validation", "eval", "evaluation", "dev"})
TEST = frozenset({"test", "testing"})
# If there are several scores, the first one in this order is used: what is usually optimised comes first.
SCORES_FIRST = (
    *(
        "score",
        "accuracy",
        "acc",
        "top1",
        "f1",
        "auc",
        "auroc",
        "map50-95(b)",
        "map_0.5:0.95",
        "map50-95",
        "map",
    ),
    *("miou", "iou", "dice", "bleu", "rougel", "mrr", "ndcg", "r2", "mcc", "wer", "cer", "perplexity", "ppl"),
    *("precision", "recall", "precision(b)", "recall(b)", "map50(b)", "map_0.5", "map50"),
    *("mae", "rmse", "mse", "mape", "error", "err", "error_rate"),
)
MINIMISED = frozenset(
    {
        "wer",
        "cer",
        "perplexity",
        "ppl",
        "mae",
        "rmse",
        "mse",
        "mape",
        "error",
        "err",
        "error_rate",
        "bpc",
        "bpb",
    }
    | {
        "mean_absolute_error",
        "mean_squared_error",
        "root_mean_squared_error",
        "fid",
        "nll",
        "eer",
        "hausdorff",
    }
)
PASSED_OVER = re.compile(
    r"(^|[/_. ])(time|runtime|seconds|timestamp|wall|samples|steps|speed|memory|flos|eta|num|size|sec)([/_. ]|$)"
    r"|per_second|__(min|max)$|grad_norm|total_flos|^lr|/lr",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Taken:
    """Which columns are used.

    figures: for each figure, the columns whose sum it is (usually one). trial, round: the columns that name them; None
    if there is none. direction: the score's direction if its name tells it. others: validation scores not used.
    """

    figures: Mapping[str, Sequence[str]]
    trial: str | None = None
    round: str | None = None
    direction: Literal["maximize", "minimize"] | None = None
    others: Sequence[str] = field(default_factory=tuple)

    def spoken(self) -> list[str]:
        """Which columns are used for which figures, in words; empty if every column has the name of its figure."""
        parts = {"trial": [self.trial], "round": [self.round], **self.figures}
        columns = {
            name: " + ".join(str(each) for each in found) for name, found in parts.items() if found != [None]
        }
        if all(name == column for name, column in columns.items()):
            return []
        return [name if name == column else f"{name} = {column}" for name, column in columns.items()]


@dataclass(frozen=True)
class _Column:
    """A column's name, divided into its split and the kind of its figure, such as `loss` or `accuracy`."""

    name: str
    split: Split
    kind: str

    @property
    def is_loss(self) -> bool:
        return "loss" in re.split(r"[/_. ]", self.kind) or self.kind.endswith("loss")


def take(table: Table, given: Mapping[str, str], rounds: Sequence[str] = ROUNDS) -> Taken:
    """Find the columns of the figures in a table.

    given: by figure, the column that `--columns` names. rounds: names of columns of rounds, the preferred one first.
    Raises UsageError if no column has a validation figure, or for an unknown name in `given`.
    """
    _check(table, given)
    names = [name for name in table.columns if name not in given.values()]
    trial = given.get("trial") or _first(TRIALS, names)
    round_ = given.get("round") or next(
        (name for name in _all(rounds, names) if table.is_numeric(name)), None
    )
    free = [name for name in names if name not in (trial, round_) and table.is_numeric(name)]
    figures: dict[str, Sequence[str]] = {name: [given[name]] for name in FIGURES if name in given}
    figures |= {name: [name] for name in FIGURES if name in free and name not in figures}
    rate = _first(RATES, free) or next((name for name in free if name.lower().startswith("lr-")), None)
    if rate is not None:
        figures.setdefault("learning_rate", [rate])
    used = {each for found in figures.values() for each in found}
    columns = _split([name for name in free if name not in used])
    others: list[str] = []
    _take_losses(columns, figures)
    kind = _take_scores(columns, figures, others)
    if "valid_loss" not in figures and "valid_score" not in figures:
        raise UsageError(_nothing(table, figures))
    return Taken(figures, trial, round_, _direction_of(kind), others)


def _direction_of(kind: str) -> Literal["maximize", "minimize"] | None:
    """The direction that a score's name tells; None if the name is not a usual one."""
    if kind in MINIMISED or kind.split("_")[-1] in MINIMISED:
        return "minimize"
    return "maximize" if kind in SCORES_FIRST else None


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


def _split(names: Sequence[str]) -> list[_Column]:
    """The columns that may hold losses or scores, by their names, each with its split."""
    words = {name: _words(name) for name in names if not PASSED_OVER.search(name)}
    has_validation = any(VALIDATION & set(parts) for parts in words.values())
    validation = VALIDATION if has_validation else VALIDATION | TEST
    found = []
    for name, parts in words.items():
        is_train, is_valid = TRAINING & set(parts), validation & set(parts)
        if parts and not (TEST - validation) & set(parts) and parts[-1] != "step":
            split: Split = "train" if is_train else "valid" if is_valid else ""
            kind = "_".join(
                part for part in parts if part not in TRAINING | validation | {"epoch", "metrics"}
            )
            found.append(_Column(name, split, kind))
    return found


def test_columns(names: Iterable[str]) -> list[str]:
    """The columns of test figures; none if there are no columns of validation figures."""
    words = {name: set(_words(name)) for name in names}
    if not any(VALIDATION & parts for parts in words.values()):
        return []
    return [name for name, parts in words.items() if TEST & parts]


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", name.strip())
    return [part for part in re.split(r"[/_. ]+", spaced.lower()) if part]


def _take_losses(columns: Sequence[_Column], figures: dict[str, Sequence[str]]) -> None:
    """Find the loss of each split. Several parts of a loss (box, class …) are summed if both splits have them."""
    losses = [column for column in columns if column.is_loss]
    valid = {column.kind: column.name for column in losses if column.split == "valid"}
    train = {column.kind: column.name for column in losses if column.split == "train"}
    bare = {column.kind: column.name for column in losses if column.split == ""}
    train = {**bare, **train}
    if "valid_loss" not in figures and valid:
        kinds = ["loss"] if "loss" in valid else [kind for kind in valid if kind in train] or list(valid)[:1]
        figures["valid_loss"] = [valid[kind] for kind in kinds]
        if "train_loss" not in figures and all(kind in train for kind in kinds):
            figures["train_loss"] = [train[kind] for kind in kinds]
    if "train_loss" not in figures and train:
        figures["train_loss"] = [train.get("loss", next(iter(train.values())))]


def _take_scores(columns: Sequence[_Column], figures: dict[str, Sequence[str]], others: list[str]) -> str:
    """Find the scores of both splits; returns the kind of score, empty if there is none.

    A score whose name has no split counts as a training score if there is a validation score of the same kind.
    """
    if "valid_score" in figures:
        return figures["valid_score"][0].lower()
    scores = [column for column in columns if not column.is_loss]
    valid = {column.kind: column.name for column in scores if column.split == "valid"}
    train = {column.kind: column.name for column in scores if column.split == "train"}
    bare = {column.kind: column.name for column in scores if column.split == ""}
    is_score = [kind for kind in (*valid, *bare) if kind in SCORES_FIRST or kind in MINIMISED]
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
        TRAINING & set(_words(name)) for name in figures.get("train_loss", ())
    )


def _first(wanted: Sequence[str], names: Sequence[str]) -> str | None:
    return next(iter(_all(wanted, names)), None)


def _all(wanted: Sequence[str], names: Sequence[str]) -> list[str]:
    """Those of the names that are in `wanted`, in the order of `wanted`; upper and lower case count as equal."""
    by_lower = {name.lower(): name for name in reversed(names)}
    return [by_lower[each] for each in wanted if each in by_lower]
