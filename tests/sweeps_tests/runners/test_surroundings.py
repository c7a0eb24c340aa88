"""Nothing about where and under what name a study runs gets into its table."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sweeps.study.stored_study import load
from tests.sweeps_tests.driver.tables import figures

SWEEP = [sys.executable, "-c", "from sweeps.cli import main; main()"]
SPECIFICATION = ["mnist_mlp", "--data", "mnist-5k", "--rounds", "1", "hidden_width=16..48", "batch_size=256"]
PLAIN = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "TZ": "UTC", "OMP_NUM_THREADS": "1"}
OTHERS: dict[str, dict[str, Any]] = {
    "hash-seed-and-folder": {"PYTHONHASHSEED": "12345", "folder": "a folder, elsewhere"},
    "locale-and-environment": {
        "LC_ALL": "C",
        "LANG": "de_DE.UTF-8",
        "PYTHONUTF8": "0",
        "TZ": "Pacific/Chatham",
        "OMP_NUM_THREADS": "7",
        "MKL_NUM_THREADS": "3",
    },
    "cores": {"cores": 1},
}


def table(name: str, folder: Path, *, cores: int | None = None, **environment: str) -> list[Any]:
    """The figures of the study as a process of its own comes to them."""
    folder.mkdir(exist_ok=True)
    only = (lambda: os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])) if cores else None
    subprocess.run(
        [*SWEEP, "launch", *SPECIFICATION, "-n", "12", "--runner", "inline", "--study", name],
        env={**os.environ, **PLAIN, **environment},
        cwd=folder,
        preexec_fn=only,
        check=True,
        capture_output=True,
    )
    return figures(load(name))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    folder = tmp_path_factory.mktemp("plain")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_HOME", str(folder))
        return table("plain", folder)


@pytest.mark.parametrize("changes", OTHERS.values(), ids=OTHERS.keys())
def test_the_table_is_the_same_whatever_the(
    expected: list[Any], tmp_path: Path, changes: dict[str, Any]
) -> None:
    changed = dict(changes)
    folder = tmp_path / changed.pop("folder", "work")
    assert table("another-name", folder, **changed) == expected
