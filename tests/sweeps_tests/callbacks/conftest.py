"""Training code that a framework's loop runs, from launch to confirmation."""

from __future__ import annotations

import importlib.util
import json
import textwrap
from pathlib import Path
from typing import Any

import pytest

from sweeps.driver.study_driver import StudyDriver
from tests.conftest import missing
from tests.sweeps_tests.conftest import Sweep


class Framework:
    """Code of one framework, launched in this process."""

    def __init__(self, sweep: Sweep, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._sweep, self._folder, self._monkeypatch = sweep, folder, monkeypatch
        self.path = folder / "train.py"
        self.seen: list[tuple[int, int]] = []  # (trial, round), as they were told

    def write(self, code: str) -> None:
        self.path.write_text(textwrap.dedent(code))

    def launch(self, study: str, *words: str, code: int = 0) -> None:
        out = ("--study", study, "--out", self._folder / study, "--runner", "inline")
        self._sweep("launch", self.path, *words, *out, code=code)

    def is_confirmed(self, study: str) -> str:
        """What replay and confirmation say of a study."""
        replayed = self._sweep("replay", self._folder / study / "best.yaml").err
        assert "rounds are equal" in replayed, replayed
        return self._sweep("confirm", study, "--top", "1", "--seeds", "2", "--runner", "inline").err

    def best(self, study: str) -> Path:
        return self._folder / study / "best.yaml"

    def table(self, study: str) -> list[dict[str, Any]]:
        rows = json.loads(self._sweep("trials", study, "-f", "json").out)
        return [
            {name: row[name] for name in row if name not in ("started", "ended", "ahead")} for row in rows
        ]

    def rounds(self, study: str) -> list[dict[str, Any]]:
        shown = json.loads(self._sweep("show", study, "0", "-f", "json").out)
        rounds: list[dict[str, Any]] = shown[0]["rounds_recorded"]
        return rounds

    def cut_off(self, study: str, *words: str, after: int) -> None:
        """The launch is interrupted after so many rounds, and launched again."""
        record = StudyDriver.record

        def cut(driver: StudyDriver, number: int, progress: Any) -> Any:
            self.seen.append((number, progress.round.index))
            answer = record(driver, number, progress)
            if len(self.seen) == after:
                raise KeyboardInterrupt
            return answer

        self._monkeypatch.setattr(StudyDriver, "record", cut)
        self.launch(study, *words, "--checkpoint-every", "0", code=130)
        self.launch(study, *words, "--checkpoint-every", "0")


@pytest.fixture
def framework(
    sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Framework:
    """Skips, saying so, where the library that the test's module names is not installed."""
    library: str = request.module.LIBRARY
    if importlib.util.find_spec(library) is None:
        missing(library, f"{library} is not installed (the extra {library!r} has it)")
    return Framework(sweep, tmp_path, monkeypatch)
