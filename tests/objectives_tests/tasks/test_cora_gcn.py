"""A graph network: what it sees of the graph, and runs on splits drawn anew, with and without the leak."""

from __future__ import annotations

import dataclasses
import io
from typing import Any

import pytest
import torch

from objectives.checkpoints.weights import weights_digest
from objectives.errors import ParametersError
from objectives.registry import get_task
from objectives.rows.graphs import Graph, GraphRows
from objectives.rows.rows import Splits
from objectives.training.loop import start_run, train
from objectives.training.repeated_run import RepeatedRun
from tests.objectives_tests.small_data import figures, parameters_of, small_splits, start

TASK = get_task("cora_gcn")
SMALL = small_splits(TASK)


def repeated(*, runs: int = 3, length: int = 2, splits: Splits = SMALL, **values: Any) -> RepeatedRun:
    parameters = parameters_of(TASK, runs=runs, **values)
    run = start_run(TASK, parameters, splits, rounds=runs * length, seed=3, device=torch.device("cpu"))
    assert isinstance(run, RepeatedRun)
    return run


def outputs(graph_setting: str, rows: GraphRows) -> torch.Tensor:
    run = start(TASK, graph_setting=graph_setting)
    run.model.eval()
    with torch.no_grad():
        return TASK.forward(run.model, TASK.prepare(rows, run.parameters))


@pytest.mark.parametrize("graph_setting", ["transductive", "inductive"])
def test_unseen_nodes_count_in_the_transductive_setting_only(graph_setting: str) -> None:
    rows = SMALL.train
    assert isinstance(rows, GraphRows)
    features = rows.graph.features.to_dense()
    features[rows.unseen] = 9.0
    changed = dataclasses.replace(rows.graph, features=features.to_sparse_csr())
    before, after = (
        outputs(graph_setting, each) for each in (rows, dataclasses.replace(rows, graph=changed))
    )
    assert torch.equal(before, after) == (graph_setting == "inductive")


def test_test_nodes_are_in_the_graph_when_they_are_tested() -> None:
    prepared = TASK.prepare(SMALL.valid, parameters_of(TASK, graph_setting="inductive"))
    assert isinstance(prepared, GraphRows)
    assert len(prepared.graph) == 84
    prepared = TASK.prepare(SMALL.train, parameters_of(TASK, graph_setting="inductive"))
    assert isinstance(prepared, GraphRows)
    assert len(prepared.graph) == 84 - len(SMALL.valid)


def test_layers_stand_where_they_are_asked_for() -> None:
    convolutions = start(TASK, graph_convolutions=3, batch_norm=True, dropout=0.5).model
    assert [len(convolutions.convolutions), len(convolutions.dense)] == [2, 0]
    assert [type(layer).__name__ for layer in convolutions.between[0]] == ["BatchNorm1d", "ReLU", "Dropout"]
    dense = start(TASK, dense_layers=1, batch_norm=False, dropout=0.0).model
    assert [len(dense.convolutions), len(dense.dense)] == [2, 1]
    assert [type(layer).__name__ for layer in dense.between[0]] == ["ReLU"]


@pytest.mark.parametrize("reinitialise", [True, False])
@pytest.mark.parametrize("cut", [0, 1, 2, 3, 4])
def test_repeated_runs_continued_from_their_state_are_the_uninterrupted_ones(
    cut: int, reinitialise: bool
) -> None:
    whole = repeated(reinitialise=reinitialise)
    expected = figures(list(train(whole)))
    first = repeated(reinitialise=reinitialise)
    begun = [first.advance() for _ in range(cut)]
    stored = io.BytesIO()
    torch.save(first.state_dict(), stored)
    second = repeated(reinitialise=reinitialise)
    second.load_state_dict(torch.load(io.BytesIO(stored.getvalue()), weights_only=True))
    assert figures(begun + list(train(second))) == expected
    assert weights_digest(second.model.state_dict()) == weights_digest(whole.model.state_dict())


def test_rounds_are_counted_through() -> None:
    assert [latest.index for latest in train(repeated(runs=3, length=2))] == [1, 2, 3, 4, 5, 6]


def test_each_run_has_a_split_of_its_own_with_no_node_in_two_parts() -> None:
    run, seen = repeated(runs=3, length=1), set()
    for _ in range(3):
        run.advance()
        trained, tested = (set(rows.inputs.tolist()) for rows in (run._run.train_rows, run._run.valid_rows))
        assert (len(trained), len(tested), trained & tested) == (42, 25, set())
        seen.add(frozenset(tested))
    assert len(seen) == 3


@pytest.mark.parametrize("reinitialise", [True, False])
def test_the_model_is_kept_or_not(reinitialise: bool) -> None:
    run = repeated(reinitialise=reinitialise, learning_rate=0.0)
    digests = [weights_digest(run.model.state_dict()) for _ in train(run)]
    assert digests[0] == digests[1]  # within a run nothing changes at this rate
    assert (digests[1] == digests[2]) == (not reinitialise)


def test_keeping_the_model_leaks_labels_where_there_is_nothing_else_to_learn() -> None:
    alone = torch.zeros(84, 84).to_sparse_csr()
    of_test = {}
    for reinitialise in (True, False):
        run = repeated(
            runs=5, length=20, splits=with_labels_by_lot(alone), reinitialise=reinitialise, learning_rate=0.03
        )
        of_test[reinitialise] = [latest.valid_score for latest in train(run)][19::20]
    assert sum(of_test[True]) / 5 < 0.25
    assert of_test[False][-1] > 0.5


def with_labels_by_lot(adjacency: torch.Tensor) -> Splits:
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(7, (84,), generator=generator)
    parts = [
        dataclasses.replace(
            rows, labels=labels, targets=labels[rows.inputs], graph=Graph(rows.graph.features, adjacency)
        )
        for rows in (SMALL.train, SMALL.valid)
    ]
    return Splits("by lot", *parts, "")


def test_a_search_can_not_draw_splits_anew() -> None:
    closed = Splits(
        "cora", *(dataclasses.replace(each, labels=None) for each in (SMALL.train, SMALL.valid)), ""
    )
    with pytest.raises(
        ParametersError,
        match="runs: only the reproduction of published figures can draw a new split for each run",
    ):
        repeated(splits=closed)


def test_runs_must_be_of_equal_length() -> None:
    parameters = parameters_of(TASK, runs=3)
    with pytest.raises(
        ParametersError, match="runs: 200 rounds can't be divided into 3 runs of equal length"
    ):
        start_run(TASK, parameters, SMALL, rounds=200, seed=3, device=torch.device("cpu"))


@pytest.mark.real_data
def test_a_search_on_the_real_set_is_refused_several_runs(data_root: Any) -> None:
    splits = TASK.load("cora", data_root)
    with pytest.raises(ParametersError, match="In a search, runs must be 1"):
        start_run(TASK, TASK.Parameters(runs=10), splits, rounds=2000, seed=0, device=torch.device("cpu"))
