"""Weights on disk: whole or not at all, and the ones that were recorded."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from objectives.checkpoints.weights import load_weights, save_weights, weights_digest
from objectives.errors import WeightsError
from tests.objectives_tests.small_data import start


@pytest.fixture
def weights() -> dict[str, torch.Tensor]:
    run = start()
    run.advance()
    return run.model.state_dict()


def test_weights_come_back_bit_for_bit(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "w.pt"
    digest = save_weights(weights, path)
    found = load_weights(path, digest)
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[name], weights[name]) for name in weights)
    assert [file.name for file in path.parent.iterdir()] == ["w.pt"]


def test_saving_replaces_and_leaves_no_other_file(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    path.write_text("older")
    save_weights(weights, path)
    assert [file.name for file in tmp_path.iterdir()] == ["w.pt"]
    assert weights_digest(load_weights(path)) == weights_digest(weights)


def test_who_reads_the_older_file_keeps_it(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    save_weights(weights, path)
    older = path.read_bytes()
    with path.open("rb") as reader:
        save_weights({"weight": torch.zeros(1)}, path)
        assert reader.read() == older


def test_a_failed_write_leaves_the_older_file(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    digest = save_weights(weights, path)
    with pytest.raises(AttributeError):
        save_weights({"weight": "no tensor"}, path)
    assert [file.name for file in tmp_path.iterdir()] == ["w.pt"]
    assert load_weights(path, digest)


def test_a_digest_tells_names_types_shapes_and_values() -> None:
    base = {"a": torch.zeros(2, 3), "b": torch.tensor(1)}
    others = [
        {"a": base["a"], "c": base["b"]},
        {"a": base["a"].double(), "b": base["b"]},
        {"a": base["a"].reshape(3, 2), "b": base["b"]},
        {"a": base["a"] - 0.0, "b": base["b"] + 1},
        {"a": -base["a"], "b": base["b"]},
    ]
    assert len({weights_digest(each) for each in [base, *others]}) == 6
    assert weights_digest({"b": base["b"], "a": torch.zeros(3, 2).T}) == weights_digest(base)


def test_other_weights_than_recorded_are_refused(weights: dict[str, torch.Tensor], tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    digest = save_weights(weights, path)
    save_weights({name: tensor + 1 for name, tensor in weights.items()}, path)
    with pytest.raises(
        WeightsError, match=rf"w\.pt: these are not the recorded weights \(their digest is {digest[:12]}…\)"
    ):
        load_weights(path, digest)


def test_missing_weights_are_told_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(
        WeightsError,
        match=r"w\.pt: no such weights file\. To train the weights again, replay the configuration",
    ):
        load_weights(tmp_path / "w.pt")
    with pytest.raises(WeightsError, match="can't be read"):
        load_weights(tmp_path)


_stored = io.BytesIO()
torch.save({"weight": torch.arange(40.0), "bias": torch.tensor(3)}, _stored)
STORED = _stored.getvalue()


@given(at=st.integers(0, len(STORED) - 1))
@settings(max_examples=30, deadline=None)
def test_a_truncated_file_is_refused_wherever_it_ends(
    tmp_path_factory: pytest.TempPathFactory, at: int
) -> None:
    path = tmp_path_factory.mktemp("cut") / "w.pt"
    path.write_bytes(STORED[:at])
    with pytest.raises(WeightsError, match=r"w\.pt: damaged, or not a file of weights"):
        load_weights(path)


@given(at=st.integers(0, len(STORED) - 1), bits=st.integers(1, 255))
@settings(max_examples=60, deadline=None)
@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
def test_no_damage_passes_for_the_recorded_weights(
    tmp_path_factory: pytest.TempPathFactory, at: int, bits: int
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "w.pt"
    path.write_bytes(STORED[:at] + bytes([STORED[at] ^ bits]) + STORED[at + 1 :])
    recorded = weights_digest({"weight": torch.arange(40.0), "bias": torch.tensor(3)})
    try:
        found = load_weights(path, recorded)
    except WeightsError:
        return
    assert torch.equal(found["weight"], torch.arange(40.0))


@pytest.mark.parametrize("content", [[1, 2], "text", {"lr": 0.1}, torch.zeros(2)])
def test_what_is_no_set_of_weights_is_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(WeightsError, match="damaged, or not a file of weights"):
        load_weights(tmp_path / "w.pt")
