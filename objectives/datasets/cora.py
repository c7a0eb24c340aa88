"""Cora (Sen et al. 2008): 2,708 papers in seven fields, their words, and their citations.

Read from the files of the Planetoid layout: 1,433 words, 10,556 directed edges (each citation in both directions).
20 papers of each field are labelled for training, 500 are for validation and the other 2,068 are for the test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from objectives.datasets.bounded import read_bounded
from objectives.datasets.files import check_published, download
from objectives.datasets.planetoid import read_matrix, read_neighbours
from objectives.errors import DataError, ParametersError
from objectives.rows.graphs import Graph, GraphRows, sparse_matrix
from objectives.rows.rows import Splits
from objectives.rows.splitting import SPLIT_SEED, digest_tensors

FEATURES, CLASSES = 1433, 7
TRAIN_PER_CLASS, NUM_VALID = 20, 500
_MOST_BYTES = 10_000_000  # the largest of the files has 257,305
_SOURCE = "https://github.com/kimiyoung/planetoid/raw/master/data/"
_SHA256 = {  # `x` and `y`, the first rows of `allx` and `ally`, are not needed
    "allx": "9419ba2f26f5c35243db64aba110e0f35a04851609e0dc5433450676ca6b8543",
    "ally": "2b998f5cc7fedc86e7f97ca2498f47a1ffc1462c29e2d578b23bf3f62b6e7d71",
    "tx": "b9afbaa4a400df991f6f02ef677e1e44da55ffc04801fd02f9e673987829226a",
    "ty": "41f5ac76596a1699cc33f53084a2419e92961c42bb75f36fc38e616d348532ad",
    "graph": "58f13302f39dde8852dad6fe6d15b89b077b6d7f837626bce671ef80344b383d",
    "test.index": "297ce89af2b51a6a194181c7dbe1796c6a1cf9cd9349a88383b1b1e227867875",
}
Parts = tuple[Tensor, Tensor, Tensor]


def load_cora(root: Path) -> Splits:
    """Training and validation nodes. The test nodes are in the graph, without labels, and marked `unseen`.

    Raises DataError when a file is missing (and can't be downloaded), cut short or damaged.
    """
    graph, labels = _read(root)
    train, valid, test = draw_split(labels, SPLIT_SEED)
    return _splits(*(GraphRows(nodes, labels[nodes], graph, unseen=test) for nodes in (train, valid)))


def load_cora_test(root: Path) -> GraphRows:
    """The test nodes, in the graph of all; raises DataError as `load_cora` does."""
    graph, labels = _read(root)
    *_, test = draw_split(labels, SPLIT_SEED)
    return GraphRows(test, labels[test], graph, unseen=test[:0])


def load_cora_published(root: Path) -> Splits:
    """Training nodes, and the test nodes in place of validation. With all labels, so that other splits can be drawn."""
    graph, labels = _read(root)
    return published_splits(graph, labels, draw_split(labels, SPLIT_SEED))


def published_splits(graph: Graph, labels: Tensor, parts: Parts) -> Splits:
    """The test nodes of `parts` are used for validation; the nodes between are not used. All labels are included."""
    train, _, test = parts
    return _splits(
        GraphRows(train, labels[train], graph, unseen=test, labels=labels),
        GraphRows(test, labels[test], graph, unseen=test[:0], labels=labels),
    )


def redrawn(splits: Splits, seed: int) -> Splits:
    """The published rows on another split with parts of the same sizes, drawn from `seed`.

    Raises ParametersError if the rows lack the labels of some nodes, as in a search.
    """
    train = splits.train
    if not isinstance(train, GraphRows) or train.labels is None:
        raise ParametersError(
            "runs: only the reproduction of published figures can draw a new split for each run, because that needs "
            "the labels of the test split. In a search, runs must be 1."
        )
    num_valid = len(train.labels) - len(splits.train) - len(splits.valid)
    per_class = len(train) // CLASSES
    return published_splits(train.graph, train.labels, draw_split(train.labels, seed, per_class, num_valid))


def draw_split(
    labels: Tensor, seed: int, per_class: int = TRAIN_PER_CLASS, num_valid: int = NUM_VALID
) -> Parts:
    """Sorted node numbers: `per_class` of each class to train on, `num_valid` for validation, the rest for test."""
    generator = np.random.Generator(np.random.PCG64(seed))
    classes = labels.numpy()
    train = np.concatenate(
        [generator.permutation(np.flatnonzero(classes == each))[:per_class] for each in np.unique(classes)]
    )
    rest = generator.permutation(np.setdiff1d(np.arange(len(classes)), train))
    parts = (train, rest[:num_valid], rest[num_valid:])
    first, second, third = (torch.from_numpy(np.sort(part)) for part in parts)
    return first, second, third


def is_present(root: Path) -> bool:
    """Whether the files are present. Their content is not checked."""
    return all(_find(name, root) is not None for name in _SHA256)


def _splits(train: GraphRows, valid: GraphRows) -> Splits:
    parts = [train.inputs, train.targets, valid.inputs, valid.targets, train.unseen, valid.unseen]
    return Splits("cora", train, valid, digest_tensors([*parts, *train.graph.tensors()]))


def _find(name: str, root: Path) -> Path | None:
    for folder in (root / "cora", root, root / "Cora" / "raw"):
        if (file := folder / f"ind.cora.{name}").is_file():
            return file
    return None


def _content(name: str, root: Path) -> tuple[bytes, Path]:
    """The bytes of a published file, checked by its digest, and its path."""
    path = _find(name, root)
    if path is None:
        path = root / "cora" / f"ind.cora.{name}"
        download(_SOURCE + path.name, path)
    try:
        content = read_bounded(path, _MOST_BYTES)
    except OSError as error:
        raise DataError(f"{path} can't be read ({error.strerror}).") from error
    check_published(content, _SHA256[name], f"{path} is not Cora's {path.name}", _SOURCE + path.name)
    return content, path


def _read(root: Path) -> tuple[Graph, Tensor]:
    """The graph, and each node's class."""
    files = {name: _content(name, root) for name in _SHA256}
    words, fields, test_words, test_fields = (
        read_matrix(*files[name]) for name in ("allx", "ally", "tx", "ty")
    )
    order = _node_order(*files["test.index"], len(words), len(test_words))
    features = _by_node(words, test_words, order, FEATURES, files["tx"][1])
    labels = _classes(_by_node(fields, test_fields, order, CLASSES, files["ty"][1]), files["ty"][1])
    edges = _edges(*files["graph"], len(features))
    nodes, columns = features.nonzero()
    return Graph(
        _sparse(nodes, columns, features[nodes, columns], features.shape),
        _sparse(edges[0], edges[1], np.ones(edges.shape[1]), (len(features), len(features))),
    ), labels


def _by_node(
    known: NDArray[Any], test: NDArray[Any], order: NDArray[np.int64], num_columns: int, path: Path
) -> NDArray[Any]:
    if any(part.ndim != 2 or part.shape[1] != num_columns for part in (known, test)):
        raise DataError(
            f"{path}: the matrices have shapes {known.shape} and {test.shape}, but must have {num_columns:,} columns."
        )
    if len(known) + len(test) != len(order):
        raise DataError(f"{path}: {len(known)} + {len(test)} rows do not match {len(order)} nodes.")
    return np.concatenate([known, test])[order]


def _node_order(content: bytes, path: Path, num_known: int, num_test: int) -> NDArray[np.int64]:
    """The row of each node. Row i of the test matrices belongs to the node in line i of the index."""
    try:
        nodes = np.array([int(line) for line in content.split()], np.int64)
    except (ValueError, OverflowError) as error:
        raise DataError(f"{path} is not a list of node numbers ({error}).") from error
    if not np.array_equal(np.sort(nodes), np.arange(num_known, num_known + num_test)):
        raise DataError(
            f"{path} must contain each node from {num_known} to {num_known + num_test - 1} exactly once."
        )
    return np.concatenate([np.arange(num_known), num_known + np.argsort(nodes)])


def _classes(one_hot: NDArray[Any], path: Path) -> Tensor:
    known = ((one_hot == 0) | (one_hot == 1)).all(1) & (one_hot.sum(1) == 1)
    if not known.all():
        raise DataError(f"{path}: node {(~known).argmax()} must belong to exactly one of {CLASSES} classes.")
    return torch.from_numpy(one_hot.argmax(1).astype(np.int64))


def _edges(content: bytes, path: Path, num_nodes: int) -> NDArray[np.int64]:
    """The edges, shape (2, edges): each pair of neighbours once in each direction, without loops."""
    pairs = [(node, other) for node, others in read_neighbours(content, path).items() for other in others]
    edges = np.array(pairs, np.int64).reshape(-1, 2)
    if edges.size and (edges.min() < 0 or edges.max() >= num_nodes):
        raise DataError(f"{path}: an edge points to a node outside the range 0 to {num_nodes - 1}.")
    edges = edges[edges[:, 0] != edges[:, 1]]
    return np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0).T


def _sparse(
    rows: NDArray[np.int64], columns: NDArray[np.int64], values: NDArray[Any], shape: tuple[int, ...]
) -> Tensor:
    numbers = torch.from_numpy(values.astype(np.float32))
    return sparse_matrix(torch.from_numpy(rows), torch.from_numpy(columns), numbers, shape)
