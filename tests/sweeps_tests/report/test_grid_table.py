"""The grid of a study: one cell for each pair of values, with what its trials reached."""

from __future__ import annotations

import json
import statistics
from pathlib import Path

import pytest

from sweeps import RunSettings, StudySettings, launch
from sweeps.errors import UsageError
from sweeps.report.grid_table import grid_table
from sweeps.study.stored_study import Study, load
from tests.conftest import ToyLauncher
from tests.sweeps_tests.conftest import Refusal, Sweep

GRID = "space:\n  quality: {choices: [0.3, 0.6, 0.9]}\n  behaviour: {choices: [learns, crashes]}\n"


@pytest.fixture
def grid(launch_toy: ToyLauncher, tmp_path: Path) -> Study:
    space = tmp_path / "grid.yaml"
    space.write_text(GRID)
    launch_toy(space=space, sampler="grid", study="grid", num_trials=None, max_failures=9)
    return load("grid")


def test_a_grid_stands_as_its_space_names_it(grid: Study) -> None:
    found = grid_table(grid)
    assert found.rows.name == "quality"
    assert [[cell.text for cell in line] for line in found.cells] == [
        [f"{grid.trial(0).value:.4g}", "2 error"],
        [f"{grid.trial(2).value:.4g}", "2 error"],
        [f"{grid.trial(4).value:.4g}", "2 error"],
    ]


def test_repeats_of_a_cell_have_a_mean_and_a_spread(launch_toy: ToyLauncher) -> None:
    launch_toy(study="s", num_trials=12)
    study = load("s")
    found = grid_table(study, rows="batch_size")
    values = [trial.value for trial in study.table() if trial.params["batch_size"] == 8]
    (cell,) = found.cells[[group.value for group in found.rows.groups].index(8)]
    assert cell.spread is not None
    assert cell.spread.mean == pytest.approx(statistics.fmean(v for v in values if v is not None))


def test_a_range_is_cut_into_equal_parts_and_every_trial_is_in_one(launch_toy: ToyLauncher) -> None:
    launch_toy(study="s", num_trials=12)
    found = grid_table(load("s"), rows="quality", columns="bn_momentum")
    assert [group.label for group in found.rows.groups] == [
        "0.2 … 0.375",
        "0.375 … 0.55",
        "0.55 … 0.725",
        "0.725 … 0.9",
    ]
    assert sorted(n for line in found.cells for cell in line for n in cell.trials) == list(range(12))


def test_a_parameter_that_does_not_vary_is_refused(grid: Study) -> None:
    with pytest.raises(UsageError, match=r"learning_rate does not vary in grid: it is always 0\.1"):
        grid_table(grid, rows="learning_rate")
    with pytest.raises(UsageError, match="no parameter 'qualty'; did you mean 'quality'"):
        grid_table(grid, rows="qualty")
    with pytest.raises(UsageError, match="both name quality"):
        grid_table(grid, rows="quality", columns="quality")


@pytest.mark.usefixtures("grid")
def test_the_command_prints_rows_and_columns(sweep: Sweep, refused: Refusal) -> None:
    said = sweep("table", "grid", "--rows", "behaviour", "--columns", "quality")
    assert said.out.splitlines()[1].split() == ["behaviour", "quality=0.3", "0.6", "0.9"]
    cells = json.loads(sweep("table", "grid", "-f", "json").out)
    assert cells[1]["ends"] == {"error": 2}
    assert "does not vary" in refused("table", "grid", "--rows", "seconds")


def test_the_published_cells_of_a_task_stand_beside_ours() -> None:
    space = Path(__file__).parents[3] / "benchmarks" / "published_cells.yaml"
    settings = StudySettings(
        "mnist_mlp", data="mnist-5k", train_rows=40, valid_rows=40, rounds=1, sampler="grid", space=space
    )
    found = grid_table(launch(settings, RunSettings(runner="inline", max_failures=99)).study)
    cells = [cell for line in found.cells for cell in line]
    assert sum(cell.published is not None for cell in cells) == 8
    (best,) = [cell for cell in cells if cell.published is not None and cell.published.score is not None]
    assert (best.row, best.column) == ("0.0001", "1024")
    assert best.text.endswith("(published 0.864)")
