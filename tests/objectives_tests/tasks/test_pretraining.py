"""Pretraining on another data set: once, the same each time, and never unnoticed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from objectives.checkpoints.weights import weights_digest
from objectives.errors import DataError
from objectives.rows.rows import Splits
from objectives.tasks import pretraining
from objectives.tasks.pretraining import PretrainingParameters, pretrained
from tests.objectives_tests.small_data import pictures, splits_of

SMALL = PretrainingParameters(hidden_width=32, batch_size=20)


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretraining, "THREADS", 1)  # two wait for each other where others have work to do


@pytest.fixture
def splits() -> Splits:
    return splits_of(pictures(60, side=8), pictures(20, side=8, seed=1))


def made_in(folder: Path, splits: Splits, monkeypatch: pytest.MonkeyPatch) -> str:
    """The digest of what is trained with an empty cache in `folder`."""
    monkeypatch.setenv("SWEEP_CACHE_DIR", str(folder))
    return weights_digest(pretrained(splits, folder / "data", SMALL)["squeezenet1_1-32"])


def test_weights_are_trained_once_and_said_so(
    splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = made_in(tmp_path, splits, monkeypatch)
    said = capsys.readouterr().err
    (path,) = tmp_path.rglob("*.pth")
    assert (
        f"6 steps, 3 to 6 minutes on two cores. This happens only once; the weights are kept in {path}"
        in said
    )
    assert "pass 2 of 2, validation accuracy" in said
    assert made_in(tmp_path, splits, monkeypatch) == first
    assert capsys.readouterr().err == ""


def test_they_are_the_same_each_time_and_whatever_was_set_before(
    splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made_in(tmp_path / "one", splits, monkeypatch)
    torch.manual_seed(99)
    torch.set_num_threads(2)
    try:
        assert made_in(tmp_path / "other", splits, monkeypatch) == first
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)


def test_other_rows_or_another_recipe_make_another_file(
    splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_in(tmp_path, splits, monkeypatch)
    made_in(tmp_path, splits_of(splits.valid, splits.train), monkeypatch)
    pretrained(splits, tmp_path, PretrainingParameters(hidden_width=32, batch_size=30))
    monkeypatch.setattr(pretraining, "PASSES", 1)
    made_in(tmp_path, splits, monkeypatch)
    assert len(list(tmp_path.rglob("*.pth"))) == 4


def test_a_file_in_the_data_root_goes_before_the_cache(
    splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made_in(tmp_path, splits, monkeypatch)
    (path,) = tmp_path.rglob("*.pth")
    (tmp_path / "root" / "weights").mkdir(parents=True)
    path.rename(tmp_path / "root" / "weights" / path.name)
    assert weights_digest(pretrained(splits, tmp_path / "root", SMALL)["squeezenet1_1-32"]) == first
    assert not path.exists()


def test_a_damaged_file_is_named(splits: Splits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_in(tmp_path, splits, monkeypatch)
    (path,) = tmp_path.rglob("*.pth")
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(DataError, match=f"{path} contains no weights .+ Remove it and launch again"):
        made_in(tmp_path, splits, monkeypatch)
