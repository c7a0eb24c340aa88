"""The command that tries an advice: `sweep branch` if old trials fit the new space, else a new `sweep launch`."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from search_spaces import Numeric
from storage.trials import TrialRow
from sweeps.report.commands import option_of, unusual, uses_own_space, words_of
from sweeps.study.stored_study import Study

TRIALS_A_PARAMETER = 3  # least number of trials for each searched parameter
RATES = ("learning_rate", "lr")
FACTORS = {"lower": (1 / 30, 1 / 3), "raise": (3.0, 30.0)}


def range_command(study: Study, trials: Sequence[TrialRow], name: str, low: float, high: float) -> str:
    """The command that searches `name` from `low` to `high`.

    trials: those of the study's table. The command is a `sweep branch` if the sampler learns from old trials and some
    of them lie in the range, else a `sweep launch`.
    """
    from sweeps.study.warm_start import LEARNING

    domain = study.spec.space[name].domain
    assert isinstance(domain, Numeric)
    change = f"{name}={low:.3g}..{high:.3g}{':log' if domain.log else ''}"
    inside = any(
        float(f"{low:.3g}") <= trial.params[name] <= float(f"{high:.3g}")
        for trial in trials
        if name in trial.params and trial.value is not None
    )
    if inside and study.spec.sampler in LEARNING and study.spec.probe is None and not study.spec.is_open:
        return study.command("branch", change)
    return launch_command(study, change, len(trials))


def launch_command(study: Study, change: str, num_trials: int) -> str:
    """The `sweep launch` command for a new study with one thing changed.

    If the study has a space of its own, the command takes it from the study.
    """
    spec = study.spec
    options = {"space_from": study.name if uses_own_space(study) and not spec.is_open else None}
    options |= {
        name: value for name, value in unusual(study).items() if option_of(name) not in change.split()
    }
    fewest = max(20, TRIALS_A_PARAMETER * len(spec.space.searched))
    words = [study.run.task or spec.task.name, *change.split(), *words_of(options)]
    return shlex.join(["sweep", "launch", *words, "-n", str(max(fewest, num_trials))]) + study.storage_option


def command_for(study: Study, table: Sequence[TrialRow], advice: str, numbers: Sequence[int]) -> str | None:
    """The next command for an advice on the trials `numbers`; None if the advice names no searched parameter.

    If the advice is to lower the learning rate, the new range is 1/30 … 1/3 of the smallest rate of these trials; if it
    is to raise it, 3 … 30 times their largest rate. Dropout or weight decay is searched above their largest value.
    """
    theirs = [trial for trial in table if trial.number in set(numbers)]
    ranges = {
        each.name: each.domain for each in study.spec.space.searched if isinstance(each.domain, Numeric)
    }
    found = _new_range(advice.lower(), ranges, theirs)
    if found is None or study.spec.is_open:
        return None
    return range_command(study, table, *found)


def _new_range(
    advice: str, ranges: dict[str, Numeric], theirs: Sequence[TrialRow]
) -> tuple[str, float, float] | None:
    def values_of(name: str) -> list[Any]:
        return [trial.params[name] for trial in theirs if name in trial.params]

    for name in (each for each in RATES if each in ranges and values_of(each)):
        for verb, (low, high) in FACTORS.items():
            if f"{verb} learning_rate" in advice:
                rate = min(values_of(name)) if verb == "lower" else max(values_of(name))
                return name, low * rate, high * rate
    if "more dropout" in advice and "dropout" in ranges and values_of("dropout"):
        least = min(0.5, max(values_of("dropout")))
        return "dropout", least, max(0.7, least + 0.2)
    if (
        "weight_decay" in advice
        and "more" in advice
        and "weight_decay" in ranges
        and values_of("weight_decay")
    ):
        least = max(1e-6, *values_of("weight_decay"))
        return "weight_decay", least, 30 * least
    return None
