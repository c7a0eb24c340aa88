"""Text as pairs of neighbouring words: `text8`, or any text of your own.

`text8` (Mahoney 2011) is the first 100 MB of cleaned English Wikipedia, 17,005,207 words. `text` is the content of the
`*.txt` files in the folder `text`, one after the other in the order of their names, in text8's form: letters a to z in
lower case, digits spelled out, single spaces between words.

The first 90 % of the text are for training, the next 5 % for validation and the last 5 % for the test, so that no pair
of words is in two splits. Only the 10,000 most frequent words of the training part are kept; all others are removed
before pairs are made. A pair is a word and one of the five words on either side of it.
"""

from __future__ import annotations

import itertools
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from objectives.datasets.bounded import read_bounded, read_bounded_from
from objectives.datasets.files import check_published, digest_of, download
from objectives.errors import DataError, MissingDataError
from objectives.rows.rows import Splits
from objectives.rows.splitting import SPLIT_SEED, digest_tensors
from objectives.rows.word_pairs import WordPairs, noise_weights

VOCABULARY = 10_000
WINDOW = 5
MAX_TRAIN_PAIRS = (
    2_000_000  # text8 has 130 million pairs: of more pairs, so many are drawn with the split's seed
)
NUM_HELD_OUT_PAIRS = 10_000  # for validation and for test, drawn in the same way
_TRAIN_SHARE, _VALID_SHARE = 0.90, 0.05
_MIN_WORDS = 100  # in each part
_SOURCE = "http://mattmahoney.net/dc/text8.zip"
_MOST_BYTES = 100_000_000  # what text8 has
_MD5_UNPACKED = {"text8": "3bea1919949baf155f99411df5fada7e"}
_BLOCK_BYTES = 1 << 20
_DIGITS = dict(zip(b"0123456789", b"zero one two three four five six seven eight nine".split(), strict=True))


def load_text(name: str, root: Path) -> Splits:
    """Training and validation pairs of `text8` or `text`. The name of the splits contains the files of `text`.

    Raises DataError when there is no text (and text8 can't be downloaded), or one that is damaged or too short.
    """
    text, source = _read(name, root)
    train, valid, _ = _stretches(text)
    vocabulary = _Vocabulary.of(train, source)
    train_rows, valid_rows = (
        vocabulary.pairs(train, MAX_TRAIN_PAIRS),
        vocabulary.pairs(valid, NUM_HELD_OUT_PAIRS),
    )
    rows_digest = digest_tensors([train_rows.inputs, valid_rows.inputs, vocabulary.noise])
    return Splits(source, train_rows, valid_rows, digest_of(f"{digest_of(text)} {rows_digest}".encode()))


def load_text_test(name: str, root: Path) -> WordPairs:
    """The test pairs of `text8` or `text`; raises DataError as `load_text` does."""
    text, source = _read(name, root)
    train, _, test = _stretches(text)
    return _Vocabulary.of(train, source).pairs(test, NUM_HELD_OUT_PAIRS)


def is_present(name: str, root: Path) -> bool:
    """Whether the text is present. Its content is not checked."""
    return bool(_own_files(root)) if name == "text" else _find_text8(root) is not None


@dataclass(frozen=True)
class _Vocabulary:
    """The most frequent words, numbered from the most frequent one, and the noise distribution over them."""

    numbers: dict[bytes, int]
    noise: Tensor
    source: str

    @classmethod
    def of(cls, text: bytes, source: str) -> _Vocabulary:
        counts: Counter[bytes] = Counter()
        for words in _blocks(text):
            counts.update(words)
        if len(counts) < 2:
            raise DataError(
                f"{source} has {len(counts)} different words to train on, but at least 2 are needed."
            )
        ranked = sorted(counts, key=lambda word: (-counts[word], word))[:VOCABULARY]
        noise = noise_weights(torch.tensor([counts[word] for word in ranked]))
        return cls({word: number for number, word in enumerate(ranked)}, noise, source)

    def pairs(self, text: bytes, most: int) -> WordPairs:
        """Pairs of known words, (pairs, 2) int32: all of them, or a sample of `most`."""
        found = [
            np.fromiter(map(self.numbers.get, words, itertools.repeat(-1)), np.int32, len(words))
            for words in _blocks(text)
        ]
        words = np.concatenate([*found, np.empty(0, np.int32)])
        words = words[words >= 0]
        if len(words) < _MIN_WORDS:
            raise DataError(
                f"{self.source} is too short: one of its splits has {len(words)} words that also occur in the "
                f"first 90 %, but {_MIN_WORDS} are needed. Use a longer text."
            )
        inputs = torch.from_numpy(_neighbours(words, most))
        return WordPairs(inputs, torch.ones(len(inputs), dtype=torch.int64), self.noise)


def _neighbours(words: NDArray[np.int32], most: int) -> NDArray[np.int32]:
    if 2 * WINDOW * len(words) <= most:
        forward = [np.stack([words[:-far], words[far:]], axis=1) for far in range(1, WINDOW + 1)]
        return np.concatenate([*forward, *(pairs[:, ::-1] for pairs in forward)])
    generator = np.random.Generator(np.random.PCG64(SPLIT_SEED))
    places = generator.integers(WINDOW, len(words) - WINDOW, most)
    far = generator.integers(1, WINDOW + 1, most) * generator.choice([-1, 1], most)
    return np.stack([words[places], words[places + far]], axis=1)


def _stretches(text: bytes) -> tuple[bytes, bytes, bytes]:
    """The parts of the text for training, validation and test, cut between words."""
    first = text.rfind(b" ", 0, int(_TRAIN_SHARE * len(text))) + 1
    second = text.rfind(b" ", 0, int((_TRAIN_SHARE + _VALID_SHARE) * len(text))) + 1
    return text[:first], text[first:second], text[second:]


def _blocks(text: bytes) -> Iterator[list[bytes]]:
    """The words, in portions, because all at once would take gigabytes."""
    start = 0
    while start < len(text):
        end = text.find(b" ", start + _BLOCK_BYTES)
        end = len(text) if end < 0 else end
        yield text[start:end].split()
        start = end


def _read(name: str, root: Path) -> tuple[bytes, str]:
    """The whole text in the form of text8, and its name."""
    if name == "text8":
        return _read_text8(root), name
    files = _own_files(root)
    if not files:
        raise MissingDataError(
            f"There is no text. Put an English text, called NAME.txt, into {root / 'text'}."
        )
    text = b" ".join(_as_text8(_content(path, None)) for path in files)
    return text, f"{name} ({', '.join(path.name for path in files)})"


def _own_files(root: Path) -> list[Path]:
    return sorted(path for path in (root / "text").glob("*.txt") if path.is_file())


def _as_text8(content: bytes) -> bytes:
    for digit, word in _DIGITS.items():
        content = content.replace(bytes([digit]), b" " + word + b" ")
    return re.sub(rb"[^a-z]+", b" ", content.lower())


def _find_text8(root: Path) -> Path | None:
    for folder in (root / "text8", root / "text", root):
        for file in (folder / "text8", folder / "text8.zip"):
            if file.is_file():
                return file
    return None


def _read_text8(root: Path) -> bytes:
    path = _find_text8(root)
    if path is None:
        path = root / "text8" / "text8.zip"
        download(_SOURCE, path)
    content = _content(path, _MOST_BYTES)
    check_published(content, _MD5_UNPACKED["text8"], f"{path} is not text8", _SOURCE, "md5")
    return content


def _content(path: Path, most_bytes: int | None) -> bytes:
    """The text of a file, unpacked if it is a zip. most_bytes: its largest size; None for any size."""
    try:
        if most_bytes is None:
            return path.read_bytes()
        if path.suffix != ".zip":
            return read_bounded(path, most_bytes)
        with zipfile.ZipFile(path) as archive, archive.open("text8") as file:
            return read_bounded_from(file, path, most_bytes)
    except (OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} can't be read ({error}). Remove it and launch again.") from error
