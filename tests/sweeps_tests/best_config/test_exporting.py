"""`sweep export` and `sweep replay` as they are used."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps.study.stored_study import load
from tests.sweeps_tests.conftest import Sweep, read_yaml


def test_export_writes_the_best_few_with_their_weights(launch: Sweep, sweep: Sweep, tmp_path: Path) -> None:
    from objectives import load_model

    launch("-n", "4", "--study", "s")
    file, weights = tmp_path / "few" / "best.yaml", tmp_path / "few" / "best.pt"
    written = sweep("export", "s", "--top", "2", "-o", str(file), "--weights", str(weights)).out.split()
    assert written == [str(file), str(tmp_path / "few" / "best-2.yaml")]
    assert sorted(path.name for path in weights.parent.iterdir()) == [
        "best-2.pt",
        "best-2.yaml",
        "best.pt",
        "best.yaml",
    ]
    for path, trial in zip(written, load("s").ranking(2), strict=True):
        assert read_yaml(Path(path))["trial"] == trial.number
        assert load_model(path).model.state_dict()["bias"].item() == trial.attributes["best_round"]


def test_an_export_whose_weights_are_gone_writes_nothing(launch: Sweep, sweep: Sweep, tmp_path: Path) -> None:
    launch("-n", "3", "--study", "s", "--keep-weights", "top:2")
    words = (
        "export",
        "s",
        "--top",
        "3",
        "-o",
        str(tmp_path / "few" / "b.yaml"),
        "--weights",
        str(tmp_path / "few" / "b.pt"),
    )
    said = sweep(*words, code=2)
    assert f"The weights of trial {load('s').ranking()[2].number} were not kept." in said.err
    assert "launch with --keep-weights all" in said.err
    assert not (tmp_path / "few").exists()


def test_export_writes_here_by_default(
    launch: Sweep, sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch("-n", "1", "--study", "s")
    monkeypatch.chdir(tmp_path)
    assert sweep("export", "s").out == "best.yaml\n"
    assert read_yaml(tmp_path / "best.yaml")["parameters"]["quality"] == 0.5


def test_replay_of_an_unchanged_file_needs_no_database(
    launch: Sweep, sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch("-n", "1", "--study", "s")
    sweep("export", "s", "-o", tmp_path / "best.yaml")
    monkeypatch.setenv("SWEEP_HOME", str(tmp_path / "elsewhere"))
    monkeypatch.chdir("/")
    said = sweep(
        "replay", tmp_path / "best.yaml", "--trust"
    )  # for the toy is code that this home has not seen
    assert said.err.splitlines()[-1].startswith("All 10 rounds are equal; accuracy 0.508")
    assert not (tmp_path / "elsewhere").exists()


def test_replay_of_a_changed_file_names_the_round_and_by_how_much(
    launch: Sweep, sweep: Sweep, tmp_path: Path
) -> None:
    launch("-n", "1", "--study", "s")
    path = tmp_path / "best.yaml"
    path.write_text(load("s").best_path.read_text().replace("quality: 0.5", "quality: 0.6"))
    said = sweep("replay", path, code=1)
    assert (
        f"{path} does not replay: the first difference is in round 1, where train_score differs by 0.0632"
        in said.err
    )
