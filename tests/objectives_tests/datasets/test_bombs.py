"""A packed file that holds more than what was published is not unpacked to its end."""

from __future__ import annotations

import gzip
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from objectives.datasets import cora, mnist, pretrained, text
from objectives.errors import DataError

MOST = 1_000_000
ZEROS = bytes(1 << 20)


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is published is a megabyte at most; no more than some of them may be held."""
    for module in (mnist, text, cora, pretrained):
        monkeypatch.setattr(module, "_MOST_BYTES", MOST)
    tracemalloc.start()
    yield
    assert tracemalloc.get_traced_memory()[1] < 20 * MOST
    tracemalloc.stop()


@pytest.mark.usefixtures("small_limits")
def test_an_idx_file(tmp_path: Path) -> None:
    bomb = tmp_path / "train-images-idx3-ubyte.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        for _ in range(100):
            file.write(ZEROS)
    with pytest.raises(DataError, match="holds more than 1 MB, so it is not the published file"):
        mnist.load_mnist("mnist", tmp_path)


@pytest.mark.usefixtures("small_limits")
def test_a_zip_of_text8(tmp_path: Path) -> None:
    packed = zipfile.ZipFile(tmp_path / "text8.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1)
    with packed, packed.open("text8", "w") as file:
        for _ in range(100):
            file.write(ZEROS)
    with pytest.raises(DataError, match="holds more than 1 MB"):
        text.load_text("text8", tmp_path)


@pytest.mark.usefixtures("small_limits")
def test_a_plain_file(tmp_path: Path) -> None:
    for name in ("train-images-idx3-ubyte", "text8", "ind.cora.allx"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(100 << 20)  # takes no room
    for load in (
        lambda: mnist.load_mnist("mnist", tmp_path),
        lambda: text.load_text("text8", tmp_path),
        lambda: cora._content("allx", tmp_path),
    ):
        with pytest.raises(DataError, match="holds more than 1 MB"):
            load()
