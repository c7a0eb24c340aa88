"""Trees of files: the same from a folder and a tar, whole or not at all, and nothing outside of them."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest

from objectives.datasets import trees
from objectives.datasets.trees import open_tree
from objectives.errors import DataError
from tests.objectives_tests.datasets.small_images import write_folder, write_tar

FILES = {"b/2.txt": b"two", "a.txt": b"", "b/10.txt": b"ten" * 300, "b/c/é.txt": b"deep"}


def read(path: Path) -> list[tuple[str, bytes]]:
    tree = open_tree(path)
    names = tree.names()
    return sorted(tree.contents(names), key=lambda pair: names.index(pair[0]))


@pytest.mark.parametrize("name", ["tree", "tree.tar", "tree.tar.gz"])
def test_a_folder_and_a_tar_hold_the_same_files_in_the_same_order(tmp_path: Path, name: str) -> None:
    write = write_tar if "." in name else write_folder
    hidden = {"b/._2.txt": b"of macOS", ".git/x": b"", "__MACOSX/b/2.txt": b"too"}
    assert read(write(tmp_path / name, {**FILES, **hidden})) == sorted(FILES.items())


def test_names_that_begin_with_a_dot_and_a_slash_are_the_same_names(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "tree.tar", {f"./{name}": content for name, content in FILES.items()})
    assert read(path) == sorted(FILES.items())


def test_a_tar_is_read_once_through_whatever_is_asked_first(tmp_path: Path) -> None:
    tree = open_tree(write_tar(tmp_path / "tree.tar.gz", FILES))
    assert list(tree.contents(reversed(FILES))) == list(FILES.items())


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


@pytest.mark.parametrize(
    ("odd", "what"),
    [
        (member("/etc/odd"), "points outside the archive"),
        (member("b/../../odd"), "points outside the archive"),
        (member("odd", tarfile.SYMTYPE, "/etc/passwd"), "is a link or a device"),
        (member("odd", tarfile.LNKTYPE, "a.txt"), "is a link or a device"),
        (member("odd", tarfile.CHRTYPE), "is a link or a device"),
        (member("odd", tarfile.FIFOTYPE), "is a link or a device"),
        (member("a.txt"), "occurs twice in it"),
    ],
)
def test_a_member_that_does_not_belong_is_refused_by_name(
    tmp_path: Path, odd: tarfile.TarInfo, what: str
) -> None:
    path = write_tar(tmp_path / "tree.tar.gz", FILES, odd)
    with pytest.raises(DataError) as refusal:
        open_tree(path).names()
    assert f"{path}: {odd.name!r} {what}" in str(refusal.value)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["tree.tar", "tree.tar.gz"])
def test_a_tar_that_is_cut_short_anywhere_is_told(tmp_path: Path, name: str) -> None:
    whole = write_tar(tmp_path / name, FILES).read_bytes()
    end = len(whole) if name.endswith("gz") else whole.rindex(b"deep") + 512 + 1  # zeros may be cut off
    for length in [*range(0, end, 512), *range(1, end, 97)]:
        (tmp_path / name).write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"can't be read to its end \(.+\): it is damaged or cut short"):
            read(tmp_path / name)


def test_a_changed_byte_in_a_compressed_tar_never_gives_other_files(tmp_path: Path) -> None:
    whole = write_tar(tmp_path / "tree.tar.gz", FILES).read_bytes()
    refused = 0
    for place in range(len(whole)):
        (tmp_path / "tree.tar.gz").write_bytes(
            whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :]
        )
        try:
            assert read(tmp_path / "tree.tar.gz") == sorted(FILES.items())
        except DataError:
            refused += 1
    assert refused > 0.9 * len(whole)  # the rest is the time and name in gzip's header


def test_what_is_no_tar_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "tree.tar.gz").write_text("<html>sign in</html>")
    with pytest.raises(DataError) as refusal:
        open_tree(tmp_path / "tree.tar.gz").names()
    assert str(refusal.value).startswith(
        f"{tmp_path / 'tree.tar.gz'} can't be read to its end (file could not"
    )
    assert "\n" not in str(refusal.value)


def test_links_to_folders_and_what_is_no_file_are_refused_in_a_folder(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "tree", FILES)
    (folder / "b" / "again").symlink_to(folder, target_is_directory=True)
    with pytest.raises(DataError, match=r"b/again is a link to a folder\. Put the folder itself there"):
        open_tree(folder).names()
    (folder / "b" / "again").unlink()
    os.mkfifo(folder / "b" / "pipe")
    with pytest.raises(DataError, match=r"b/pipe is neither a file nor a folder"):
        open_tree(folder).names()


def test_a_link_to_a_file_counts_as_that_file(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "tree", FILES)
    (folder / "z.txt").symlink_to(folder / "b" / "2.txt")
    assert read(folder)[-1] == ("z.txt", b"two")
    (folder / "b" / "2.txt").unlink()
    with pytest.raises(DataError, match=r"z\.txt can't be read \(No such file"):
        read(folder)


@pytest.mark.parametrize("name", ["tree", "tree.tar"])
def test_a_file_far_larger_than_any_image_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(trees, "LARGEST_BYTES", 800)
    path = (write_tar if "." in name else write_folder)(tmp_path / name, FILES)
    with pytest.raises(
        DataError, match=r"'b/10.txt' has 0 MB, which is more than any file of this data set has"
    ):
        read(path)


def test_an_archive_is_known_by_its_content_alone(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "one.tar", FILES)
    copy = tmp_path / "two.tar"
    copy.write_bytes(path.read_bytes())
    status = path.stat()
    assert open_tree(path).fingerprint() == (before := open_tree(copy).fingerprint())
    path.write_bytes(path.read_bytes().replace(b"two", b"owt"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert open_tree(path).fingerprint() != before


def rewrite(path: Path, content: bytes) -> None:
    """With the size and time of modification that it had, some tick of the clock later."""
    before = path.stat()
    while path.stat().st_ctime_ns == before.st_ctime_ns:
        path.write_bytes(content)
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_a_change_in_a_folder_is_seen_even_where_size_and_time_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trees, "_SETTLED_SECONDS", -1.0)
    folder = write_folder(tmp_path / "tree", FILES)
    known = [open_tree(folder).fingerprint() for _ in range(2)]
    rewrite(folder / "b" / "2.txt", b"owt")
    known.append(open_tree(folder).fingerprint())
    (folder / "b" / "2.txt").rename(folder / "b" / "3.txt")
    known.append(open_tree(folder).fingerprint())
    assert known[0] == known[1]
    assert len(set(known)) == 3


def test_what_was_changed_just_now_is_not_yet_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "_SETTLED_SECONDS", 3600.0)
    assert open_tree(write_folder(tmp_path / "tree", FILES)).fingerprint() is None
    large = write_tar(tmp_path / "tree.tar", FILES)
    assert open_tree(large).fingerprint() is not None
    monkeypatch.setattr(trees, "_HASHED_BYTES", 1000)
    assert open_tree(large).fingerprint() is None
    monkeypatch.setattr(trees, "_SETTLED_SECONDS", -1.0)
    before = open_tree(large).fingerprint()
    rewrite(large, large.read_bytes().replace(b"two", b"owt"))
    assert before != open_tree(large).fingerprint()
