"""Rows that are nodes of a graph. Every batch of rows contains the whole graph."""

from __future__ import annotations

import dataclasses
import functools
import warnings
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from objectives.rows.rows import Rows


@dataclass(frozen=True)
class Graph:
    """Nodes with features, and the edges between them.

    features: float32, (nodes, features), sparse CSR. adjacency: float32, (nodes, nodes), sparse CSR; it is symmetric.
    """

    features: Tensor
    adjacency: Tensor

    def __len__(self) -> int:
        return self.adjacency.shape[0]

    def to(self, device: torch.device) -> Graph:
        """The same graph on `device`."""
        return Graph(self.features.to(device), self.adjacency.to(device))

    @functools.cached_property
    def feature_factor(self) -> SparseFactor | Tensor:
        """The features for products: sparse on a CPU, dense on CUDA (see `SparseFactor`)."""
        if self.features.is_cuda:
            return _dense(self.features)
        rows, columns, values = _coordinates(self.features)
        nodes, features = self.features.shape
        return SparseFactor(self.features, sparse_matrix(columns, rows, values, (features, nodes)))

    @functools.cached_property
    def adjacency_factor(self) -> SparseFactor | Tensor:
        """The symmetric adjacency for products: sparse or dense, like the features."""
        return (
            _dense(self.adjacency) if self.adjacency.is_cuda else SparseFactor(self.adjacency, self.adjacency)
        )

    def tensors(self) -> list[Tensor]:
        """The whole graph as dense tensors, for its digest."""
        return [
            part
            for matrix in (self.features, self.adjacency)
            for part in (matrix.crow_indices(), matrix.col_indices(), matrix.values())
        ]

    def only(self, kept: Tensor) -> Graph:
        """The graph of the nodes `kept` (sorted), with new numbers in that order and without edges to other nodes."""
        number = torch.full((len(self),), -1)
        number[kept] = torch.arange(len(kept))
        rows, columns, values = _coordinates(self.adjacency)
        inside = (number[rows] >= 0) & (number[columns] >= 0)
        adjacency = sparse_matrix(
            number[rows[inside]], number[columns[inside]], values[inside], (len(kept), len(kept))
        )
        rows, columns, values = _coordinates(self.features)
        inside = number[rows] >= 0
        features = sparse_matrix(
            number[rows[inside]], columns[inside], values[inside], (len(kept), self.features.shape[1])
        )
        return Graph(features, adjacency)

    def normalised(self) -> Graph:
        """The graph with D^-1/2 (A + I) D^-1/2 for A; D has the degrees of A + I (Kipf and Welling 2017, eq. 2)."""
        rows, columns, values = _coordinates(self.adjacency)
        every = torch.arange(len(self))
        rows, columns = torch.cat([rows, every]), torch.cat([columns, every])
        values = torch.cat([values, torch.ones(len(self))]).double()
        degrees = torch.zeros(len(self), dtype=torch.float64).index_add(0, rows, values)
        values = (values / (degrees[rows] * degrees[columns]).sqrt()).float()
        return dataclasses.replace(self, adjacency=sparse_matrix(rows, columns, values, self.adjacency.shape))

    def with_features_of_sum_one(self) -> Graph:
        """The graph with each node's features divided by their sum. A node without features is not changed."""
        rows, columns, values = _coordinates(self.features)
        sums = torch.zeros(len(self)).index_add(0, rows, values)
        features = sparse_matrix(rows, columns, values / sums[rows], self.features.shape)
        return dataclasses.replace(self, features=features)


@dataclass(frozen=True)
class GraphRows(Rows):
    """Some nodes of a graph: `inputs` are their numbers, int64, `targets` their labels.

    graph: all nodes, including those that are not rows. unseen: sorted numbers of nodes that `without_unseen`
    removes from the graph. labels: the labels of all nodes; None in a search.
    """

    graph: Graph
    unseen: Tensor
    labels: Tensor | None = None

    def __getitem__(self, index: Tensor | slice) -> GraphRows:
        return dataclasses.replace(self, inputs=self.inputs[index], targets=self.targets[index])

    def to(self, device: torch.device) -> GraphRows:
        """The same rows, with their graph, on `device`."""
        return GraphRows(
            self.inputs.to(device),
            self.targets.to(device),
            self.graph.to(device),
            self.unseen.to(device),
            None if self.labels is None else self.labels.to(device),
        )

    def without_unseen(self) -> GraphRows:
        """The same rows in a graph without the unseen nodes and their edges. Nodes get new numbers."""
        seen = torch.ones(len(self.graph), dtype=torch.bool)
        seen[self.unseen] = False
        return GraphRows(
            (seen.cumsum(0) - 1)[self.inputs],
            self.targets,
            self.graph.only(seen.nonzero()[:, 0]),
            self.unseen[:0],
            None if self.labels is None else self.labels[seen],
        )


@dataclass(frozen=True)
class SparseFactor:
    """A constant matrix M for products M @ X with dense X. Only X gets a gradient.

    On the CPU, M and its transpose are stored as CSR, because the gradient of X is transpose @ G, where G is the
    gradient of the product. With M alone, autograd needs several times as long. On CUDA, M is dense, because cuSPARSE
    sums CSR products in no fixed order.
    """

    matrix: Tensor
    transpose: Tensor

    def __matmul__(self, dense: Tensor) -> Tensor:
        product: Tensor = _Product.apply(self, dense)  # type: ignore[no-untyped-call]
        return product


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, factor: SparseFactor, dense: Tensor) -> Tensor:
        context.transpose = factor.transpose
        return factor.matrix @ dense

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[None, Tensor]:
        return None, context.transpose @ gradients[0]


def sparse_matrix(rows: Tensor, columns: Tensor, values: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A CSR matrix from coordinates, each given once, in any order."""
    with warnings.catch_warnings():
        for message in (
            "Sparse CSR tensor support is in beta",
            "Sparse invariant checks are implicitly disabled",
        ):
            warnings.filterwarnings("ignore", message)
        entries = torch.sparse_coo_tensor(torch.stack([rows, columns]), values, shape, check_invariants=True)
        return entries.coalesce().to_sparse_csr()


def _dense(matrix: Tensor) -> Tensor:
    """The dense form of a CSR matrix, on the same device. It is filled on the CPU, because CUDA has no fixed order.

    An adjacency needs 4 bytes times the square of the number of nodes: 29 MB for Cora.
    """
    return matrix.cpu().to_dense().to(matrix.device)


def _coordinates(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Rows, columns and values of a CSR matrix."""
    starts = matrix.crow_indices()
    rows = torch.arange(len(starts) - 1, device=matrix.device).repeat_interleave(starts.diff())
    return rows, matrix.col_indices(), matrix.values()
