"""Files that decide figures beside the code: data, and code that is loaded by its path or a name in a text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from objectives import DataError
from objectives.source_code import read_sources
from sweeps.own_code.find import find
from sweeps.own_code.named_files import with_files
from sweeps.runners.own_code_worker import OwnCodeWorker
from sweeps.study.environment import code_digest
from sweeps.trial.data_plan import DataPlan
from sweeps.trial.metric import Metric
from sweeps.trial.work import WorkPlan
from tests.sweeps_tests.conftest import Refusal, Said, Sweep
from tests.sweeps_tests.own_code.conftest import Write

Launch = Callable[..., Said]
CODE = """
    import importlib
    import sweeps
    from pathlib import Path

    @sweeps.objective(
        space={"x": (0.0, 1.0)}, metric="f1", direction="maximize", files=["rows.csv", "parts"]
    )
    def train(trial):
        helper = importlib.import_module("later")
        return float((Path(__file__).parent / "rows.csv").read_text()) + helper.ONE + trial.params["x"]
"""


@pytest.fixture
def code(write: Write) -> Path:
    """A function that names a file and a folder, and imports a module by a text."""
    path = write(CODE)
    write("1", "rows.csv")
    write("ONE = 1\n", "later.py")
    (path.parent / "parts").mkdir()
    (path.parent / "parts" / "a").write_text("a")
    return path


@pytest.mark.parametrize(("name", "code_of_replay"), [("rows.csv", 1), ("parts/a", 0), ("later.py", 1)])
def test_an_edit_is_refused_and_named_by_a_replay(
    launch_own: Launch, sweep: Sweep, code: Path, tmp_path: Path, name: str, code_of_replay: int
) -> None:
    launch_own(code, "-n", "2", "--study", "own", "--out", tmp_path / "out")
    before, path = (tmp_path / "out" / "best.yaml").read_text(), code.parent / name
    path.write_text(path.read_text().replace("1", "2").replace("a", "b"))
    named = name.partition("/")[0]
    assert f"task.code.{named}" in sweep("resume", "own", "-n", "3", code=2).err
    forced = sweep("resume", "own", "-n", "3", "--force").err
    assert f"trial 2 ({named}: has changed)" in forced
    best = tmp_path / "out" / "best.yaml"
    best.write_text(before)
    replayed = sweep("replay", best, "--trust", code=code_of_replay)
    assert f"{named}: has changed" in replayed.err


def test_an_optuna_objective_names_files_by_an_attribute(
    launch_own: Launch, sweep: Sweep, refused: Refusal, code: Path, tmp_path: Path
) -> None:
    text = (
        "from pathlib import Path\ndef objective(trial):\n    row = float((Path(__file__).parent / 'rows.csv').read_text())\n"
        "    return row * trial.suggest_float('x', 0, 1)\n"
    )
    code.write_text(f"{text}objective.sweep_files = ['rows.csv']\n")
    launch_own(code, "-n", "2", "--study", "own", "--out", tmp_path / "out")
    (code.parent / "rows.csv").write_text("2")
    assert "task.code.rows.csv" in sweep("resume", "own", "-n", "3", code=2).err
    assert "rows.csv: has changed" in sweep("replay", tmp_path / "out" / "best.yaml", code=1).err
    code.write_text(f"{text}objective.sweep_files = 'rows.csv'\n")
    assert "sweep_files = 'rows.csv' must be a list of paths" in refused("launch", code, "--runner", "inline")


def test_a_missing_file_is_told_with_its_place(refused: Refusal, code: Path) -> None:
    (code.parent / "rows.csv").unlink()
    message = refused("launch", code, "--runner", "inline")
    assert "files='rows.csv'" in message
    assert "Paths start from the folder of the code" in message


def test_an_untrusted_replay_names_the_edited_module(
    launch_own: Launch, sweep: Sweep, code: Path, tmp_path: Path
) -> None:
    launch_own(code, "-n", "1", "--out", tmp_path / "out")
    (code.parent / "later.py").write_text("ONE = 2\n")
    said = sweep("replay", tmp_path / "out" / "best.yaml", code=2).err
    assert "later.py has changed since the recorded training" in said


def test_a_module_that_is_imported_by_a_text_is_local(code: Path) -> None:
    assert set(read_sources(code).digests) == {"train.py", "later.py"}


def test_a_worker_with_another_file_refuses(code: Path) -> None:
    found = find(str(code))
    sources = with_files(found, found.load()).sources
    metric = Metric("f1", "maximize", 0.0, 0)
    plan = WorkPlan(
        "code:train", DataPlan(""), "", "", metric, 1, "cpu", code_digest(), False, 60.0, sources, True
    )
    OwnCodeWorker(plan)
    (code.parent / "rows.csv").write_text("2")
    with pytest.raises(DataError, match=r"rows.csv, which the code names in files=, differs"):
        OwnCodeWorker(plan)
