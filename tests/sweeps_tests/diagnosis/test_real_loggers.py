"""The files that real libraries write, each by its own logger in a process of its own, are read without an option."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sweeps.diagnosis.curve_files.reading import read_curves
from tests.sweeps_tests.conftest import Sweep

LOGGERS = {
    "keras": ("keras_csv", "log.csv"),
    "lightning": ("lightning_csv", "metrics.csv"),
    "transformers": ("hugging_face", "trainer_state.json"),
}


def written(library: str, folder: Path) -> tuple[Path, list[dict[str, list[float]]]]:
    """The logger's file, and what the library itself says of each run."""
    if importlib.util.find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    script, name = LOGGERS[library]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", f"tests.sweeps_tests.diagnosis.loggers.{script}", str(folder)],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / name, json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("library", LOGGERS)
def test_a_real_logger_is_read_as_what_its_library_says(tmp_path: Path, library: str, sweep: Sweep) -> None:
    path, said = written(library, tmp_path)
    found = read_curves(path)
    assert len(found.curves) == len(said)
    for named, run in zip(found.curves, said, strict=True):
        for figure, values in run.items():
            assert getattr(named.curve, figure) == pytest.approx(values, rel=1e-3, abs=1e-4), figure
    shown = sweep("diagnose", "--curves", path)
    assert "valid_loss = " in shown.err
    assert len(shown.out.splitlines()) > len(said)
