"""A trial's learning curve as a small picture: training and validation in one plot, the best round and the halt."""

from __future__ import annotations

from markupsafe import Markup

from sweeps.report.curves import TrialCurve
from sweeps.report.drawing import svg
from sweeps.report.drawing.axes import BOTTOM, LEFT, RIGHT, TOP, Scale, frame

WIDTH, HEIGHT = 300.0, 170.0


def curve_picture(curve: TrialCurve, budget: int, metric: str) -> Markup:
    """Draw the losses of a trial, or its scores if it reported no loss, with a dot at the round of the best score.

    budget: planned rounds of a trial.
    """
    figure = "loss" if curve.has_loss else metric
    train, valid = (
        (curve.train_loss, curve.valid_loss) if curve.has_loss else (curve.train_score, curve.valid_score)
    )
    rounds = curve.rounds
    x = Scale.over([0 if len(rounds) > 1 else 1, max(budget, *rounds)], LEFT, WIDTH - RIGHT, log=False)
    y = Scale.over([*train, *valid], HEIGHT - BOTTOM, TOP).with_room
    parts = frame(WIDTH, HEIGHT, x, y, below="round", beside=figure)
    parts += [
        svg.line([(x(index), y(value)) for index, value in zip(rounds, values, strict=True)], kind)
        for values, kind in ((train, "train"), (valid, "valid"))
    ]
    if curve.halted_at is not None:
        at = svg.number(x(curve.halted_at))
        parts.append(svg.path(f"M{at} {svg.number(TOP)}V{svg.number(HEIGHT - BOTTOM)}", "halt"))
    if curve.best_round is not None and curve.best_round in rounds:
        position = rounds.index(curve.best_round)
        value = valid[position]
        if value is not None and y(value) == y(value):
            parts.append(
                svg.dot(
                    x(curve.best_round), y(value), "best", f"round of the best {metric}: {curve.best_round}"
                )
            )
    return svg.picture(WIDTH, HEIGHT, parts, title=_about(curve, figure, metric))


def _about(curve: TrialCurve, figure: str, metric: str) -> str:
    best = "" if curve.best_round is None else f"; round of the best {metric}: {curve.best_round}"
    halt = "" if curve.halted_at is None else f"; halted after round {curve.halted_at}"
    return (
        f"Training and validation {figure} of trial {curve.trial} over {len(curve.rounds)} rounds{best}{halt}"
    )
