"""One specification, one table: bit for bit, whoever trains it and wherever it is kept."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

import pytest

from sweeps import RunSettings, StudySettings
from sweeps.study.stored_study import Study
from sweeps.sweep import launch
from tests.postgres import Server
from tests.sweeps_tests.driver.tables import figures

NUM_TRIALS = 14  # the last four of them chosen by TPE
SETTINGS = StudySettings(
    "mnist_mlp",
    data="mnist-5k",
    stop_rule="study",  # every trial is judged by those before it, too
    train_rows=500,
    valid_rows=250,
    rounds=20,
    overrides=("hidden_width=32..96", "learning_rate=3e-3..3e-2", "dropout=0", "schedule=constant"),
)
PAUSING = dataclasses.replace(SETTINGS, stop_rule="onset", schedule="thaw")
INLINE: dict[str, Any] = {"runner": "inline"}


def ray(workers: int, *marks: pytest.MarkDecorator) -> Any:
    return pytest.param({"runner": "ray", "workers": workers}, marks=[pytest.mark.ray, *marks])


def named(how: dict[str, Any]) -> str:
    return f"{how['runner']}-{how.get('workers', 1)}"


SOAK = pytest.mark.soak  # every pair; `make test` has each number of workers and each database once


def study(
    name: str, how: dict[str, Any], storage: str | None = None, settings: StudySettings = SETTINGS
) -> Study:
    return launch(settings, RunSettings(num_trials=NUM_TRIALS, **how), study=name, storage=storage).study


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The figures of the study in this process, on SQLite."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_HOME", str(tmp_path_factory.mktemp("expected")))
        return figures(study("expected", INLINE))


def test_the_study_is_one_with_halts_and_choices(expected: list[Any]) -> None:
    reasons = Counter(trial[4] for trial in expected[0])
    assert len(expected[0]) == NUM_TRIALS
    assert reasons["inferior"] >= 2
    assert reasons["overfitting"] >= 2
    assert reasons["finished"] >= 2


@pytest.mark.parametrize("how", [ray(1, SOAK), ray(2, SOAK), ray(4)], ids=named)
def test_on_ray_the_table_is_the_same(expected: list[Any], how: dict[str, Any]) -> None:
    assert figures(study("ray", how)) == expected


@pytest.fixture(scope="module")
def expected_with_pauses(tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    """The figures of the study whose trials are paused, in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_HOME", str(tmp_path_factory.mktemp("pauses")))
        return figures(study("expected", INLINE, settings=PAUSING))


@pytest.mark.parametrize("how", [ray(1, SOAK), ray(2), ray(4, SOAK)], ids=named)
def test_on_ray_trials_are_paused_at_the_same_rounds(
    expected_with_pauses: list[Any], how: dict[str, Any]
) -> None:
    reasons = Counter(trial[4] for trial in expected_with_pauses[0])
    assert reasons["paused"] >= 5
    assert figures(study("pauses", how, settings=PAUSING)) == expected_with_pauses


@pytest.mark.parametrize(
    "how", [INLINE, ray(1, SOAK), ray(2, SOAK), ray(4, SOAK)], ids=named
)  # Ray: test_chaos.py
def test_in_postgresql_the_table_is_the_same(
    expected: list[Any], how: dict[str, Any], server: Server
) -> None:
    name = f"matrix_{how['runner']}_{how.get('workers', 1)}"
    storage = server.create(name)
    try:
        found = study("postgresql", how, storage)
        assert figures(found) == expected
        found.database.close()
    finally:
        server.drop(name)
