"""A folder of results is one study's: no other writes there, whatever its name and wherever it is stored."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sweeps.best_config.document import read_config
from sweeps.driver import folder_owner
from sweeps.errors import UsageError
from sweeps.study.stored_study import load
from tests.conftest import ToyLauncher
from tests.sweeps_tests.conftest import Sweep


def test_a_study_of_that_name_in_another_database_has_a_folder_of_its_own(
    launch_toy: ToyLauncher, tmp_path: Path, home: Path
) -> None:
    here = launch_toy(num_trials=1, study="s").study
    urls = [f"sqlite:///{tmp_path / each / 'studies.db'}" for each in ("a", "b")]
    others = [launch_toy("at_round=3", num_trials=1, study="s", storage=url).study for url in urls]
    assert here.out == home / "studies" / "s"
    assert len({here.out, *(each.out for each in others)}) == 3
    assert [load("s", url).best_path.exists() for url in urls] == [True, True]
    assert read_config(here.best_path).parameters["at_round"] == 4


def test_of_two_studies_launched_at_once_into_one_folder_the_second_is_refused(
    launch_toy: ToyLauncher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = str(tmp_path / "out")
    check, begun = folder_owner.check_owner, []

    def check_while_another_begins(*arguments: object) -> None:
        check(*arguments)  # type: ignore[arg-type]
        if not begun:
            begun.append("first")
            launch_toy(num_trials=1, study="first", out=out)

    monkeypatch.setattr("sweeps.sweep.check_owner", check_while_another_begins)
    with pytest.raises(UsageError, match="holds the results of study 'first'"):
        launch_toy("at_round=3", num_trials=1, study="second", out=out)
    assert read_config(tmp_path / "out" / "best.yaml").study == "first"
    assert load("second").all_trials() == []


def test_the_same_study_of_another_database_is_refused_there(launch_toy: ToyLauncher, tmp_path: Path) -> None:
    out, url = str(tmp_path / "out"), f"sqlite:///{tmp_path / 'other.db'}"
    launch_toy(num_trials=1, study="s", out=out)
    with pytest.raises(UsageError, match=r"which would be overwritten\. Choose another folder with --out"):
        launch_toy(num_trials=1, study="s", out=out, storage=url)


def test_it_goes_on_there_itself(launch_toy: ToyLauncher, tmp_path: Path) -> None:
    out = str(tmp_path / "out")
    launch_toy(num_trials=1, study="s", out=out)
    assert len(launch_toy(num_trials=2, study="s", out=out).study.table()) == 2


def test_the_folder_of_a_study_that_is_gone_is_free(
    launch_toy: ToyLauncher, sweep: Sweep, tmp_path: Path
) -> None:
    out, url = str(tmp_path / "out"), f"sqlite:///{tmp_path / 'gone.db'}"
    launch_toy(num_trials=1, study="s", out=out, storage=url)
    (tmp_path / "gone.db").unlink()
    launch_toy(num_trials=1, study="s", out=out)
    sweep("delete", "s", "--yes")
    assert not (tmp_path / "out").exists()


def test_a_note_that_was_damaged_is_nobody_s(launch_toy: ToyLauncher, tmp_path: Path) -> None:
    out = tmp_path / "out"
    launch_toy(num_trials=1, study="s", out=str(out))
    for content in ("", "[]", json.dumps({"id": 1}), "\0"):
        (out / ".study.json").write_text(content)
        launch_toy(num_trials=2, study="s", out=str(out))


def test_delete_takes_confirmations_and_audits_along(
    launch_toy: ToyLauncher, sweep: Sweep, home: Path
) -> None:
    launch_toy("behaviour=overfits", num_trials=3, study="s")
    launch_toy("at_round=3", num_trials=1, study="s-confirm-mine")
    sweep("confirm", "s", "--top", "1", "--seeds", "1", "--sealed", "--runner", "inline")
    sweep("audit", "s", "--runner", "inline")
    assert len(list((home / "studies").iterdir())) == 4
    said = sweep("delete", "s", "--yes").err
    assert "s-confirm-" in said
    assert "s-audit-" in said
    assert [path.name for path in (home / "studies").iterdir()] == ["s-confirm-mine"]
    assert '"s"' not in sweep("studies", "-f", "json").out


def test_a_best_yaml_that_was_cut_short_is_told_as_that(launch_toy: ToyLauncher, tmp_path: Path) -> None:
    study = launch_toy(num_trials=1, study="first", out=str(tmp_path / "out")).study
    (study.out / ".study.json").unlink()
    study.best_path.write_bytes(study.best_path.read_bytes()[:300])
    with pytest.raises(
        UsageError, match=r"best\.yaml would be overwritten, and it can't be read.* may have been truncated"
    ):
        launch_toy(num_trials=1, study="second", out=str(tmp_path / "out"))
