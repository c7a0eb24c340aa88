"""A function of a user's own with a learning rate, and one without: gradient descent on a parabola."""

from __future__ import annotations

import math

import sweeps


@sweeps.objective(
    space={"lr": sweeps.log(1e-4, 1e2), "momentum": (0.0, 0.5)},
    metric="loss",
    direction="minimize",
    rounds=40,
)
def descends(trial: sweeps.Trial) -> None:
    x = 1.0
    for _ in trial.rounds():
        for _ in range(5):
            x -= trial.params["lr"] * x
        if not math.isfinite(x) or abs(x) > 1e6:
            raise OverflowError("the parabola has been left")
        trial.report(loss=x * x)


@sweeps.objective(space={"depth": [1, 2]}, metric="loss", direction="minimize")
def has_no_rate(trial: sweeps.Trial) -> float:
    return float(trial.params["depth"])
