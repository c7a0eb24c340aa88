"""Kept rows: made once, whole or not at all, never another source's, and never in the way."""

from __future__ import annotations

import os
import resource
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from objectives.datasets.cache import Kept, kept_rows
from objectives.datasets.trees import Tree, open_tree
from objectives.errors import DataError
from objectives.rows.rows import Rows
from objectives.rows.splitting import digest_rows
from tests.objectives_tests.datasets.small_images import write_tar


class Maker:
    """Rows that say what they were made from, and how often that was done."""

    def __init__(self, root: Path, content: bytes = b"one") -> None:
        self.root, self.times = root, 0
        self.source(content)

    def source(self, content: bytes) -> None:
        self.path = write_tar(self.root / "source.tar", {"file": content})

    def make(self) -> dict[str, Rows]:
        self.times += 1
        tree = open_tree(self.path)
        ((_, content),) = tree.contents(tree.names())
        values = torch.frombuffer(bytearray(content), dtype=torch.uint8).repeat(400, 1)
        return {"train": Rows(values, torch.arange(400)), "valid": Rows(values[:9] + 1, torch.arange(9))}

    def load(self, recipe: str = "as it is", name: str = "set") -> Kept:
        return kept_rows(name, open_tree(self.path), recipe, self.root, self.make)


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SWEEP_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "user"))


@pytest.fixture
def maker(tmp_path: Path) -> Maker:
    return Maker(tmp_path / "root")


def entries(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def same(one: Kept, other: Kept) -> bool:
    return (
        one.digest == other.digest == digest_rows(*one.parts.values()) == digest_rows(*other.parts.values())
    )


def test_rows_are_made_once(maker: Maker) -> None:
    first, second = maker.load(), maker.load()
    assert maker.times == 1
    assert same(first, second)
    assert list(second.parts) == ["train", "valid"]
    assert digest_rows(*maker.make().values()) == second.digest
    assert [path.parent for path in entries(maker.root / "decoded")] == [maker.root / "decoded"]


def test_rows_are_mapped_not_read(maker: Maker) -> None:
    maker.load()
    mapped = Path("/proc/self/maps")
    if not mapped.exists():
        pytest.skip("needs /proc")
    kept = maker.load()
    assert str(maker.root / "decoded") in mapped.read_text()
    assert len(kept.parts["train"]) == 400


def test_a_change_in_memory_does_not_reach_the_files(maker: Maker) -> None:
    first = maker.load()
    first.parts["train"].inputs.zero_()
    first.parts["train"].targets.add_(7)
    assert maker.load().parts["train"].inputs[0].tolist() == list(b"one")
    assert same(maker.load(), maker.load())
    assert maker.times == 1


def test_another_source_or_recipe_is_never_given_the_old_rows(maker: Maker) -> None:
    digests = [maker.load().digest, maker.load("upside down").digest]
    maker.source(b"two")
    assert maker.load().parts["train"].inputs[0].tolist() == list(b"two")
    assert maker.times == 3
    maker.source(b"one")
    assert maker.load().digest == digests[0]
    assert maker.times == 3


def test_the_same_source_elsewhere_has_the_same_rows(
    maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEP_CACHE_DIR", str(tmp_path / "cache"))
    maker.load()
    moved = Maker(tmp_path / "elsewhere")
    moved.load()
    assert (maker.times, moved.times) == (1, 0)


def change_last_byte(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"\x77")
    os.utime(path, (7, 7))


def cut_in_secret(path: Path) -> None:
    before = path.stat()
    os.truncate(path, before.st_size - 5)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut short": cut_in_secret,
    "emptied": lambda path: os.truncate(path, 0),
    "removed": lambda path: path.unlink(),
    "another last byte": change_last_byte,
    "a folder in its place": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("file", ["rows.json", "train-inputs.npy", "valid-targets.npy"])
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_damaged_entry_is_made_again(maker: Maker, file: str, damage: Callable[[Path], object]) -> None:
    first = maker.load()
    (entry,) = entries(maker.root / "decoded")
    damage(entry / file)
    assert same(maker.load(), maker.load())
    assert maker.times == 2
    assert maker.load().digest == first.digest
    assert entries(maker.root / "decoded") == [entry]


def test_two_at_once_both_end_well(maker: Maker, capsys: pytest.CaptureFixture[str]) -> None:
    both_are_making = threading.Barrier(2)
    alone = maker.make

    def make_together() -> dict[str, Rows]:
        both_are_making.wait(timeout=60)
        return alone()

    maker.make = make_together  # type: ignore[method-assign]
    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(lambda _: maker.load(), range(2))
    assert same(one, other)
    assert len(entries(maker.root / "decoded")) == 1
    assert capsys.readouterr().err == ""


def test_a_source_that_changes_while_it_is_read_is_refused(maker: Maker) -> None:
    alone = maker.make

    def make_and_change() -> dict[str, Rows]:
        rows = alone()
        maker.source(b"two")
        return rows

    maker.make = make_and_change  # type: ignore[method-assign]
    with pytest.raises(DataError, match=r"source\.tar changed while it was read; launch again"):
        maker.load()
    assert not (maker.root / "decoded").exists()


def test_what_can_not_be_made_leaves_nothing(maker: Maker) -> None:
    maker.path.write_bytes(b"no tar")
    with pytest.raises(DataError, match="can't be read to its end"):
        maker.load()
    assert entries(maker.root) == [maker.path]


class Unsettled(Tree):
    """A source that may be changing."""

    def names(self) -> list[str]:
        return []

    def contents(self, names: object) -> Iterator[tuple[str, bytes]]:
        return iter(())

    def fingerprint(self) -> None:
        return None


def test_rows_of_a_source_that_may_be_changing_are_not_kept(maker: Maker) -> None:
    for _ in range(2):
        kept = kept_rows("set", Unsettled(maker.path), "", maker.root, maker.make)
    assert kept.digest == digest_rows(*maker.make().values())
    assert maker.times == 3
    assert not (maker.root / "decoded").exists()


def test_a_data_root_that_is_read_only_is_left_alone(maker: Maker, tmp_path: Path) -> None:
    maker.root.chmod(0o555)
    maker.load()
    maker.load()
    maker.root.chmod(0o755)
    assert maker.times == 1
    assert entries(maker.root) == [maker.path]
    assert len(entries(tmp_path / "user" / "onset-sweeps" / "decoded")) == 1


def test_rows_kept_in_a_data_root_serve_those_who_may_only_read_it(maker: Maker, tmp_path: Path) -> None:
    maker.load()
    for folder in (maker.root / "decoded", maker.root):
        folder.chmod(0o555)
    maker.load()
    for folder in (maker.root, maker.root / "decoded"):
        folder.chmod(0o755)
    assert maker.times == 1
    assert not (tmp_path / "user").exists()


def test_a_folder_of_ones_own_goes_before_all_others(
    maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEP_CACHE_DIR", str(tmp_path / "mine" / "deep"))
    maker.load()
    maker.load()
    assert maker.times == 1
    assert len(entries(tmp_path / "mine" / "deep")) == 1
    assert entries(maker.root) == [maker.path]


def test_a_relative_folder_is_refused(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SWEEP_CACHE_DIR", "here")
    with pytest.raises(DataError, match="SWEEP_CACHE_DIR: here must be an absolute path"):
        maker.load()


@contextmanager
def files_may_have(num_bytes: int) -> Iterator[None]:
    """Writing more fails within, as it does where a disk is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (num_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("num_bytes", [0, 100, 1000, 1300])
def test_without_room_rows_stay_in_memory_and_nothing_is_left(
    maker: Maker, num_bytes: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with files_may_have(num_bytes):
        kept = maker.load()
    told = capsys.readouterr().err
    assert kept.digest == digest_rows(*maker.make().values())
    assert told.startswith("decoded set can't be cached, so it is decoded again at each launch (")
    assert told.endswith("). Set SWEEP_CACHE_DIR to another folder.\n")
    assert entries(maker.root / "decoded") == []
    assert maker.load().digest == kept.digest


def test_without_a_place_rows_stay_in_memory(
    maker: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    (tmp_path / "closed").mkdir(mode=0o555)
    for place in ("file", "closed/cache"):
        monkeypatch.setenv("SWEEP_CACHE_DIR", str(tmp_path / place))
        assert maker.load().digest == digest_rows(*maker.make().values())
        assert "decoded set can't be cached" in capsys.readouterr().err
    assert entries(tmp_path / "closed") == []


def test_only_the_newest_entries_of_a_set_are_kept(maker: Maker) -> None:
    maker.load(name="set-test")
    for number in range(6):
        maker.source(b"content %d" % number)
        maker.load()
    names = [path.name.partition(".")[0] for path in entries(maker.root / "decoded")]
    assert names == ["set-test"] + ["set"] * 3
    maker.load()
    assert maker.times == 7  # the newest is among them


def test_what_a_killed_process_left_is_removed_in_time(maker: Maker) -> None:
    place = maker.root / "decoded"
    for name in (".set.0.old.partial", ".set.0.new.partial"):
        (place / name).mkdir(parents=True)
        (place / name / "train-inputs.npy").write_bytes(b"half of it")
    os.utime(place / ".set.0.old.partial", (0, 0))
    maker.load()
    assert [path.name for path in entries(place)][:-1] == [".set.0.new.partial"]
