"""Diagnoses a training run: finds one label, the figures on which it rests, a sentence, and what to change.

It uses the signs that halt a trial (`sweeps.pruning`), and weaker ones that only describe. The curve may be complete or
not, and may come from any framework.
"""

from __future__ import annotations

from collections.abc import Callable

from sweeps.diagnosis.broken_runs import collapsed, exploded, not_finite
from sweeps.diagnosis.diagnosis import Diagnosis
from sweeps.diagnosis.last_rounds import bouncing, plateau, unfinished
from sweeps.diagnosis.turned import short, stale, turned
from sweeps.diagnosis.unlearnt import not_learning
from sweeps.pruning.learning_curve import Curve
from sweeps.pruning.looks import looks_of
from sweeps.trial.metric import Metric


def diagnose(curve: Curve, budget: int, metric: Metric) -> Diagnosis:
    """The diagnosis of a curve. budget: its planned number of rounds. Raises ValueError for a curve without rounds."""
    if not len(curve):
        raise ValueError("a curve without rounds has no diagnosis")
    found = not_finite(curve, budget)
    if found is not None:
        return found
    looks, num_looks = looks_of(curve, budget)
    for judge in _JUDGES if len(looks) else ():
        found = judge(looks, num_looks, metric)
        if found is not None:
            return found
    return _healthy(curve, metric)


def _healthy(curve: Curve, metric: Metric) -> Diagnosis:
    """The label `healthy`, with the best finite score."""
    best = metric.oriented(float(curve.valid_score[curve.best]))
    number = int(curve.numbers[curve.best])
    last = int(curve.numbers[-1])
    when = "in the last round" if number == last else f"in round {number}; the last is round {last}"
    because = f"{metric.name} had its best, {best:.4g}, {when}"
    return Diagnosis("healthy", {"best_valid_score": best, "best_round": number}, because)


_JUDGES: tuple[Callable[[Curve, int, Metric], Diagnosis | None], ...] = (
    exploded,
    stale,
    collapsed,
    not_learning,
    short,
    turned,
    bouncing,
    unfinished,
    plateau,
)
