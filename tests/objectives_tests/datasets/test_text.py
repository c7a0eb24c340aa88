"""Running text as pairs of words: cut into stretches, known words only, every neighbour within five words."""

from __future__ import annotations

import hashlib
import random
import zipfile
from collections import Counter
from pathlib import Path

import pytest
import torch

from objectives.datasets import text
from objectives.errors import DataError, MissingDataError

SENTENCE = "the of and one in a to zero nine two is as eight for s five three was by that"
WORDS = SENTENCE.split()


def running(num_words: int = 6000, seed: int = 0) -> str:
    """Words in no order, the first ones the more frequent."""
    generator = random.Random(seed)
    return " ".join(generator.choices(WORDS, weights=range(2 * len(WORDS), len(WORDS), -1), k=num_words))


def put(root: Path, content: str | bytes, name: str = "mine.txt") -> Path:
    path = root / "text" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def counted(pairs: torch.Tensor) -> Counter[tuple[int, ...]]:
    return Counter(map(tuple, pairs.tolist()))


def pairs_of(stretch: list[str], numbers: dict[str, int]) -> Counter[tuple[int, ...]]:
    """By hand: each known word with those up to five places before and after."""
    known = [numbers[word] for word in stretch if word in numbers]
    places = range(len(known))
    return Counter(
        (known[place], known[other]) for place in places for other in places if 1 <= abs(place - other) <= 5
    )


@pytest.mark.parametrize("vocabulary", [10_000, 6])
def test_pairs_are_those_within_five_known_words_and_within_a_stretch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vocabulary: int
) -> None:
    monkeypatch.setattr(text, "VOCABULARY", vocabulary)
    root = put(tmp_path, running())
    splits, test = text.load_text("text", root), text.load_text_test("text", root)
    train, valid, sealed = (
        [word.decode() for word in part.split()] for part in text._stretches(running().encode())
    )
    assert [*train, *valid, *sealed] == running().split()
    ranked = sorted(Counter(train).items(), key=lambda item: (-item[1], item[0]))[:vocabulary]
    numbers = {word: number for number, (word, _) in enumerate(ranked)}
    for rows, stretch in ((splits.train, train), (splits.valid, valid), (test, sealed)):
        assert counted(rows.inputs) == pairs_of(stretch, numbers)
        assert rows.targets.unique().tolist() == [1]


def test_stretches_are_nine_tenths_and_a_twentieth_each(tmp_path: Path) -> None:
    sizes = [len(part) for part in text._stretches(running().encode())]
    assert [round(size / sum(sizes), 2) for size in sizes] == [0.9, 0.05, 0.05]


def test_of_too_many_pairs_a_sample_is_taken_the_same_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = put(tmp_path, running())
    every = counted(text.load_text("text", root).train.inputs)
    monkeypatch.setattr(text, "MAX_TRAIN_PAIRS", 500)
    sample, again = (text.load_text("text", root).train.inputs for _ in range(2))
    assert torch.equal(sample, again)
    assert len(sample) == 500
    assert set(counted(sample)) <= set(every)
    assert {place - other for place, other in sample.tolist()} > {-3, 0, 3}


def test_text_is_brought_into_the_form_of_text8() -> None:
    assert text._as_text8("Don't\r\npay 1x20 Øre,\n\n“now”!".encode()) == b"don t pay one x two zero re now "


def test_a_text_long_enough_is_read_block_by_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = put(tmp_path, running())
    expected = text.load_text("text", root).digest
    monkeypatch.setattr(text, "_BLOCK_BYTES", 7)
    assert text.load_text("text", root).digest == expected


def test_all_texts_of_the_folder_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    whole = running()
    for part, name in ((whole[:9000], "b.txt"), (whole[9000:], "c.txt"), ("not this", "a.md")):
        put(tmp_path, part, name)
    splits = text.load_text("text", tmp_path)
    assert splits.name == "text (b.txt, c.txt)"
    content, _ = text._read("text", tmp_path)
    assert content.decode() == f"{whole[:9000]} {whole[9000:]}"


def test_the_digest_is_that_of_the_whole_text(tmp_path: Path) -> None:
    before = text.load_text("text", put(tmp_path, running()))
    last = running().rsplit(" ", 1)[0] + " zoo"
    after = text.load_text("text", put(tmp_path, last))
    assert counted(before.train.inputs) == counted(after.train.inputs)
    assert before.digest != after.digest


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "has 0 different words to train on"),
        ("— 。 …", "has 0 different words to train on"),
        ("word " * 5000, "has 1 different words to train on"),
        (running(500), r"is too short: one of its splits has 2\d words that also occur in the first 90 %"),
        (f"{running(6000)} {'unheard ' * 310}", "is too short: one of its splits has"),
    ],
)
def test_what_gives_no_pairs_is_told(tmp_path: Path, content: str, why: str) -> None:
    with pytest.raises(DataError, match=r"text \(mine\.txt\) " + why):
        text.load_text("text", put(tmp_path, content))


def test_a_missing_text_is_told_with_its_place(tmp_path: Path) -> None:
    assert not text.is_present("text", tmp_path)
    with pytest.raises(
        MissingDataError, match=f"Put an English text, called NAME.txt, into {tmp_path / 'text'}"
    ):
        text.load_text("text", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def text8(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusing_url: str) -> bytes:
    """A short text that is declared to be text8, and no network."""
    content = f" {running()}".encode()
    monkeypatch.setitem(text._MD5_UNPACKED, "text8", hashlib.md5(content).hexdigest())
    monkeypatch.setattr(text, "_SOURCE", f"{refusing_url}/text8.zip")
    return content


def zipped(path: Path, content: bytes, name: str = "text8") -> None:
    path.parent.mkdir(exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)


@pytest.mark.parametrize("place", ["text8", "text", "."])
def test_text8_is_found_packed_or_not(tmp_path: Path, text8: bytes, place: str) -> None:
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.mkdir(), packed.mkdir()
    (plain / place).mkdir(exist_ok=True)
    (plain / place / "text8").write_bytes(text8)
    zipped(packed / place / "text8.zip", text8)
    assert all(text.is_present("text8", root) for root in (plain, packed))
    one, other = (text.load_text("text8", root) for root in (plain, packed))
    assert one.digest == other.digest
    assert one.name == "text8"


@pytest.mark.parametrize(
    "damage", [lambda content: content[:-400], lambda content: b"", lambda content: b"PK" * 50]
)
def test_a_damaged_zip_is_told(tmp_path: Path, text8: bytes, damage: object) -> None:
    path = tmp_path / "text8" / "text8.zip"
    zipped(path, text8)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=rf"{path} can't be read \(.+\)\. Remove it and launch again"):
        text.load_text("text8", tmp_path)


def test_a_zip_of_something_else_is_told(tmp_path: Path, text8: bytes) -> None:
    zipped(tmp_path / "text8.zip", text8, name="other")
    with pytest.raises(DataError, match=r"text8\.zip can't be read"):
        text.load_text("text8", tmp_path)


def test_another_text_is_not_text8(tmp_path: Path, text8: bytes) -> None:
    (tmp_path / "text8").write_bytes(text8[:-1])
    with pytest.raises(DataError, match="is not text8: its digest differs, so it is damaged or cut short"):
        text.load_text("text8", tmp_path)


def test_without_a_network_a_missing_text8_is_told_and_nothing_is_left(tmp_path: Path, text8: bytes) -> None:
    with pytest.raises(MissingDataError, match=f"put it at {tmp_path / 'text8' / 'text8.zip'}"):
        text.load_text("text8", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.real_data
def test_a_real_text_is_read(data_root: Path) -> None:
    splits = text.load_text("text", data_root)
    assert splits.name == "text (tinyshakespeare.txt)"
    assert (len(splits.train), len(splits.valid)) == (1_868_000, 10_000)
    assert len(splits.train.noise) == 10_000
    assert splits.digest == "dc18445ba8ece301a8acbcb04ed473d6f749c5931e9b739b081e2ceb8f94b426"
