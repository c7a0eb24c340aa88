"""Cora on disk: pickles that can't run anything, checked by their digests; the test labels sealed."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.sparse import csr_matrix

from objectives.datasets import cora
from objectives.errors import DataError, MissingDataError
from objectives.registry import get_task
from tests.objectives_tests.datasets.planetoid_files import NODES, as_python2, small_set, write_set

Declare = Callable[..., Path]


@pytest.fixture
def declare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refusing_url: str) -> Declare:
    """Writes the small set, with some parts changed, and declares that to be Cora; gives the data root."""
    monkeypatch.setattr(cora, "_SOURCE", f"{refusing_url}/")

    def write(changed: dict[str, Any] | None = None, *, folder: str = "cora") -> Path:
        digests = write_set(tmp_path / folder, {**small_set(), **(changed or {})})
        monkeypatch.setattr(cora, "_SHA256", digests)
        return tmp_path

    return write


def test_words_and_classes_are_their_nodes_though_test_rows_are_out_of_order(declare: Declare) -> None:
    graph, labels = cora._read(declare())
    assert torch.equal(graph.features.to_dense(), torch.eye(NODES, 1433))
    assert torch.equal(labels, torch.arange(NODES) % 7)


def test_an_edge_goes_both_ways_once_and_never_to_its_own_node(declare: Declare) -> None:
    graph, _ = cora._read(declare())
    chain = torch.diag(torch.ones(NODES - 1), 1)
    assert torch.equal(graph.adjacency.to_dense(), chain + chain.T)


def test_twenty_nodes_a_class_are_for_training_and_no_node_is_in_two_parts(declare: Declare) -> None:
    root = declare()
    splits, test = cora.load_cora(root), cora.load_cora_test(root)
    assert torch.bincount(splits.train.targets).tolist() == [20] * 7
    parts = [splits.train.inputs, splits.valid.inputs, test.inputs]
    assert [len(part) for part in parts] == [140, 500, 60]
    assert torch.equal(torch.cat(parts).sort().values, torch.arange(NODES))
    for rows in (splits.train, splits.valid, test):
        assert torch.equal(rows.targets, rows.inputs % 7)


def test_a_search_knows_which_nodes_are_test_but_not_their_labels(declare: Declare) -> None:
    root = declare()
    splits, test = cora.load_cora(root), cora.load_cora_test(root)
    for rows in (splits.train, splits.valid):
        assert torch.equal(rows.unseen, test.inputs)
        assert rows.labels is None
    assert len(test.unseen) == 0


def test_folds_cut_the_open_nodes_and_leave_the_test_nodes_unseen(declare: Declare) -> None:
    root = declare()
    splits, test = cora.load_cora(root), cora.load_cora_test(root)
    folds = [get_task("cora_gcn").fold(splits, fold, 5) for fold in range(5)]
    nodes = torch.cat([splits.train.inputs, splits.valid.inputs]).sort().values
    assert torch.equal(torch.cat([fold.valid.inputs for fold in folds]).sort().values, nodes)
    for fold in folds:
        assert torch.equal(torch.cat([fold.train.inputs, fold.valid.inputs]).sort().values, nodes)
        for rows in (fold.train, fold.valid):
            assert torch.equal(rows.unseen, test.inputs)
            assert torch.equal(rows.targets, rows.inputs % 7)


def test_where_figures_were_published_test_nodes_stand_for_validation(declare: Declare) -> None:
    root = declare()
    published, test = cora.load_cora_published(root), cora.load_cora_test(root)
    assert torch.equal(published.valid.inputs, test.inputs)
    assert torch.equal(published.train.unseen, test.inputs)
    assert torch.equal(published.train.labels, torch.arange(NODES) % 7)


@pytest.mark.parametrize("place", ["cora", ".", "Cora/raw"])
def test_files_are_found_where_people_put_them(declare: Declare, place: str) -> None:
    root = declare(folder=place)
    assert cora.is_present(root)
    assert len(cora.load_cora(root).train) == 140


def test_the_digest_covers_words_edges_and_which_nodes_are_test(
    declare: Declare, monkeypatch: pytest.MonkeyPatch
) -> None:
    edges, words = small_set()["graph"], small_set()["allx"].tolil()
    edges[5].append(9)
    words[3, 1000] = 1
    contents: list[dict[str, Any]] = [{}, {"graph": edges}, {"allx": csr_matrix(words)}]
    digests = {cora.load_cora(declare(changed)).digest for changed in contents}
    monkeypatch.setattr(cora, "SPLIT_SEED", 1)
    digests.add(cora.load_cora(declare()).digest)
    assert len(digests) == 4


class Nasty:
    """Makes a file when it is unpickled."""

    def __init__(self, function: Any, *values: Any) -> None:
        self.call = function, values

    def __reduce__(self) -> Any:
        return self.call


@pytest.mark.parametrize("name", ["allx", "ally", "tx", "ty", "graph"])
def test_what_a_pickle_asks_to_be_run_is_not_run(declare: Declare, tmp_path: Path, name: str) -> None:
    marker = tmp_path / "ran"
    for call in (
        Nasty(os.mkdir, str(marker)),
        Nasty(eval, f"open({str(marker)!r}, 'w')"),
        Nasty(np.load, str(marker)),
    ):
        root = declare({name: as_python2([call])})
        with pytest.raises(
            DataError, match=rf"ind\.cora\.{name} is not a pickle of plain numbers \(it asks for "
        ):
            cora.load_cora(root)
        assert not marker.exists()


@pytest.mark.parametrize("content", [b"", b"\x80\x02", as_python2(np.eye(7))[:-40], b"<html>sign in</html>"])
def test_a_broken_pickle_is_told_even_if_its_digest_is_right(declare: Declare, content: bytes) -> None:
    with pytest.raises(DataError, match=r"ind\.cora\.ally is not a pickle of plain numbers"):
        cora.load_cora(declare({"ally": content}))


def _fields(change: Callable[[np.ndarray], None]) -> np.ndarray:
    fields = small_set()["ally"].copy()
    change(fields)
    return fields


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"ally": _fields(lambda fields: fields.__setitem__((17, slice(None)), 0))},
            "node 17 must belong to exactly one",
        ),
        (
            {"ally": _fields(lambda fields: fields.__setitem__((17, slice(None)), 1))},
            "node 17 must belong to exactly one",
        ),
        (
            {"ally": _fields(lambda fields: fields.__setitem__((17, 3), 5))},
            "node 17 must belong to exactly one of 7 classes",
        ),
        (
            {"ally": np.eye(8, dtype=np.int32)[np.arange(640) % 8]},
            r"\(640, 8\) and \(60, 7\), but must have 7 columns",
        ),
        ({"ally": small_set()["ally"][1:]}, "639 \\+ 60 rows do not match 700 nodes"),
        ({"tx": csr_matrix(np.eye(60, 1432))}, "but must have 1,433 columns"),
        ({"test.index": np.arange(640, 699)}, "must contain each node from 640 to 699 exactly once"),
        ({"test.index": [640, *range(640, 699)]}, "must contain each node from 640 to 699 exactly once"),
        ({"test.index": b"640\nsix\n"}, "is not a list of node numbers"),
        ({"graph": {0: [1], 4: [700]}}, "an edge points to a node outside the range 0 to 699"),
        ({"graph": {0: [-1]}}, "an edge points to a node outside the range 0 to 699"),
        ({"graph": {0: 1}}, "contains no graph"),
        ({"graph": np.eye(3)}, "contains no graph"),
        ({"tx": {0: [1]}}, "contains no matrix"),
        ({"ally": np.array([b"one", b"two"])}, "numbers of type S3"),
    ],
)
def test_what_is_no_cora_is_told(declare: Declare, changed: dict[str, Any], why: str) -> None:
    with pytest.raises(DataError, match=why):
        cora.load_cora(declare(changed))


@pytest.mark.parametrize("damage", [lambda content: content[:-1], lambda content: content + b"."])
def test_a_changed_file_is_refused_before_it_is_unpickled(
    declare: Declare, monkeypatch: pytest.MonkeyPatch, damage: Callable[[bytes], bytes]
) -> None:
    path = declare() / "cora" / "ind.cora.graph"
    path.write_bytes(damage(path.read_bytes()))
    monkeypatch.setattr(pickle, "Unpickler", None)
    with pytest.raises(DataError, match=r"ind\.cora\.graph is not Cora's .+ damaged or cut short.+yourself"):
        cora.load_cora(path.parents[1])


def test_a_missing_file_without_a_network_is_told_with_its_place(declare: Declare) -> None:
    path = declare() / "cora" / "ind.cora.tx"
    path.unlink()
    left = sorted(path.parent.iterdir())
    assert not cora.is_present(path.parents[1])
    with pytest.raises(MissingDataError, match=f"put it at {path}"):
        cora.load_cora(path.parents[1])
    assert sorted(path.parent.iterdir()) == left


@pytest.mark.real_data
def test_the_real_set_has_the_published_size(data_root: Path) -> None:
    graph, labels = cora._read(data_root)
    assert graph.features.shape == (2708, 1433)
    assert graph.adjacency.values().sum() == 10_556
    assert torch.bincount(labels).tolist() == [351, 217, 418, 818, 426, 298, 180]
    ends = torch.arange(2708).repeat_interleave(graph.adjacency.crow_indices().diff())
    alike = labels[ends] == labels[graph.adjacency.col_indices()]
    assert alike.double().mean() == pytest.approx(
        0.81, abs=0.001
    )  # known; test rows out of order would mix it up
    splits = cora.load_cora(data_root)
    assert (len(splits.train), len(splits.valid), len(splits.train.unseen)) == (140, 500, 2068)
    assert splits.digest == "903f2a161c165b88408ab045cbafb5ee56ad724b35bcdd771e846ebab9dd2ddb"
