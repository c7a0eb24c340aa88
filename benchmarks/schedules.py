"""Compares schedules that pause trials with each other and with stop rules, on the bank of full curves.

    python -m benchmarks.schedules [--part report|develop] [--only NAME …] [--write]

Each study of the bank is replayed in 20 seeded orders of at most 20 of its trials. A schedule decides which slice of
rounds is trained next; decision k knows the slices of the decisions 0 … k - 4, as in a study with parallelism 4. A stop
rule judges trial n by the trials 0 … n - 4. The table has the rounds saved; the regret, which is the loss in the study's
best score in points (mean with a bootstrap interval, and the mean of the study that loses most); and the area, which is the
mean regret of the best score so far over all rounds that the study might have spent, with one worker and with four.
--write puts the table into `docs/schedules.md`.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd

from benchmarks.curve_bank import PARTS
from benchmarks.page_blocks import with_block
from benchmarks.stop_rules import ORDERS, POINTS, Full, Halt, Remembered, load, replay, rules
from sweeps.pruning.onset import OnsetRule
from sweeps.pruning.relative import StudyRule
from sweeps.pruning.rule import StopRule, Watch
from sweeps.schedule.asha import Asha, BestFew
from sweeps.schedule.decisions import Decisions, Result
from sweeps.schedule.slices import Schedule, Slice
from sweeps.schedule.thaw import Care, Thaw

PARALLELISM = 4
MOST_TRIALS = 20
RESULTS = Path(__file__).parent / "results" / "schedules.json"
PAGE = Path(__file__).parents[1] / "docs" / "schedules.md"
MakeSchedule = Callable[[int], Schedule]


def schedules() -> dict[str, tuple[MakeSchedule, bool]]:
    """All schedules to compare, by name, and whether `onset` also halts trials."""
    careful: MakeSchedule = Thaw
    return {
        "i-Epoch (5 %, then the best 5)": (BestFew, False),
        "halving with pause, 5 %": (functools.partial(Asha, is_synchronous=True), False),
        "halving with pause, 10 %": (functools.partial(Asha, first_share=0.1, is_synchronous=True), False),
        "ASHA with pause, 5 %": (Asha, False),
        "ASHA with pause, 10 %": (functools.partial(Asha, first_share=0.1), False),
        "rank and worth, all begin first": (functools.partial(Thaw, alternates=False), False),
        "rank and worth, less careful": (functools.partial(Thaw, care=Care(rank=0.5)), False),
        "thaw, without a rule": (careful, False),
        "thaw, with onset": (careful, True),
        "ASHA with pause, 5 %, with onset": (Asha, True),
    }


def drawn(curves: Sequence[Full], order: int) -> list[Full]:
    """At most 20 trials of a study, in the random order with this number."""
    places = np.random.default_rng(order).permutation(len(curves))[:MOST_TRIALS]
    return [curves[place] for place in places]


def simulated(curves: Sequence[Full], schedule: Schedule, ends: Sequence[int]) -> list[Slice | None]:
    """The slices of a study, in the order of decisions. ends: the round after which each trial ends at the latest."""
    decisions = Decisions(schedule, parallelism=PARALLELISM, num_trials=len(curves))
    made = []
    while not decisions.is_over:
        number, chosen = decisions.decide()
        if chosen is not None:
            end = min(chosen.end, ends[chosen.trial])
            curve = curves[chosen.trial].curve.until(end)
            decisions.report(number, Result(curve, is_ended=end == ends[chosen.trial]))
            chosen = Slice(chosen.trial, chosen.start, end)
        made.append(chosen)
    return made


def figures(
    curves: Sequence[Full], made: Sequence[Slice | None], kept: float | None = None
) -> dict[str, float]:
    """The rounds saved and the regrets. kept: the study's best score; by default, the best of all trained rounds."""
    full_best = max(float(full.best_by_round[-1]) for full in curves)
    trained = [0] * len(curves)
    for each in made:
        if each is not None:
            trained[each.trial] = each.end
    if kept is None:
        kept = max(float(full.best_by_round[n - 1]) for full, n in zip(curves, trained, strict=True) if n)
    budget = curves[0].budget
    return {
        "rounds": float(budget * len(curves)),
        "spent": float(sum(trained)),
        "full": float(sum(len(full.curve) for full in curves)),
        "regret": POINTS * (full_best - kept),
        **{f"area_{workers}": _area(curves, made, workers, full_best) for workers in (1, PARALLELISM)},
    }


def _area(curves: Sequence[Full], made: Sequence[Slice | None], workers: int, full_best: float) -> float:
    """Mean regret of the best score so far, over all rounds that the study might have spent."""
    floor = _floor(curves)
    moments: list[tuple[float, float]] = []
    free, finished, known = [0.0] * workers, [], 0.0
    for decision, each in enumerate(made):
        if decision >= PARALLELISM:
            known = max(known, finished[decision - PARALLELISM])
        if each is None:
            finished.append(known)
            continue
        worker = int(np.argmin(free))
        start = max(free[worker], known)
        scores = curves[each.trial].best_by_round
        moments += [
            (start + r - each.start, float(scores[r - 1])) for r in range(each.start + 1, each.end + 1)
        ]
        free[worker] = start + each.end - each.start
        finished.append(free[worker])
    horizon = sum(full.budget for full in curves) / workers
    area, at, best = 0.0, 0.0, floor
    for moment, score in sorted(moments):
        if score > best:
            area += (min(moment, horizon) - at) * (full_best - best)
            at, best = min(moment, horizon), score
    return POINTS * (area + (horizon - at) * (full_best - best)) / horizon


def _floor(curves: Sequence[Full]) -> float:
    """The score of a study before its first round: the chance score if known, else the worst first score."""
    chance = curves[0].curve.chance
    firsts = [float(full.curve.valid_score[0]) for full in curves]
    return min(each for each in firsts if math.isfinite(each)) if math.isnan(chance) else chance


class Alone:
    """Where a rule that looks at one trial only halts each curve. The result is computed once for each curve."""

    def __init__(self) -> None:
        self._halts: dict[tuple[str, int], Halt] = {}

    def __call__(self, full: Full, rule: StopRule) -> Halt:
        key = (full.study, full.trial)
        if key not in self._halts:
            self._halts[key] = replay([full], rule)[0]
        return self._halts[key]


def of_schedules(studies: list[list[Full]], only: Sequence[str] = ()) -> dict[str, pd.DataFrame]:
    """For each schedule, a table with one row for each study and order."""
    alone, found = Alone(), {}
    for name, (make, with_onset) in schedules().items():
        if only and name not in only:
            continue
        rows = []
        for curves in studies:
            for order in range(ORDERS):
                some = drawn(curves, order)
                rule = OnsetRule(Watch(some[0].budget, some[0].metric))
                ends = [alone(full, rule).rounds if with_onset else len(full.curve) for full in some]
                made = simulated(some, make(some[0].budget), ends)
                rows.append({"study": some[0].study, "order": order, **figures(some, made)})
        found[name] = pd.DataFrame(rows)
        print(name, summary(found[name]), flush=True)
    return found


def of_rules(studies: list[list[Full]], only: Sequence[str] = ()) -> dict[str, pd.DataFrame]:
    """The same for each stop rule, with one slice for each trial; without the variants of `onset`."""
    found = {}
    for name, make in rules().items():
        if (only and name not in only) or name.startswith("onset, waiting"):
            continue
        rows, alone = [], Alone()
        for curves in studies:
            watch = Watch(curves[0].budget, curves[0].metric, PARALLELISM)
            near, far = (
                Remembered(watch, OnsetRule(watch, guards))
                for guards in (StudyRule.near_guards, StudyRule.far_guards)
            )
            for order in range(ORDERS):
                some, rule = drawn(curves, order), make(watch)
                if isinstance(rule, StudyRule):
                    rule = type(rule)(watch, near, far)
                halts = replay(some, rule) if rule.needs_earlier else [alone(full, rule) for full in some]
                made = [Slice(number, 0, halt.rounds) for number, halt in enumerate(halts)]
                kept = max((halt.best for halt in halts if halt.reason != "inferior"), default=-math.inf)
                rows.append({"study": some[0].study, "order": order, **figures(some, made, kept)})
        found[name] = pd.DataFrame(rows)
        print(name, summary(found[name]), flush=True)
    return found


def summary(found: pd.DataFrame) -> dict[str, float | str]:
    """One row of the table."""
    low, high = _bootstrap(found)
    saved = 100 * (1 - found["spent"].sum() / found["full"].sum())
    return {
        "saved %": round(saved, 1),
        "regret": round(float(found["regret"].mean()), 3),
        "95 % interval": f"{low:.2f}–{high:.2f}",
        "largest": round(float(found.groupby("study")["regret"].mean().max()), 2),
        "area, 1 worker": round(float(found["area_1"].mean()), 2),
        "area, 4 workers": round(float(found["area_4"].mean()), 2),
    }


def _bootstrap(found: pd.DataFrame, samples: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of the mean regret. It resamples studies, and one order of each."""
    table = found.pivot(index="study", columns="order", values="regret").to_numpy()
    draw = np.random.default_rng(0)
    studies = draw.integers(len(table), size=(samples, len(table)))
    orders = draw.integers(table.shape[1], size=(samples, len(table)))
    low, high = np.percentile(table[studies, orders].mean(axis=1), [2.5, 97.5])
    return float(low), float(high)


def table(measured: Mapping[str, Mapping[str, Any]]) -> str:
    """The table in Markdown."""
    columns = list(next(iter(measured.values())))
    lines = [f"| policy | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
    for name, row in measured.items():
        shown = f"**{name}**" if name.startswith("thaw") else name
        lines.append(f"| {shown} | {' | '.join(str(row[column]) for column in columns)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=PARTS, default="report")
    parser.add_argument("--only", action="append", choices=[*rules(), *schedules()], default=[])
    parser.add_argument("--write", action="store_true", help="Put the table into docs/schedules.md.")
    wanted = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    studies = load(wanted.part)
    found = {**of_rules(studies, wanted.only), **of_schedules(studies, wanted.only)}
    measured = {name: summary(rows) for name, rows in found.items()}
    print(table(measured))
    if wanted.write:
        stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        stored[wanted.part] = {**stored.get(wanted.part, {}), **measured}
        RESULTS.write_text(json.dumps(stored, indent=1) + "\n")
        PAGE.write_text(with_block(PAGE.read_text(), wanted.part, table(stored[wanted.part])))


if __name__ == "__main__":
    main()
