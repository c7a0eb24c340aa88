"""`sweeps.run` calls a training function once, without a study and in the caller's thread, for debugging."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from objectives.errors import CodeError
from objectives.round import Round
from objectives.seeding import derive_seed
from objectives.spelling import did_you_mean
from sweeps.own_code import random_state
from sweeps.own_code.objective import FunctionObjective
from sweeps.own_code.trial import TrialStart
from sweeps.trial.metric import Metric
from sweeps.trial.work import Progress


def run(
    train: FunctionObjective,
    parameters: dict[str, Any] | None = None,
    /,
    *,
    rounds: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    data_dir: str | Path | None = None,
    **named: Any,
) -> list[Round]:
    """Call a decorated function once, with these parameters, and print each round; returns the rounds.

    parameters, named: the trial's parameters. rounds: the most rounds; by default the function's own number. Exceptions
    of the code are passed on with their own traceback. Raises CodeError if `train` is not decorated with
    @sweeps.objective, or for a parameter that its space does not have.
    """
    if not isinstance(train, FunctionObjective):
        raise CodeError(
            f"sweeps.run takes a function that is decorated with @sweeps.objective(…), not {train!r:.60}."
        )
    given = _checked(train, parameters, named, rounds)
    rounds_done: list[Round] = []

    def told(event: Any) -> bool:
        if isinstance(event, Progress):
            rounds_done.append(event.round)
            print(line_of(event.round, train.metric))
        return True

    derived = derive_seed(seed, "trial", 0)
    random_state.seed_all(derived)
    train.train(
        TrialStart(
            number=0,
            parameters=given,
            seed=derived,
            num_rounds=rounds or train.rounds,
            metric=Metric(train.metric, train.direction, math.nan, train.valid_rows),
            device=device,
            data_dir=Path(data_dir or Path.cwd()),
            keep_best=False,
        ),
        told,
    )
    sys.stdout.flush()
    return rounds_done


def _checked(train: FunctionObjective, parameters: Any, named: dict[str, Any], rounds: Any) -> dict[str, Any]:
    """The trial's parameters. Raises CodeError if they, or the number of rounds, are wrong."""
    if not (parameters is None or isinstance(parameters, Mapping)):
        raise CodeError(
            f"sweeps.run({train.__name__}, {parameters!r:.40}): parameters have names: write "
            f"sweeps.run({train.__name__}, lr=0.1)."
        )
    if rounds is not None and (isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1):
        raise CodeError(f"sweeps.run(rounds={rounds!r}): it must be a whole number of at least 1.")
    given = {**(parameters or {}), **named}
    for name in given if train.space else ():
        if name not in (train.space or {}):
            raise CodeError(
                f"sweeps.run({name}=…): the space of {train.__name__} has no parameter {name!r}"
                f"{did_you_mean(name, list(train.space or {}))} It has: {', '.join(train.space or {})}."
            )
    return given


def line_of(latest: Round, metric: str) -> str:
    """A round as a line of text: its metric first, then all other figures, and the seconds that it took."""
    others = {
        name: value
        for name, value in latest.figures().items()
        if value is not None and name not in ("index", "valid_score")
    }
    told = "  ".join(f"{name}={value:.4g}" for name, value in {metric: latest.valid_score, **others}.items())
    seconds = "" if latest.cost is None else f"  ({latest.cost.seconds:.1f} s)"
    return f"round {latest.index}  {told}{seconds}"
