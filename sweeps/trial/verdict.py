"""Verdicts and ends: the types that stop rules, the driver and the runners share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from objectives import Round
from sweeps.trial.metric import Metric, best_round
from sweeps.trial.returned import Returned

StopReason = Literal[
    "finished",
    "overfitting",
    "plateau",
    "diverged",
    "collapsed",
    "not_learning",
    "inferior",
    "pruned",
    "hopeless",
    "paused",
]
SPOILT: frozenset[StopReason] = frozenset({"diverged", "collapsed", "not_learning"})
FailureKind = Literal["error", "out_of_memory", "timeout", "worker_lost"]
TrialEnd = Literal["COMPLETE", "PRUNED", "FAIL"]


@dataclass(frozen=True)
class Stop:
    """A verdict that halts a trial, with its reason.

    round: the round after which the rule decided. evidence: the values on which the decision rests. because: one
    sentence that explains it.
    """

    reason: StopReason
    round: int
    evidence: Mapping[str, float | int | str] = field(default_factory=dict)
    because: str = ""


@dataclass(frozen=True)
class Failure:
    """Why a trial has no result.

    kind: only an `error` would occur again with the same specification; the other kinds may not. peak_memory_bytes: the
    most memory that the worker used, if memory was the reason.
    """

    kind: FailureKind
    error_class: str
    message: str
    traceback: str = ""
    peak_memory_bytes: int | None = None

    @property
    def in_short(self) -> str:
        """The class of the error and the first line of its message, at most 300 characters."""
        lines = self.message.strip().splitlines()
        return f"{self.error_class}: {lines[0]}"[:300] if lines else self.error_class

    @property
    def is_reproducible(self) -> bool:
        """Whether the same trial would fail again on any machine."""
        return self.kind == "error"


@dataclass(frozen=True)
class End:
    """How a trial ended, as it is recorded.

    value: the value for samplers and tables; None for FAIL. best_round: the round of that value, from 1; None for FAIL.
    """

    state: TrialEnd
    value: float | None
    best_round: int | None
    stop_reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    because: str = ""
    traceback: str = ""


def end_of(stop: Stop, rounds: Sequence[Round], metric: Metric) -> End:
    """The end of a trial that a stop rule halted.

    A trial is COMPLETE with the value of its best round, because samplers and `best` would ignore a PRUNED trial. It is
    PRUNED, also with that value, if it was inferior to others, if it is paused, or if it diverged, collapsed or learnt
    nothing and was never better than chance. Without any finite value, it is FAIL.
    """
    best = best_round(rounds, metric)
    record = {"stop_reason": stop.reason, "evidence": stop.evidence, "because": stop.because}
    if best is None:
        return End("FAIL", None, None, **record)  # type: ignore[arg-type]
    if stop.reason in ("inferior", "paused") or (
        stop.reason in SPOILT and not metric.beats_chance(best.valid_score)
    ):
        return End("PRUNED", best.valid_score, best.index, **record)  # type: ignore[arg-type]
    return End("COMPLETE", best.valid_score, best.index, **record)  # type: ignore[arg-type]


def end_by_itself(returned: Returned, rounds: Sequence[Round], budget: int, metric: Metric) -> End:
    """The end of a trial whose code (the user's own) returned before the stop rule or the last round ended it.

    Its value is what an Optuna objective returned; for other code, the metric of the best round.
    """
    best = best_round(rounds, metric)
    if returned.is_pruned:
        last = next((each for each in reversed(rounds) if math.isfinite(each.valid_score)), None)
        because = "the objective raised TrialPruned by itself"
        found = None if best is None else best.index
        return End("PRUNED", None if last is None else last.valid_score, found, "pruned", because=because)
    because = f"the code returned after {len(rounds)} {'round' if len(rounds) == 1 else 'rounds'}"
    if returned.value is None:
        because += f" of {budget}" if best is not None else f", none of which had a finite {metric.name}"
        return end_of(Stop("finished", len(rounds), {}, because), rounds, metric)
    at = next((each.index for each in rounds if each.valid_score == returned.value), None)
    return End("COMPLETE", returned.value, at, "finished", because=because)


def failed(failure: Failure, last_round: int) -> End:
    """The end of a trial that failed. last_round: the last round that was reported."""
    evidence = {
        "kind": failure.kind,
        "error_class": failure.error_class,
        "message": failure.message[:2000],
        "last_round": last_round,
        "reproducible": failure.is_reproducible,
    }
    because = failure.in_short
    if failure.peak_memory_bytes is not None:
        evidence["peak_memory_bytes"] = failure.peak_memory_bytes
        because += f" (it used up to {failure.peak_memory_bytes / 2**30:.2g} GiB of memory)"
    return End("FAIL", None, None, "error", evidence, because, failure.traceback[-8000:])
