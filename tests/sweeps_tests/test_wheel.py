"""The wheel, installed elsewhere, works from a folder that holds a `storage` of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment of its own: our wheel installed, the dependencies borrowed from this one."""
    place = tmp_path_factory.mktemp("elsewhere")
    venv.create(place / "env", with_pip=False)
    site = next((place / "env" / "lib").glob("python3*")) / "site-packages"
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(place / "env" / "bin" / "python"),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([*pip, str(wheel)], check=True, capture_output=True)
    return place


def test_the_wheel_holds_the_four_packages_and_their_spaces(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if not name.startswith("onset_sweeps")}
    assert tops == {"sweeps", "search_spaces", "objectives", "storage"}
    spaces = {path.name for path in (ROOT / "search_spaces").glob("*.yaml")}
    assert {f"search_spaces/{name}" for name in spaces} <= set(names)


@pytest.mark.ray
def test_it_launches_without_a_home_from_a_folder_with_a_storage_of_its_own(elsewhere: Path) -> None:
    there = elsewhere / "unrelated"
    (there / "storage").mkdir(parents=True)
    (there / "storage" / "__init__.py").write_text("raise ImportError('the wrong storage')\n")
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "SWEEP_DATA_DIR")}
    environment |= {"SWEEP_HOME": str(elsewhere / "home"), "HOME": "/proc/none"}

    def sweep(*words: str) -> str:
        command = [str(elsewhere / "env" / "bin" / "sweep"), *words]
        done = subprocess.run(
            command, cwd=there, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    sweep(
        "launch",
        "mnist_mlp",
        "--data",
        "mnist-5k",
        "-n",
        "2",
        "--rounds",
        "2",
        "--workers",
        "1",
        "--study",
        "s",
    )
    assert len(json.loads(sweep("trials", "s", "-f", "json"))) == 2
    sweep("replay", str(elsewhere / "home" / "studies" / "s" / "best.yaml"))
