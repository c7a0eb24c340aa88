"""A graph convolutional network (Kipf and Welling 2017), by default with two convolutions."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor, nn

from objectives.rows.graphs import Graph, SparseFactor


class GraphNetwork(nn.Module):
    """Class scores of nodes, from the features of all nodes and the normalised adjacency.

    Hidden layers, convolutions first, are each followed by batch norm (over all nodes of the graph), ReLU and dropout.
    Without dense layers, the last convolution gives the scores. With dense layers, a further dense layer does.
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        *,
        width: int,
        convolutions: int,
        dense_layers: int,
        dropout: float,
        bn_momentum: float | None,
    ) -> None:
        super().__init__()
        num_hidden = convolutions if dense_layers else convolutions - 1
        widths = [num_features, *[width] * num_hidden]
        self.convolutions = nn.ModuleList(
            GraphConvolution(before, after) for before, after in itertools.pairwise(widths)
        )
        self.between = nn.ModuleList(_after_hidden(width, dropout, bn_momentum) for _ in range(num_hidden))
        self.dense = nn.Sequential(
            *(
                nn.Sequential(nn.Linear(width, width), _after_hidden(width, dropout, bn_momentum))
                for _ in range(dense_layers)
            )
        )
        self.output: nn.Module = (
            nn.Linear(width, num_classes) if dense_layers else GraphConvolution(widths[-1], num_classes)
        )

    def forward(self, nodes: Tensor, graph: Graph) -> Tensor:
        """Class scores, shape (nodes, classes), for node numbers, shape (nodes,). Computes the whole graph."""
        links = graph.adjacency_factor
        hidden: Tensor | SparseFactor = graph.feature_factor
        for convolution, after in zip(self.convolutions, self.between, strict=True):
            hidden = after(convolution(hidden, links))
        if isinstance(self.output, GraphConvolution):
            scores: Tensor = self.output(hidden, links)
        else:
            scores = self.output(self.dense(hidden))
        return scores[nodes]


class GraphConvolution(nn.Module):
    """A X W + b: each node receives the weighted features of its neighbours and its own."""

    def __init__(self, num_inputs: int, num_outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.init.xavier_uniform_(torch.empty(num_inputs, num_outputs)))
        self.bias = nn.Parameter(torch.zeros(num_outputs))

    def forward(self, features: Tensor | SparseFactor, adjacency: Tensor | SparseFactor) -> Tensor:
        """New features, shape (nodes, outputs), from features of shape (nodes, inputs), dense or sparse."""
        return adjacency @ (features @ self.weight) + self.bias


def _after_hidden(width: int, dropout: float, bn_momentum: float | None) -> nn.Sequential:
    layers: list[nn.Module] = []
    if bn_momentum is not None:
        layers.append(nn.BatchNorm1d(width, momentum=bn_momentum))
    layers.append(nn.ReLU())
    if dropout > 0:
        layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers)
