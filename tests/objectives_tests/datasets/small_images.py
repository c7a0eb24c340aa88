"""Pictures made on the spot, in folders, in tars and in CIFAR-10's own pickles."""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Files = Mapping[str, bytes]


def pixels(seed: int, width: int = 32, height: int = 32) -> NDArray[np.uint8]:
    """Coloured noise, (height, width, 3)."""
    return np.random.Generator(np.random.PCG64(seed)).integers(0, 256, (height, width, 3), np.uint8)


def picture(seed: int, width: int = 32, height: int = 32, *, kind: str = "PNG", mode: str = "RGB") -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels(seed, width, height)).convert(mode).save(out, kind)
    return out.getvalue()


def write_folder(folder: Path, files: Files) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def write_tar(path: Path, files: Files, *odd: tarfile.TarInfo) -> Path:
    """Of `files` in the order given, then of members that no one should make; compressed as the name says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in odd:
            tar.addfile(member)
    return path


def batch_pickle(images: NDArray[np.uint8], labels: list[int]) -> bytes:
    """A batch as published: Python 2's protocol 2, texts as bytes, the array by numpy's old name.

    images: (rows, 3072).
    """
    shape = b"J" + struct.pack("<i", len(images)) + b"J" + struct.pack("<i", images.shape[1]) + b"\x86"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01" + shape
        + b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + b"T" + struct.pack("<i", images.size) + images.tobytes() + b"tb"
    )  # fmt: skip
    numbers = b"](" + b"".join(b"K" + bytes([label]) for label in labels) + b"e"
    return b"\x80\x02}(" + _text(b"labels") + numbers + _text(b"data") + array + b"u."


def _text(content: bytes) -> bytes:
    return b"U" + bytes([len(content)]) + content
