"""What `sweep launch --try` shows: one round of the first trial."""

from __future__ import annotations

from sweeps.cli.terminal import indented, parameters_text, value_text
from sweeps.first_round import STARTS_AGAIN, FirstRound, first_round
from sweeps.launching import Launch


def tried_text(launching: Launch) -> str:
    """Train the first round of a study's first trial. Returns the text on what it reported.

    Raises UsageError if the round fails.
    """
    tried = first_round(launching)
    spec = launching.planned.spec
    figures = {name: value for name, value in tried.round.figures().items() if value is not None}
    metric = f"{spec.metric.name} {value_text(figures.pop('valid_score'))} (the metric)"
    others = [f"{name} {value_text(value)}" for name, value in figures.items() if name != "index"]
    lines = [
        f"round 1 of trial 0 took {_took(tried)}; {parameters_text(tried.parameters)}",
        f"reported: {', '.join([metric, *others])}",
    ]
    if launching.planned.code is not None and spec.task.kind == "function":
        lines.append(
            "saved: nothing, so a trial that is cut off starts again, and no model is exported"
            if tried.saved_bytes is None
            else f"saved: {tried.saved_bytes:,} bytes"
        )
        if "valid_loss" not in figures and spec.stop_rule != "none" and spec.metric.direction == "maximize":
            lines.append(
                "not reported: valid_loss, so the stop rule sees overfitting only in the metric, and late. To show it "
                "the losses, report valid_loss and train_loss, too"
            )
    if not spec.is_open:
        lines.append(_estimate(launching, tried))
    lines += _warnings(tried)
    return "\n".join(f"{name:<9}{text}" for name, text in indented("tried", "\n".join(lines)))


def _took(tried: FirstRound) -> str:
    if tried.seconds_a_round is None:
        return f"{tried.seconds:.2g} s"
    return f"{tried.seconds:.2g} s with all that comes before it, the next {tried.seconds_a_round:.2g} s"


def _warnings(tried: FirstRound) -> list[str]:
    """Lines on whether a repeated first round gave the same figures, and on an error after the training loop."""
    lines = []
    if tried.differs == "":
        lines.append("begun again in the same process, after another trial: the same figures, bit for bit")
    elif tried.differs is not None:
        lines.append(
            f"begun again in the same process, after another trial, it gave other figures: {tried.differs}. So the "
            "table would depend on which process trains which trial. Either something is kept from trial to trial (a "
            "global variable, a cache, a file): make it anew in each trial. Or random numbers come from a generator "
            "that is not seeded: seed it with trial.seed."
        )
    if tried.continued == "":
        lines.append(
            "continued from what it saved in round 1: the same figures in the next rounds, bit for bit"
        )
    elif tried.continued == STARTS_AGAIN:
        lines.append(
            "it does not continue from what it saves, so an interrupted trial starts again from round 1"
        )
    elif tried.continued is not None:
        lines.append(
            f"continued from what it saved in round 1, it gave other figures: {tried.continued}. So an "
            "interrupted trial would end with other figures. Save and restore all that later rounds depend on (the "
            "optimizer, the scheduler, a random generator of your own), or save nothing: then such a trial starts "
            "again from round 1."
        )
    if tried.unread:
        one = len(tried.unread) == 1
        lines.append(
            f"the code did not read {', '.join(tried.unread)} in these rounds. If it does not use "
            f"{'it' if one else 'them'}, take {'it' if one else 'them'} out of the space."
        )
    if tried.failed_afterwards is not None:
        lines.append(f"after the loop, the code failed: {tried.failed_afterwards.in_short}")
    return lines


def _estimate(launching: Launch, tried: FirstRound) -> str:
    trials, rounds = launching.num_trials, launching.planned.spec.rounds
    later = tried.seconds if tried.seconds_a_round is None else tried.seconds_a_round
    seconds = trials * (tried.seconds if rounds == 1 else later * rounds)
    return f"{trials} trials of {rounds} rounds: about {seconds:,.0f} s of training, if none is halted"
