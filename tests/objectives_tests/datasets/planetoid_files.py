"""A small set in the Planetoid layout, pickled as Python 2, numpy and scipy of the time did."""

from __future__ import annotations

import hashlib
import io
import pickle
import struct
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

KNOWN, TEST = 640, 60
NODES = KNOWN + TEST


class Python2Pickler(pickle._Pickler):
    """Writes bytes as what Python 2 called a string."""

    dispatch = dict(pickle._Pickler.dispatch)

    def save_bytes(self, content: bytes) -> None:
        self.write(pickle.BINSTRING + struct.pack("<i", len(content)) + content)
        self.memoize(content)

    dispatch[bytes] = save_bytes


def as_python2(found: Any) -> bytes:
    out = io.BytesIO()
    Python2Pickler(out, protocol=2).dump(found)
    modules = {b"numpy._core.multiarray": b"numpy.core.multiarray", b"scipy.sparse._csr": b"scipy.sparse.csr"}
    content = out.getvalue()
    for now, then in modules.items():
        content = content.replace(now, then)
    return content


def small_set() -> dict[str, Any]:
    """700 papers: paper i holds word i only, is of field i % 7 and cites the one before it; test rows out of order."""
    words = np.eye(NODES, 1433, dtype=np.float32)
    fields = np.eye(7, dtype=np.int32)[np.arange(NODES) % 7]
    index = np.random.Generator(np.random.PCG64(0)).permutation(np.arange(KNOWN, NODES))
    neighbours: defaultdict[int, list[int]] = defaultdict(list)
    for node in range(1, NODES):
        neighbours[node] = [node - 1]
    neighbours[0] = [0, 1]  # itself, and one that is given from the other side as well
    return {
        "allx": csr_matrix(words[:KNOWN]),
        "ally": fields[:KNOWN],
        "tx": csr_matrix(words[index]),
        "ty": fields[index],
        "graph": neighbours,
        "test.index": index,
    }


def write_set(folder: Path, parts: dict[str, Any]) -> dict[str, str]:
    """Write the files, `bytes` as they are; returns their digests."""
    folder.mkdir(parents=True, exist_ok=True)
    digests = {}
    for name, part in parts.items():
        if name == "test.index" and not isinstance(part, bytes):
            content = "".join(f"{node}\n" for node in part).encode()
        else:
            content = part if isinstance(part, bytes) else as_python2(part)
        (folder / f"ind.cora.{name}").write_bytes(content)
        digests[name] = hashlib.sha256(content).hexdigest()
    return digests
