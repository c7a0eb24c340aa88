"""A trial that is paused goes on from what its code saved last, whenever the pause comes."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweeps.own_code import training
from tests.sweeps_tests.conftest import Said, Sweep
from tests.sweeps_tests.own_code.conftest import Write

Launch = Callable[..., Said]
# Writes down each round that it trains. In round 3 of trial 1 comes what PAUSES says, once.
CODE = """
    import os, pathlib, random, signal, time
    import sweeps

    LOG = pathlib.Path(__file__).with_name("log.txt")

    def pause(trial, epoch):
        paused = LOG.with_name("paused")
        if "PAUSES" in os.environ and (trial.number, epoch) == (1, 2) and not paused.exists():
            paused.touch()
            os.kill(int(os.environ["PAUSES"]), signal.SIGTERM)
            time.sleep(600 if WAITS else 0)

    @sweeps.objective(
        space={"lr": sweeps.log(1e-4, 1e-1)}, metric="f1", direction="maximize", rounds=6,
    )
    def train(trial):
        w = (trial.restore() or {"w": 0.0})["w"]
        for epoch in trial.rounds():
            with LOG.open("a") as log:
                log.write(f"{trial.number}-{epoch} ")
            pause(trial, epoch)
            w += trial.params["lr"] + 0.01 * random.random()
            trial.report(f1=w / (1 + w))
            trial.save(w=w)
"""


def table(sweep: Sweep, study: str) -> list[dict[str, Any]]:
    """What must not depend on a pause."""
    rows = json.loads(sweep("trials", study, "-f", "json").out)
    return [{name: row[name] for name in row if name not in ("started", "ended", "ahead")} for row in rows]


def rounds_after(path: Path, sweep: Sweep) -> list[str]:
    """Resume the study `cut`, and give what it trains. It must end as the study `whole`."""
    before = path.with_name("log.txt").read_text()
    sweep("resume", "cut", "--runner", "inline")
    assert table(sweep, "cut") == table(sweep, "whole")
    return path.with_name("log.txt").read_text().removeprefix(before).split()


NOT_TRAINED = ["1-3", "1-4", "1-5", *(f"2-{epoch}" for epoch in range(6))]
CASES = {
    "it saves, in a short round": ("False", "trial.save(w=w)", []),
    "it saves, in a long round": ("True", "trial.save(w=w)", ["1-2"]),
    "it saves nothing": ("False", "pass", ["1-0", "1-1", "1-2"]),
}


@pytest.mark.parametrize("case", CASES)
def test_after_a_signal_only_what_was_not_saved_is_trained_again(
    case: str, launch_own: Launch, sweep: Sweep, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits, saves, again = CASES[case]
    monkeypatch.setattr(training, "INTERRUPTED_SECONDS", 0.1 if waits == "True" else 400.0)
    path = write(CODE.replace("WAITS", waits).replace("trial.save(w=w)", saves))
    launch_own(path, "-n", "3", "--study", "whole")
    monkeypatch.setenv("PAUSES", str(os.getpid()))
    launch_own(path, "-n", "3", "--study", "cut", code=143)
    assert rounds_after(path, sweep) == [*again, *NOT_TRAINED]


@pytest.mark.ray
def test_on_ray_a_signal_in_a_long_round_loses_only_this_round(
    launch_own: Launch, sweep: Sweep, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(CODE.replace("WAITS", "True"))
    launch_own(path, "-n", "3", "--study", "whole")
    monkeypatch.setenv("PAUSES", str(os.getpid()))
    words = ("--runner", "ray", "--workers", "1", "--study", "cut")
    sweep("launch", path, "-n", "3", *words, code=143)
    assert rounds_after(path, sweep) == ["1-2", *NOT_TRAINED]
