"""The documentation says what is there: commands, tasks, parameters, links, examples."""

from __future__ import annotations

import json
import re
import runpy
import typing
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import (
    chaos,
    endurance,
    figures,
    gpus,
    guidance,
    hand_labels,
    kinds_tables,
    packs,
    simulation,
    stopping_page,
    studies,
    task_tables,
    throughput,
    time_to_target_page,
)
from objectives.parameters.kinds import parameter_kinds
from objectives.registry import all_tasks
from search_spaces.reader import parse_space
from sweeps.diagnosis.diagnosis import Label
from sweeps.pruning.rules import RULES
from tests.docs_tests import architecture
from tests.docs_tests.commands import render

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]


def test_the_page_of_commands_is_up_to_date() -> None:
    assert (ROOT / "docs" / "commands.md").read_text() == render(), "run `make docs`"


def test_the_picture_and_the_tree_of_the_architecture_are_those_of_the_code() -> None:
    page = architecture.PAGE.read_text()
    assert architecture.with_blocks(page) == page, "run `make docs`"


def test_the_picture_has_every_folder_of_a_layered_package() -> None:
    for package in ("sweeps", "objectives"):
        drawn = {name.split(".")[0] for layer in architecture.layers_of(package) for name in layer}
        folders = {room.name for room in architecture.rooms() if room.parent == ROOT / package}
        assert folders <= drawn


def test_every_task_and_every_parameter_is_documented() -> None:
    page = (ROOT / "docs" / "tasks.md").read_text()
    for task in all_tasks():
        section = page.partition(f"## {task.name}\n")[2]
        assert section, task.name
        for name in parameter_kinds(task.Parameters):
            assert f"| `{name}` |" in section, name


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_project_resolves(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target


def test_the_space_in_the_docs_is_a_space() -> None:
    text = (ROOT / "docs" / "spaces.md").read_text()
    (block,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    assert len(parse_space(block, "docs/spaces.md").searched) == 6


def test_every_command_in_the_readme_exists() -> None:
    from sweeps.cli import sweep

    for name in re.findall(r"\$ sweep ([a-z]+)", (ROOT / "README.md").read_text()):
        assert name in sweep.commands


def test_the_quickstart_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "quickstart.py"), run_name="__main__")
    assert "weights, ready for evaluation" in capsys.readouterr().out


def test_every_stop_rule_is_documented() -> None:
    page = (ROOT / "docs" / "stopping.md").read_text()
    for name in RULES:
        assert f"`{name}`" in page, name


def test_every_label_is_documented() -> None:
    page = (ROOT / "docs" / "diagnosis.md").read_text()
    for label in typing.get_args(Label):
        assert f"| `{label}` |" in page, label


def test_the_example_of_a_pruner_runs(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / "examples" / "pruner.py"), run_name="__main__")
    assert "overfitting: validation loss has risen" in capsys.readouterr().out


def test_the_tables_of_stop_rules_are_those_measured() -> None:
    measured = json.loads(stopping_page.RESULTS.read_text())
    page = stopping_page.PAGE.read_text()
    assert stopping_page.with_blocks(page, measured) == page, "run `python -m benchmarks.stop_rules --write`"


def test_the_tables_of_other_kinds_are_those_measured() -> None:
    page = stopping_page.PAGE.read_text()
    table = kinds_tables.tables(kinds_tables.gathered("report"))
    again = "run `python -m benchmarks.kinds_tables --write`"
    assert stopping_page.with_block(page, kinds_tables.BLOCK, table) == page, again


def test_the_table_of_throughput_is_what_was_measured_of_every_task() -> None:
    page = throughput.PAGE.read_text()
    for device in throughput.RESULTS:
        again = f"run `python -m benchmarks.throughput --device {device} --write`"
        assert throughput.with_table(page, device) == page, again
    assert set(json.loads(throughput.RESULTS["cpu"].read_text())) == {task.name for task in all_tasks()}


def test_the_tables_of_times_to_a_target_are_those_measured() -> None:
    page = time_to_target_page.PAGE.read_text()
    assert time_to_target_page.with_tables(page) == page, "run `python -m benchmarks.time_to_target --write`"


def test_figures_of_long_runs_and_of_the_simulation_are_what_was_measured() -> None:
    page, other = endurance.PAGE.read_text(), simulation.PAGE.read_text()
    assert endurance.with_tables(page) == page, "run `python -m benchmarks.endurance --write`"
    assert simulation.with_summary(other) == other, "run `python -m benchmarks.simulation --write`"
    assert chaos.with_table(other) == other, "run `python -m benchmarks.chaos --write`"


def test_the_table_of_gpus_is_what_was_measured() -> None:
    page = gpus.PAGE.read_text()
    assert gpus.with_table(page) == page, "run `python -m benchmarks.gpus --write`"
    assert packs.with_tables(page) == page, "run `python -m benchmarks.packs --write`"


def test_the_cells_that_are_kept_are_those_of_todays_commands() -> None:
    for cell in figures.CELLS:
        if cell.path.exists():
            assert json.loads(cell.path.read_text())["command"] == cell.command
    for study in studies.CELLS:
        if study.path.exists():
            assert json.loads(study.path.read_text())["commands"] == study.commands
    known = {each.path for each in (*figures.CELLS, *studies.CELLS)}
    assert {*figures.RESULTS.glob("*.json"), *studies.RESULTS.glob("*.json")} <= known


def test_the_tables_of_tasks_are_made_from_their_cells() -> None:
    page = task_tables.PAGE.read_text()
    assert task_tables.with_tables(page) == page, "run `python -m benchmarks.task_tables`"
    assert all(f"<!-- {name} -->\n" in page for name in task_tables.BLOCKS)


def test_the_tables_of_guidance_are_made_from_their_cells() -> None:
    page = guidance.PAGE.read_text()
    assert guidance.with_tables(page) == page, "run `python -m benchmarks.guidance`"


def test_the_table_of_readers_is_what_they_and_the_rules_say() -> None:
    page = stopping_page.PAGE.read_text()
    seen = pd.read_csv(hand_labels.BANK / "report" / "hand_labels.csv")
    found = hand_labels.compare(hand_labels.chosen("report"), seen)
    table = stopping_page.with_block(page, hand_labels.BLOCK, hand_labels.table(found))
    assert table == page, "run `python -m benchmarks.hand_labels --write`"


def test_the_page_of_published_figures_is_made_from_its_cells() -> None:
    page = (ROOT / "docs" / "figures.md").read_text()
    assert page.strip() == "\n".join(figures.page()).strip(), "run `python -m benchmarks.figures --page`"
