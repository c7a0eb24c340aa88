"""Functions of a user's own: a sound one, and some that are broken on purpose."""

from __future__ import annotations

import itertools
import math
import random

import sweeps

SPACE = {"lr": sweeps.log(1e-3, 1.0)}
DECLARED = {"space": SPACE, "metric": "loss", "direction": "minimize", "rounds": 5}
_CALLS = itertools.count()


def descend(trial: sweeps.Trial, *, keep_velocity: bool) -> None:
    x, velocity = random.random(), 0.0
    if (state := trial.restore()) is not None:
        x, velocity = state["x"], state.get("velocity", 0.0)
    for _ in trial.rounds():
        velocity = 0.5 * velocity - trial.params["lr"] * (x + 0.1 * random.random())
        x += velocity
        trial.report(loss=x * x)
        trial.save(x=x, **({"velocity": velocity} if keep_velocity else {}))


@sweeps.objective(**DECLARED)
def sound(trial: sweeps.Trial) -> None:
    descend(trial, keep_velocity=True)


@sweeps.objective(**DECLARED)
def forgets_its_velocity(trial: sweeps.Trial) -> None:
    descend(trial, keep_velocity=False)


@sweeps.objective(**DECLARED)
def uses_the_clock(trial: sweeps.Trial) -> None:
    for _ in trial.rounds():
        trial.report(loss=float(next(_CALLS)))


@sweeps.objective(**DECLARED)
def reports_nan(trial: sweeps.Trial) -> None:
    for _ in trial.rounds():
        trial.report(loss=math.nan)


@sweeps.objective(**DECLARED)
def keeps_nothing(trial: sweeps.Trial) -> None:
    for epoch in trial.rounds():
        trial.report(loss=1 / (1 + epoch))
