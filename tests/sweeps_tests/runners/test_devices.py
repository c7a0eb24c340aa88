"""Trials that share their batches among devices, from a user's own file, on either runner."""

from __future__ import annotations

from pathlib import Path

import psutil
import pytest

from sweeps import RunSettings, StudySettings
from sweeps.sweep import launch

OWN_TASK = '''
from pathlib import Path

from objectives.task import Splits
from objectives.tasks.cifar10_cnn import Cifar10Cnn
from tests.objectives_tests.small_data import small_splits


class Small(Cifar10Cnn):
    """The task on pictures of eight pixels a side."""

    name = "small_cnn"

    def load(self, data: str, data_root: Path) -> Splits:
        return small_splits(self)
'''
SPACE = "space: {devices: 2, hidden_width: 12, second_width: 8, batch_size: 16}"


def ranks() -> list[int]:
    """Process ids below this process that `spawn` started."""
    below = psutil.Process().children(recursive=True)
    return [process.pid for process in below if "spawn_main" in " ".join(process.cmdline())]


@pytest.mark.ray
def test_a_trial_on_two_devices_is_the_same_on_either_runner_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(OWN_TASK)
    (tmp_path / "space.yaml").write_text(SPACE)
    task = f"{tmp_path / 'own.py'}:Small"
    settings = StudySettings(task, space=tmp_path / "space.yaml", data="cifar10", sampler="grid", rounds=3)
    seen = []
    for runner in ("inline", "ray"):
        result = launch(settings, RunSettings(num_trials=None, runner=runner), study=runner)
        (trial,) = result.study.table()
        assert trial.state == "COMPLETE", trial.attributes
        assert ranks() == []
        seen.append(
            result.study.rounds().drop(columns=["seconds", "train_rows_per_second", "peak_memory_bytes"])
        )
    assert seen[0].equals(seen[1])
