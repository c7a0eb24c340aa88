"""Fetching a file: whole or not at all, from a real server on this machine."""

from __future__ import annotations

import fcntl
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from objectives.datasets.files import digest_of, download
from objectives.errors import DataError, MissingDataError, UnwritableDataError

CONTENT = bytes(range(256)) * 400


class Server(ThreadingHTTPServer):
    """Serves CONTENT under any path; does on request what servers do by accident."""

    cut_at: int | None = None  # bytes after which the connection ends
    knows_ranges = True
    says_length = True
    pause: threading.Event | None = None  # before the second half
    asked: list[str | None]  # the ranges

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/rows.gz"


class _Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        asked = self.headers["Range"]
        self.server.asked.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and self.server.knows_ranges else 0
        if self.path.endswith("missing"):
            return self.send_error(404)
        if start and start >= len(CONTENT):
            return self.send_error(416)
        self.send_response(206 if start else 200)
        if self.server.says_length:
            self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        if self.server.pause is not None:
            self.wfile.write(CONTENT[start : len(CONTENT) // 2])
            self.wfile.flush()
            self.server.pause.wait()
            start = len(CONTENT) // 2
        self.wfile.write(CONTENT[start : self.server.cut_at])

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    serving = Server(("127.0.0.1", 0), _Handler)
    serving.asked = []
    thread = threading.Thread(target=serving.serve_forever, args=(0.01,))
    thread.start()
    yield serving
    serving.shutdown()
    thread.join()
    serving.server_close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "mnist" / "rows.gz"


def leftovers(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def test_a_file_arrives_whole_and_alone(server: Server, target: Path) -> None:
    told: list[str] = []
    download(server.url, target, tell=told.append)
    assert target.read_bytes() == CONTENT
    assert leftovers(target) == ["rows.gz"]
    assert told == [f"downloading {server.url} (0.1 MB) to {target}"]


def test_a_response_cut_short_leaves_no_file_and_the_next_call_continues(
    server: Server, target: Path
) -> None:
    server.cut_at = 70_000
    with pytest.raises(DataError, match=r"the download broke off\. Launch again to continue"):
        download(server.url, target)
    assert leftovers(target) == ["rows.gz.partial"]
    server.cut_at = None
    download(server.url, target)
    assert target.read_bytes() == CONTENT
    assert server.asked == [None, "bytes=70000-"]
    assert leftovers(target) == ["rows.gz"]


def test_a_server_without_ranges_is_asked_for_everything(server: Server, target: Path) -> None:
    server.cut_at, server.knows_ranges = 70_000, False
    with pytest.raises(DataError, match="broke off"):
        download(server.url, target)
    server.cut_at = None
    download(server.url, target)
    assert target.read_bytes() == CONTENT


def test_a_partial_file_that_was_complete_is_no_dead_end(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("rows.gz.partial").write_bytes(CONTENT)  # killed just before it was renamed
    download(server.url, target)
    assert target.read_bytes() == CONTENT
    assert leftovers(target) == ["rows.gz"]


def test_a_server_that_does_not_say_how_long_is_believed(server: Server, target: Path) -> None:
    server.says_length = False
    download(server.url, target)
    assert target.read_bytes() == CONTENT


def test_what_the_server_lacks_is_told_with_the_place_to_put_it(server: Server, target: Path) -> None:
    url = server.url.replace("rows.gz", "missing")
    with pytest.raises(MissingDataError) as refusal:
        download(url, target)
    assert "rows.gz is not in the data folder and can't be downloaded (HTTP Error 404" in str(refusal.value)
    assert f"Download {url} on a machine with a network and put it at {target}." in str(refusal.value)


def test_no_way_to_the_server_is_told(refusing_url: str, target: Path) -> None:
    with pytest.raises(MissingDataError, match=r"can't be downloaded \(.*Connection refused"):
        download(f"{refusing_url}/rows.gz", target)
    assert not target.parent.exists()


def test_another_file_than_the_published_one_is_not_kept(server: Server, target: Path) -> None:
    with pytest.raises(
        DataError,
        match=rf"sent a file that is not the published one \(its md5 is not 0{{32}}\).+ put it at {target}",
    ):
        download(server.url, target, md5="0" * 32)
    assert leftovers(target) == []
    download(server.url, target, md5=digest_of(CONTENT, "md5"))
    assert target.read_bytes() == CONTENT


def test_a_continued_file_is_checked_as_a_whole(server: Server, target: Path) -> None:
    target.parent.mkdir()
    target.with_name("rows.gz.partial").write_bytes(b"of another file")
    with pytest.raises(DataError, match="sent a file that is not the published one"):
        download(server.url, target, md5=digest_of(CONTENT, "md5"))
    assert leftovers(target) == []


def test_a_connection_lost_halfway_says_how_to_go_on(server: Server, target: Path) -> None:
    server.cut_at = 70_000
    with pytest.raises(DataError):
        download(server.url, target)
    server.shutdown()
    server.server_close()
    with pytest.raises(
        MissingDataError, match=r"The part downloaded so far is kept. Launch again to continue, or download"
    ):
        download(server.url, target)
    assert leftovers(target) == ["rows.gz.partial"]


def test_a_place_that_can_not_be_written_is_told(server: Server, tmp_path: Path) -> None:
    (tmp_path / "mnist").write_text("a file where a folder should be")
    with pytest.raises(UnwritableDataError, match=r"can't be written \(.+\)\."):
        download(server.url, tmp_path / "mnist" / "rows.gz")


def test_two_at_once_fetch_it_once(server: Server, target: Path) -> None:
    server.pause = threading.Event()
    told: list[str] = []
    first, second = (
        threading.Thread(target=download, args=(server.url, target), kwargs={"tell": told.append})
        for _ in range(2)
    )
    first.start()
    while not any("downloading" in line for line in told):
        time.sleep(0.001)
    second.start()
    while not any("downloaded by another process: waiting" in line for line in told):
        time.sleep(0.001)
    server.pause.set()
    for thread in (first, second):
        thread.join()
    assert target.read_bytes() == CONTENT
    assert leftovers(target) == ["rows.gz"]
    assert sum("downloading" in line for line in told) == 1


def test_what_another_left_half_done_meanwhile_is_gone_on_with(server: Server, target: Path) -> None:
    """Between the request and the lock, the other process came further and was cut off."""
    target.parent.mkdir()
    partial = target.with_name("rows.gz.partial")

    partial.write_bytes(CONTENT[:300])
    with partial.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        told: list[str] = []

        def tell(line: str) -> None:
            told.append(line)
            if "waiting" in line:
                other.write(CONTENT[300:700])
                other.flush()
                fcntl.flock(other, fcntl.LOCK_UN)

        download(server.url, target, tell=tell)
    assert target.read_bytes() == CONTENT
    assert server.asked == ["bytes=300-", "bytes=700-"]
