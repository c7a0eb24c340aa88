"""Measures stop rules on the bank of full curves: what each rule saves, what it loses, and what it catches.

    python -m benchmarks.stop_rules [--part report|develop] [--only RULE …] [--untold] [--write]

Each study of the bank is replayed in 20 seeded orders of its trials, one trial after the other. A rule sees a trial's
rounds one at a time, and of the earlier trials the rounds before their halt. --only measures some rules and keeps the
stored figures of the others. --untold hides the number of rows, the chance score and further signals, as in a plain CSV
file, and measures only `onset`. --write puts tables and plot into `docs/stopping-tables.md`.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import optuna
import pandas as pd

from benchmarks import stopping_page
from benchmarks.curve_bank import PARTS
from benchmarks.full_curves import Bank, Full, load
from benchmarks.reference_rules import REFERENCES, Reference
from sweeps.diagnosis.labels import diagnose
from sweeps.pruning.curves import noise_of
from sweeps.pruning.guards import Guards
from sweeps.pruning.learning_curve import Curve
from sweeps.pruning.onset import OnsetRule
from sweeps.pruning.relative import StudyRule
from sweeps.pruning.rule import StopRule, Watch
from sweeps.pruning.rules import RULES, make_rule
from sweeps.trial.verdict import Stop, TrialEnd

ORDERS = 20
POINTS = 100.0  # points in a score of 1
MakeRule = Callable[[Watch], StopRule]


@dataclass(frozen=True)
class Halt:
    """Where a rule halted a curve: after how many rounds, and why; the reason is `finished` if it did not halt it."""

    full: Full
    rounds: int
    reason: str

    @property
    def is_early(self) -> bool:
        return self.rounds < len(self.full.curve)

    @property
    def best(self) -> float:
        return float(self.full.best_by_round[self.rounds - 1])

    @property
    def regret(self) -> float:
        """How many points of the curve's best score were lost."""
        lost = float(self.full.best_by_round[-1]) - self.best
        return POINTS * lost if math.isfinite(lost) else 0.0

    @cached_property
    def is_false(self) -> bool:
        """Whether the halt lost more than noise: half a point in the best score and in the best mean over rounds.

        The mean over 6 % of the budget (an odd number, at least 3) of all rounds must beat that of the rounds up to the
        halt by half a point, and by 1.5 standard deviations of the difference of two such means.
        """
        if not (self.is_early and self.regret > 0.5):
            return False
        scores, window = self.full.scores, max(3, round(0.06 * self.full.budget))
        window += window % 2 == 0
        if len(scores) < window:
            return True
        means = np.convolve(scores, np.ones(window) / window, "valid")
        kept = means[: max(1, self.rounds - window + 1)]
        noise = noise_of(scores[len(scores) // 2 :]) * math.sqrt(2 / window)
        return bool(means.max() - kept.max() > max(0.5 / POINTS, 1.5 * noise))

    @property
    def is_caught(self) -> bool:
        """Whether the curve was halted between the onset of overfitting and its end."""
        onset = self.full.truth.onset
        return onset is not None and self.is_early and self.rounds - 1 >= onset


class Remembered(StopRule):
    """A rule that remembers another rule's verdicts on curves of the bank, if they depend only on the curve."""

    def __init__(self, watch: Watch, rule: StopRule) -> None:
        super().__init__(watch)
        self._rule = rule
        self._stops: dict[tuple[int, int], Stop | None] = {}

    def verdict(self, number: int, curve: Curve) -> Stop | None:
        key = (hash(curve.valid_loss.tobytes()), hash(curve.train_loss.tobytes()))
        if key not in self._stops:
            self._stops[key] = self._rule.verdict(number, curve)
        return self._stops[key]


def replay(curves: Sequence[Full], rule: StopRule) -> list[Halt]:
    """Where `rule` halts each curve, if the trials run one after the other."""
    halts = []
    for number, full in enumerate(curves):
        halt = Halt(full, len(full.curve), "finished")
        for rounds in range(1, len(full.curve)):
            stop = rule.verdict(number, full.curve.until(rounds))
            if stop is not None:
                halt = Halt(full, rounds, stop.reason)
                break
        state: TrialEnd = "PRUNED" if halt.reason == "inferior" else "COMPLETE"
        rule.finished(number, full.curve.until(halt.rounds), state)
        halts.append(halt)
    return halts


def rules() -> dict[str, MakeRule]:
    """All rules to compare, by name; ours come last."""
    ours: dict[str, MakeRule] = {
        name: partial(make_rule, name) for name in RULES if name not in ("onset", "study", "eager")
    }
    return {
        **{"none": ours.pop("none")},
        **{name: partial(Reference, holds=holds) for name, holds in REFERENCES.items()},
        **{f"Optuna {name}": make for name, make in ours.items()},
        **{
            f"onset, waiting {share:.0%}": partial(OnsetRule, guards=Guards(overfitting=share))
            for share in (0.1, 0.2, 0.3)
        },
        **{name: partial(make_rule, name) for name in ("onset", "study", "eager")},
    }


def outcomes(studies: list[list[Full]], make: MakeRule, orders: int = ORDERS) -> pd.DataFrame:
    """What a rule saved, lost and caught: one row for each study and order."""
    rows = []
    for curves in studies:
        watch = Watch(curves[0].budget, curves[0].metric)
        near, far = (
            Remembered(watch, OnsetRule(watch, guards))
            for guards in (StudyRule.near_guards, StudyRule.far_guards)
        )
        for order in range(orders):
            rule = make(watch)
            if isinstance(rule, StudyRule):
                rule = type(rule)(watch, near, far)
            elif order and not rule.needs_earlier:
                rows.append({**rows[-1], "order": order})
                continue
            shuffled = [curves[place] for place in np.random.default_rng(order).permutation(len(curves))]
            rows.append({"study": curves[0].study, "order": order, **_figures(replay(shuffled, rule))})
    return pd.DataFrame(rows)


def _figures(halts: Sequence[Halt]) -> dict[str, float]:
    full_best = max(float(halt.full.best_by_round[-1]) for halt in halts)
    kept = max((halt.best for halt in halts if halt.reason != "inferior"), default=-math.inf)
    kept_all = max(halt.best for halt in halts)
    overfitting = [halt for halt in halts if halt.full.truth.label == "overfitting"]
    caught = [halt for halt in overfitting if halt.is_caught]
    early = [halt for halt in halts if halt.is_early]
    return {
        "curves": len(halts),
        "rounds": sum(halt.full.budget for halt in halts),
        "saved": sum(len(halt.full.curve) - halt.rounds for halt in halts),
        "study_regret": POINTS * (full_best - kept),
        "study_regret_all": POINTS * (full_best - kept_all),
        "regret": sum(halt.regret for halt in halts),
        "above_0.2": sum(halt.regret > 0.2 for halt in halts),
        "above_1": sum(halt.regret > 1.0 for halt in halts),
        "overfitting": len(overfitting),
        "caught": len(caught),
        "delay": sum(50 / h.full.budget * (h.rounds - 1 - (h.full.truth.onset or 0)) for h in caught),
        "false_halts": sum(halt.regret > 0.5 for halt in early),
        "false_beyond_noise": sum(halt.is_false for halt in early),
        "lost_leads": sum(float(halt.full.best_by_round[-1]) > kept for halt in early),
    }


def summary(found: pd.DataFrame) -> dict[str, float | str]:
    """One row of the table: fractions of all curves of all studies, and the mean regret of a study with its interval."""
    total = found.sum(numeric_only=True)
    by_order = found.groupby("order")["study_regret"].mean().to_numpy()
    low, high = _bootstrap(found)
    return {
        "saved %": 100 * total["saved"] / total["rounds"],
        "study regret": by_order.mean(),
        "95 % interval": f"{low:.2f}–{high:.2f}",
        "kept either way": found["study_regret_all"].mean(),
        "regret": total["regret"] / total["curves"],
        "> 0.2 %": 100 * total["above_0.2"] / total["curves"],
        "> 1 %": 100 * total["above_1"] / total["curves"],
        "caught %": 100 * total["caught"] / max(1, total["overfitting"]),
        "delay": total["delay"] / total["caught"] if total["caught"] else math.nan,
        "false halts %": 100 * total["false_halts"] / total["curves"],
        "beyond noise %": 100 * total["false_beyond_noise"] / total["curves"],
        "lost leads %": 100 * total["lost_leads"] / total["curves"],
    }


def _bootstrap(found: pd.DataFrame, samples: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean study regret. It resamples studies, and one order of each."""
    table = found.pivot(index="study", columns="order", values="study_regret").to_numpy()
    draw = np.random.default_rng(0)
    studies = draw.integers(len(table), size=(samples, len(table)))
    orders = draw.integers(table.shape[1], size=(samples, len(table)))
    low, high = np.percentile(table[studies, orders].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def labels_right(studies: list[list[Full]]) -> pd.DataFrame:
    """One row for each curve: its true class, the diagnosis of the whole curve, and that at the halt by `onset`."""
    rows = []
    for curves in studies:
        rule = OnsetRule(Watch(curves[0].budget, curves[0].metric))
        for halt in replay(curves, rule):
            full = halt.full
            seen = full.curve.until(halt.rounds)
            rows.append(
                {
                    "study": full.study,
                    "trial": full.trial,
                    "true": full.truth.label,
                    "label": diagnose(full.curve, full.budget, full.metric).label,
                    "label_at_halt": diagnose(seen, full.budget, full.metric).label,
                    "halted": halt.reason,
                }
            )
    return pd.DataFrame(rows)


def measure(
    part: str, only: Sequence[str] = (), *, is_told: bool = True, bank: Bank = "tasks"
) -> dict[str, Any]:
    """All figures that the page shows, as plain values. only: the rules to measure; all if it is empty."""
    studies = load(part, is_told=is_told, bank=bank)
    overall, by_task = {}, {}
    for name, make in rules().items():
        if only and name not in only:
            continue
        found = outcomes(studies, make)
        overall[name] = summary(found)
        tasks = found["study"].str.rsplit("-", n=1).str[0]
        by_task[name] = {
            task: {key: summary(rows)[key] for key in ("saved %", "study regret")}
            for task, rows in found.groupby(tasks)
        }
        worst = found.groupby("study")["study_regret"].mean().max()
        print(
            f"{name:20s} saved {overall[name]['saved %']:.1f} % regret {overall[name]['study regret']:.3f} "
            f"(largest of a study {worst:.2f})",
            flush=True,
        )
    labels = labels_right(studies)
    return {
        "part": part,
        "studies": len(studies),
        "curves": len(labels),
        "rounds": sum(len(full.curve) for curves in studies for full in curves),
        "true": labels["true"].value_counts().to_dict(),
        "labels_right": float((labels["true"] == labels["label"]).mean()),
        "labels_right_at_halt": float((labels["true"] == labels["label_at_halt"]).mean()),
        "labels": labels[["study", "trial", "true", "label"]].to_dict("records"),
        "overall": overall,
        "by_task": by_task,
    }


def with_earlier(measured: dict[str, Any], earlier: Mapping[str, Any]) -> dict[str, Any]:
    """The new figures, and the earlier figures of rules that were not measured now, in the order of the rules."""
    names = [name for name in rules() if name in measured["overall"] or name in earlier.get("overall", {})]
    for key in ("overall", "by_task"):
        old = earlier.get(key, {})
        measured[key] = {name: measured[key].get(name) or old[name] for name in names}
    return {**{key: value for key, value in earlier.items() if key not in measured}, **measured}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=PARTS, default="report")
    parser.add_argument("--only", action="append", choices=list(rules()), default=[])
    parser.add_argument("--untold", action="store_true", help="Without rows, chance and signals; onset only.")
    parser.add_argument("--write", action="store_true", help="Put the report into docs/stopping-tables.md.")
    wanted = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    only = ["onset"] if wanted.untold else wanted.only
    measured = measure(wanted.part, only, is_told=not wanted.untold)
    for name, row in measured["overall"].items():
        print(name, row)
    for name in ("studies", "curves", "rounds", "true", "labels_right", "labels_right_at_halt"):
        print(name, measured[name])
    if not wanted.write:
        return
    earlier = stopping_page.stored()
    if wanted.untold:
        kept = {"overall": measured["overall"]["onset"], "labels_right": measured["labels_right"]}
        stopping_page.write({**earlier, f"untold_{wanted.part}": kept})
    elif wanted.part == "report":
        stopping_page.write(with_earlier(measured, earlier if only else {}))
    else:
        kept = {"overall": measured["overall"]["onset"], "labels_right": measured["labels_right"]}
        stopping_page.write({**earlier, "told_develop": kept})


if __name__ == "__main__":
    main()
