"""The event files of a study have its rounds, as they are read back by a reader of such files."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
import pytest

from sweeps.diagnosis.curve_files.reading import read_curves
from sweeps.errors import UsageError
from sweeps.report.exporters.exported_trials import check_new
from sweeps.report.exporters.tensorboard_files import write_events
from tests.conftest import ToyLauncher


def test_every_round_is_read_back(launch_toy: ToyLauncher, tmp_path: Path) -> None:
    study = launch_toy("behaviour=overfits", study="s", num_trials=3).study
    assert write_events(study, tmp_path / "runs") == 3
    found = {curve.name: curve.curve for curve in read_curves(str(tmp_path / "runs")).curves}
    rounds = study.rounds()
    assert len(found) == 3
    for number, name in enumerate(sorted(found)):
        stored = rounds[rounds["trial"] == number]
        assert np.allclose(found[name].valid_loss, stored["valid_loss"], rtol=1e-6)
        assert np.allclose(found[name].train_loss, stored["train_loss"], rtol=1e-6)
    with pytest.raises(UsageError, match="is not empty"):
        write_events(study, tmp_path / "runs")


def test_a_full_disk_is_told_and_nothing_is_tried_again(
    launch_toy: ToyLauncher, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    study = launch_toy("behaviour=overfits", study="s", num_trials=1).study
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))  # of each file: the next byte is refused
    try:
        with pytest.raises(UsageError, match=r"trial-0000: can't be written \(File too large\)"):
            write_events(study, tmp_path / "runs")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert capfd.readouterr().err == ""


def test_what_is_no_folder_is_refused() -> None:
    with pytest.raises(UsageError, match=r"/dev/null: can't be written \(Not a directory\)"):
        check_new(Path("/dev/null"))
