"""Graphs as sparse matrices: what the papers' formulas say, and nodes that are taken away."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from objectives.rows.graphs import Graph, GraphRows, sparse_matrix


def sparse(dense: Tensor) -> Tensor:
    rows, columns = dense.nonzero().T
    return sparse_matrix(rows, columns, dense[rows, columns], dense.shape)


def random_graph(num: int, seed: int) -> Graph:
    generator = torch.Generator().manual_seed(seed)
    upper = (torch.rand(num, num, generator=generator) < 0.4).triu(1)
    features = torch.rand(num, 5, generator=generator).round()
    return Graph(sparse(features), sparse((upper | upper.T).float()))


graphs = st.builds(random_graph, num=st.integers(2, 12), seed=st.integers(0, 10_000))


@given(graph=graphs)
@settings(max_examples=40, deadline=None)
def test_the_normalised_adjacency_is_that_of_the_paper(graph: Graph) -> None:
    with_itself = graph.adjacency.to_dense() + torch.eye(len(graph))
    root = with_itself.sum(dim=1).rsqrt()
    torch.testing.assert_close(graph.normalised().adjacency.to_dense(), root[:, None] * with_itself * root)


@given(graph=graphs, data=st.data())
@settings(max_examples=40, deadline=None)
def test_nodes_taken_away_leave_no_trace(graph: Graph, data: st.DataObject) -> None:
    kept = torch.tensor(sorted(data.draw(st.sets(st.integers(0, len(graph) - 1), min_size=1))))
    part = graph.only(kept)
    assert torch.equal(part.adjacency.to_dense(), graph.adjacency.to_dense()[kept][:, kept])
    assert torch.equal(part.features.to_dense(), graph.features.to_dense()[kept])


def test_a_nodes_features_sum_to_one_unless_it_has_none() -> None:
    graph = Graph(sparse(torch.tensor([[1.0, 1.0, 0], [0, 0, 0], [0, 4, 0]])), sparse(torch.zeros(3, 3)))
    scaled = graph.with_features_of_sum_one().features.to_dense()
    assert scaled.tolist() == [[0.5, 0.5, 0], [0, 0, 0], [0, 1, 0]]


def test_rows_without_the_unseen_are_the_same_nodes_under_new_numbers() -> None:
    graph = Graph(sparse(torch.eye(6)), sparse(torch.ones(6, 6)))
    rows = GraphRows(torch.tensor([5, 0, 3]), torch.tensor([50, 0, 30]), graph, unseen=torch.tensor([1, 4]))
    seen = rows.without_unseen()
    assert seen.inputs.tolist() == [3, 0, 2]
    assert torch.equal(seen.graph.features.to_dense()[seen.inputs], torch.eye(6)[rows.inputs])
    assert torch.equal(seen.targets, rows.targets)
    assert len(seen.unseen) == 0


@pytest.mark.parametrize("index", [slice(1, 3), torch.tensor([2, 0])])
def test_some_of_the_rows_keep_the_whole_graph(index: slice | Tensor) -> None:
    graph = random_graph(4, seed=1)
    rows = GraphRows(torch.arange(4), torch.arange(4) * 10, graph, torch.tensor([3]), labels=torch.arange(4))
    some = rows[index].to(torch.device("cpu"))
    assert torch.equal(some.targets, some.inputs * 10)
    assert len(some) == 2
    assert len(some.graph) == 4
    assert torch.equal(some.labels, rows.labels)


@given(graph=graphs)
@settings(max_examples=40, deadline=None)
def test_products_and_their_gradients_are_those_of_dense_matrices(graph: Graph) -> None:
    graph = graph.normalised()
    for matrix, factor in (
        (graph.features.to_dense(), graph.feature_factor),
        (graph.adjacency.to_dense(), graph.adjacency_factor),
    ):
        dense = torch.rand(matrix.shape[1], 4, generator=torch.Generator().manual_seed(1)).requires_grad_()
        weights = torch.arange(4 * len(matrix)).reshape(-1, 4).float()
        product = factor @ dense
        torch.testing.assert_close(product, matrix @ dense)
        (gradient,) = torch.autograd.grad((product * weights).sum(), dense)
        torch.testing.assert_close(gradient, matrix.T @ weights)
