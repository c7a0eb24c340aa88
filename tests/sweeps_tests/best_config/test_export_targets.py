"""`sweep export` writes where it is told to, and takes nothing's place but a file's."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from objectives.checkpoints.atomic_write import write_whole
from sweeps.best_config.document import read_config
from tests.sweeps_tests.conftest import Sweep


@pytest.fixture
def export(launch: Sweep, sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sweep:
    """Exports a study of two trials."""
    launch("-n", "2", "--study", "s")
    monkeypatch.chdir(tmp_path)
    return lambda *words, code=0: sweep("export", "s", *words, code=code)


def test_to_stdout(export: Sweep, tmp_path: Path) -> None:
    (tmp_path / "read.yaml").write_text(export("-o", "-").out)
    assert read_config(tmp_path / "read.yaml").study == "s"
    assert not (tmp_path / "-").exists()


def test_to_a_pipe_that_stays_one(export: Sweep, tmp_path: Path) -> None:
    pipe, read = tmp_path / "pipe", tmp_path / "read.yaml"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    export("-o", pipe)
    read.write_bytes(os.read(reader, 1 << 20))
    os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert read_config(read).study == "s"


def test_a_device_stays_one(tmp_path: Path) -> None:
    device = tmp_path / "null"  # as /dev/null is: never try this on the machine's own
    try:
        os.mknod(device, stat.S_IFCHR | 0o666, os.makedev(1, 3))
        device.write_bytes(b"")
    except OSError:
        pytest.skip("no device can be made here")
    write_whole(device, b"content")
    assert stat.S_ISCHR(device.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["null"]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_link_stays_one_and_what_it_points_to_is_written(
    export: Sweep, tmp_path: Path, is_there: bool
) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "best.yaml", tmp_path / "link.yaml"
    if is_there:
        target.write_text("old")
    link.symlink_to(target)
    export("-o", link)
    assert link.is_symlink()
    assert read_config(target).study == "s"


def test_a_planted_link_is_not_followed(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / f".best.yaml.{os.getpid()}.partial").symlink_to(precious)
    write_whole(tmp_path / "best.yaml", b"new")
    assert precious.read_text() == "kept"
    assert (tmp_path / "best.yaml").read_bytes() == b"new"
    assert not (tmp_path / "best.yaml").is_symlink()


REFUSED = {
    "the same file twice": (["-o", "x", "--weights", "./x"], "both name"),
    "the same file by numbers": (["-o", "a.pt", "--weights", "a-2.pt", "--top", "2"], "both name"),
    "weights to stdout": (["--weights", "-"], "weights are not text"),
    "several to stdout": (["-o", "-", "--top", "2"], "leave --top and --weights out"),
    "several to a device": (
        ["-o", "/dev/null", "--top", "2"],
        "is not a regular file, so it can hold only one result",
    ),
    "nothing": (["-o", ""], "can't be written"),
    "a folder": (["-o", "."], "can't be written"),
    "too many": (["--top", str(10**20)], "is not in the range"),
}


@pytest.mark.parametrize(("words", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_can_t_be_is_refused(export: Sweep, tmp_path: Path, words: list[str], message: str) -> None:
    before = sorted(tmp_path.iterdir())
    assert message in export(*words, code=2).err
    assert sorted(tmp_path.iterdir()) == before
