"""Many trials take no more files and threads than a few, and nothing is left of a run after its end."""

from __future__ import annotations

import gc
import tempfile
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from sweeps.trial.running_trial import RunningTrial
from tests.conftest import ToyLauncher


class Counting:
    """A watcher that counts what the process holds after trial 10 and 30: files, threads, and trials in memory."""

    def __init__(self) -> None:
        self.held: list[tuple[int, int, int]] = []
        self._ended = 0

    def ended(self, *given: Any) -> None:
        self._ended += 1
        if self._ended in (10, 30):
            gc.collect()
            trials = sum(type(each) is RunningTrial for each in gc.get_objects())
            self.held.append((psutil.Process().num_fds(), threading.active_count(), trials))

    def __getattr__(self, name: str) -> Any:
        return lambda *given, **named: None


def test_thirty_trials_hold_no_more_than_ten_and_leave_nothing(
    launch_toy: ToyLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch_toy("behaviour=overfits", num_trials=2, study="imports").study.database.close()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gc.collect()  # earlier tests may have left files to be closed
    num_files, num_threads, counting = psutil.Process().num_fds(), threading.active_count(), Counting()
    result = launch_toy("behaviour=overfits", num_trials=30, study="s", watcher=counting)
    after_10, after_30 = counting.held
    assert after_30 == after_10
    assert after_30[2] <= 1
    result.study.database.close()
    assert psutil.Process().num_fds() <= num_files
    assert threading.active_count() <= num_threads
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
