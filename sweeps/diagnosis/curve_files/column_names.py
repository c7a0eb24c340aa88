"""Tells from the words in a column's name its split, whether it is a loss, and the direction of a score."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Split = Literal["train", "valid", ""]
Better = Literal["maximize", "minimize"]

TRIALS = ("trial", "run", "run_id", "run_name", "fold")
ROUNDS = (
    *("round", "epoch", "step", "global_step", "trainer/global_step", "_step", "iteration", "iter"),
    *("epochs", "ep", "iterations", "(index)"),
)
RATES = ("learning_rate", "lr", "train/learning_rate", "lr/pg0", "x/lr0")
TRAINING = frozenset({"train", "training", "trn", "tr"})
VALIDATION = frozenset({"valid", "val", "validation", "eval", "evaluation", "dev"})
TEST = frozenset({"test", "testing", "te", "tst"})
# If there are several scores, the first one in this order is used: what is usually optimised comes first.
SCORES_FIRST = (
    *("score", "accuracy", "acc", "top1", "accuracy_top1", "f1", "auc", "auroc"),
    *("map50-95(b)", "map_0.5:0.95", "map50-95", "map"),
    *("miou", "iou", "dice", "bleu", "rougel", "mrr", "ndcg", "r2", "mcc", "wer", "cer", "perplexity", "ppl"),
    *("precision", "recall", "precision(b)", "recall(b)", "map50(b)", "map_0.5", "map50", "accuracy_top5"),
    *("mae", "rmse", "mse", "mape", "error", "err", "error_rate"),
)
MINIMISED = frozenset(
    {
        *("wer", "cer", "perplexity", "ppl", "mae", "rmse", "mse", "mape", "error", "err", "error_rate"),
        *("bpc", "bpb", "mean_absolute_error", "mean_squared_error", "root_mean_squared_error", "fid", "nll"),
        *("eer", "hausdorff", "l1", "l2", "rmsle", "smape", "merror", "brier"),
    }
)
MAXIMISED = frozenset(SCORES_FIRST) - MINIMISED
PASSED_OVER = re.compile(
    r"(^|[/_. ])(time|runtime|seconds|timestamp|wall|samples|steps|speed|memory|flos|eta|num|size|sec)([/_. ]|$)"
    r"|per_second|__(min|max)$|grad_norm|total_flos|^lr|/lr",
    re.IGNORECASE,
)
_PLURAL = {"losses": "loss", "accuracies": "accuracy", "accs": "acc", "errors": "error"}


@dataclass(frozen=True)
class Column:
    """A column's name, divided into its split and the kind of its figure, such as `loss` or `accuracy`."""

    name: str
    split: Split
    kind: str

    @property
    def is_loss(self) -> bool:
        """Whether the name ends with `loss`, or contains it as a word."""
        return "loss" in re.split(r"[/_. ]", self.kind) or self.kind.endswith("loss")


def columns_of(names: Sequence[str]) -> list[Column]:
    """The columns that may hold losses or scores, by their names, each with its split."""
    words = {name: words_of(name) for name in names if not PASSED_OVER.search(name)}
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
            found.append(Column(name, split, kind))
    return found


def test_columns(names: Iterable[str]) -> list[str]:
    """The columns of test figures; none if there are no columns of validation figures."""
    words = {name: set(words_of(name)) for name in names}
    if not any(VALIDATION & parts for parts in words.values()):
        return []
    return [name for name, parts in words.items() if TEST & parts]


def words_of(name: str) -> list[str]:
    """The words of a name in lower case: those of `valLoss`, `val-loss` and `Val Losses` are val and loss."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z][a-z])", "_", name.strip())
    spaced = re.sub(r"(?<=[A-Za-z])-(?=[A-Za-z])|'s\b", "_", spaced).lower()
    spaced = re.sub(r"\b(valid|training|validation)_0(?=[_/. ]|$)", r"\1", spaced)  # of LightGBM
    return [_PLURAL.get(part, part) for part in re.split(r"[/_. ]+", spaced) if part]


def better(kind: str) -> Better | None:
    """The direction that a score's name tells; None if the name is not a usual one."""
    words = {kind, *kind.split("_")}
    if words & MINIMISED:
        return "minimize"
    return "maximize" if kind == "score" or (words - {"score"}) & MAXIMISED else None


def named_as(wanted: Sequence[str], names: Iterable[str]) -> str | None:
    """The first of the wanted names that occurs in `names`, as it is written there; None if none does."""
    return next(iter(all_named_as(wanted, names)), None)


def all_named_as(wanted: Sequence[str], names: Iterable[str]) -> list[str]:
    """Those of the names that are in `wanted`, in the order of `wanted`.

    Upper and lower case count as equal, and `Epoch #` counts as `epoch`.
    """
    by_lower: dict[str, str] = {}
    for name in names:
        by_lower.setdefault(re.sub(r"\s*[#:.]$", "", name.lower()).strip(), name)
    return [by_lower[each] for each in wanted if each in by_lower]
