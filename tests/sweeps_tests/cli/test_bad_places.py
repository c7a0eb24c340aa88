"""Bad data, databases and folders: one message (what was found, where, the remedy), its exit code, no trace."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from objectives.datasets import cora
from objectives.datasets.cifar10 import CLASSES
from objectives.datasets.mnist import _MD5_UNPACKED
from tests.objectives_tests.datasets.planetoid_files import small_set, write_set
from tests.objectives_tests.datasets.small_images import picture, write_folder, write_tar
from tests.sweeps_tests.conftest import Refusal, Sweep, as_ordinary_user

needs_dev_full = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is full"
)


def states(sweep: Sweep, study: str) -> list[str]:
    return [trial["state"] for trial in json.loads(sweep("trials", study, "-f", "json").out)]


# -- data --------------------------------------------------------------------------------------------


@pytest.fixture
def damaged_mnist(tmp_path: Path) -> Path:
    """A data root whose files have MNIST's names, and noise in them."""
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for name in _MD5_UNPACKED:
        (folder / f"{name}.gz").write_bytes(gzip.compress(random.Random(0).randbytes(2000)))
    return folder.parent


@pytest.mark.parametrize("data", [[], ["--data", "mnist"]])
def test_a_data_file_with_the_wrong_digest_is_refused(
    refused: Refusal, damaged_mnist: Path, data: list[str]
) -> None:
    message = refused("launch", "mnist_mlp", "--data-dir", damaged_mnist, *data)
    assert f"{damaged_mnist}/mnist/train-images-idx3-ubyte.gz" in message
    assert "its digest differs" in message
    assert "Remove it and launch again" in message


def test_a_data_file_cut_short_is_refused(refused: Refusal, damaged_mnist: Path) -> None:
    path = damaged_mnist / "mnist" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:1000])
    message = refused("launch", "mnist_mlp", "--data", "mnist", "--data-dir", damaged_mnist)
    assert f"{path} can't be unpacked" in message
    assert "Remove it and launch again" in message


def _pickle_that_runs_code(root: Path, patch: pytest.MonkeyPatch) -> None:
    graph = b"cos\nsystem\n(S'touch " + bytes(root / "marker") + b"'\ntR."
    digests = write_set(root / "cora", {**small_set(), "graph": graph})
    patch.setattr(cora, "_SHA256", digests)  # even if the digest did not stop it


def _tar_that_climbs(root: Path, patch: pytest.MonkeyPatch) -> None:
    write_tar(root / "cifar10-images.tar", {"../escaped/train/cat/0000.png": picture(0)})


def _image_that_is_none(root: Path, patch: pytest.MonkeyPatch) -> None:
    names = [
        f"cifar10/{part}/{label}/{number}.png"
        for part in ("train", "test")
        for label in CLASSES
        for number in range(10)
    ]
    pictures = {name: picture(seed) for seed, name in enumerate(names)}
    write_folder(root, {**pictures, "cifar10/train/cat/0.png": b"<html>sign in</html>"})


@pytest.mark.parametrize(
    ("task", "write", "why"),
    [
        ("cora_gcn", _pickle_that_runs_code, "asks for os.system"),
        ("cifar10_cnn", _tar_that_climbs, "points outside the archive"),
        ("cifar10_cnn", _image_that_is_none, "cat/0.png' can't"),
    ],
)
def test_data_that_mean_harm_or_are_none_are_refused_and_nothing_has_run(
    refused: Refusal,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    task: str,
    write: Callable[[Path, pytest.MonkeyPatch], None],
    why: str,
) -> None:
    monkeypatch.setenv("SWEEP_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    write(tmp_path / "data", monkeypatch)
    assert why in refused("launch", task, "--data-dir", tmp_path / "data")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every way out leads to a port where nobody listens."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr("urllib.request._opener", None)  # it would remember the proxies of its first use


@pytest.mark.usefixtures("no_network")
def test_without_network_and_data_it_says_which_file_to_put_where(refused: Refusal, tmp_path: Path) -> None:
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    message = refused("launch", "mnist_mlp", "--data", "mnist", "--data-dir", tmp_path / "data")
    assert "can't be downloaded" in message
    assert "Connection refused" in message
    assert "Download https://" in message
    assert f"put it at {tmp_path}/data/mnist/train-images-idx3-ubyte.gz" in message


# -- databases ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["launch", "status"])
def test_a_server_out_of_reach_is_told_without_the_password(
    refused: Refusal, launch_refused: Refusal, command: str
) -> None:
    storage = ("--storage", "postgresql://someone:s3cret@127.0.0.1:1/studies")
    message = launch_refused(*storage, code=1) if command == "launch" else refused("status", *storage, code=1)
    assert "postgresql://someone:***@127.0.0.1:1/studies can't be opened" in message
    assert "Connection refused" in message
    assert "Check that the server is running and that user, password and database name are correct" in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("studies", "'studies' is not a database URL. Write sqlite:///path/to/studies.db or postgresql://"),
        ("mysql://u:s3cret@host/studies", "mysql is not supported. Use SQLite"),
        ("sqlite://", "A database in memory would be lost when the process ends. Name a file"),
        ("postgresql://u:s3cret@host:port/studies", "not a database URL"),
    ],
)
def test_a_url_of_no_database_is_refused(launch_refused: Refusal, url: str, message: str) -> None:
    said = launch_refused("--storage", url)
    assert message in said
    assert "s3cret" not in said


def test_a_file_that_is_no_database_is_left_as_it_is(launch_refused: Refusal, tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("not a database\n" * 100)
    assert "is not a SQLite database. It was not changed" in launch_refused("--storage", f"sqlite:///{path}")
    assert path.read_text() == "not a database\n" * 100


@pytest.mark.parametrize(
    "words", ["status", "studies", "trials x", "best x", "resume x", "stop x", "delete x"]
)
def test_reading_creates_no_database(refused: Refusal, tmp_path: Path, words: str) -> None:
    message = refused(*words.split(), "--storage", tmp_path / "mistyped.db", code=1)
    assert f"There is no database at {tmp_path / 'mistyped.db'}" in message
    assert "name another with --storage" in message


# -- places that can't be written --------------------------------------------------------------------


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nobody may write."""
    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o555)
    yield folder
    folder.chmod(0o755)


def test_a_read_only_output_folder_is_refused(launch_refused: Refusal, read_only: Path) -> None:
    message = as_ordinary_user(lambda: launch_refused("--out", read_only))
    assert (
        f"{read_only}: can't be written to (Permission denied). Choose another folder with --out" in message
    )


def test_a_read_only_place_for_the_database_is_refused(launch_refused: Refusal, read_only: Path) -> None:
    message = as_ordinary_user(lambda: launch_refused("--storage", read_only / "studies.db", code=1))
    assert f"{read_only} is read-only. Choose another place with --storage" in message


def test_a_folder_below_a_file_is_refused(launch_refused: Refusal, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert f"{file}/out: can't be written to" in launch_refused("--out", file / "out")
    assert f"{file}/deep: can't be created" in launch_refused(
        "--storage", file / "deep" / "studies.db", code=1
    )


def test_a_folder_with_other_results_is_not_overwritten(
    launch: Sweep, launch_refused: Refusal, tmp_path: Path
) -> None:
    launch("-n", "1", "--out", tmp_path / "out", "--study", "first")
    message = launch_refused("-n", "1", "--out", tmp_path / "out", "--study", "second", "--seed", "1")
    assert f"{tmp_path}/out holds the results of study 'first'" in message
    assert "Choose another folder with --out" in message


def full_disk_instead_of(path: Path, patch: pytest.MonkeyPatch) -> None:
    """What is written beside `path`, to be put in its place, meets a disk that is full; the first time only."""
    open_file, full = Path.open, {f".{path.name}.{os.getpid()}.partial"}

    def open_elsewhere(self: Path, *args: Any, **options: Any) -> Any:
        if self.name in full:
            full.discard(self.name)
            return open_file(Path("/dev/full"), "wb")
        return open_file(self, *args, **options)

    patch.setattr(Path, "open", open_elsewhere)


@needs_dev_full
def test_a_full_disk_under_best_yaml_loses_nothing(
    launch: Sweep, sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_disk_instead_of(tmp_path / "out" / "best.yaml", monkeypatch)
    said = launch("-n", "3", "--study", "s", "--out", tmp_path / "out", code=1)
    assert f"{tmp_path}/out/best.yaml: can't be written (No space left on device)" in said.err
    assert "To continue: sweep resume s" in said.err
    assert states(sweep, "s") == ["COMPLETE"]
    sweep("resume", "s")
    assert states(sweep, "s") == ["COMPLETE"] * 3
    assert (tmp_path / "out" / "best.yaml").is_file()


@needs_dev_full
def test_a_full_disk_under_the_weights_fails_no_trial(
    launch: Sweep, sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_disk_instead_of(tmp_path / "out" / "weights" / "trial-0000-round-000001.pt", monkeypatch)
    said = launch("-n", "2", "--study", "s", "--out", tmp_path / "out", code=1)
    assert "trial-0000-round-000001.pt: can't be written (No space left on device)" in said.err
    assert states(sweep, "s") == ["WAITING"]


@needs_dev_full
@pytest.mark.parametrize("file", ["best.yaml", "best.pt"])
def test_an_export_that_does_not_fit_leaves_nothing(
    launch: Sweep, sweep: Sweep, tmp_path: Path, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch("-n", "1", "--study", "s")
    folder = tmp_path / "export"
    full_disk_instead_of(folder / file, monkeypatch)
    said = sweep("export", "s", "-o", folder / "best.yaml", "--weights", folder / "best.pt", code=2)
    assert f"{folder / file}: can't be written (No space left on device). Free some space" in said.err
    assert not (folder / "best.yaml").exists()
    assert not list(folder.glob(".*"))


def test_more_enqueued_than_there_are_trials_is_refused(
    launch: Sweep, launch_refused: Refusal, tmp_path: Path
) -> None:
    path = tmp_path / "point.yaml"
    path.write_text("space:\n  quality: 0.3\n")
    assert "the defaults and the enqueued configurations alone need 2 trials" in launch_refused(
        "-n", "1", "--enqueue", path
    )
    launch("-n", "2", "--enqueue", path)
