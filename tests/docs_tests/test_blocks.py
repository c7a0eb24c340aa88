"""Every command and every program in README and docs is run, here in small, unless a short list says why not."""

from __future__ import annotations

import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

import sweeps
from sweeps import cli
from tests.docs_tests.blocks import NO_CODE, ROOT, Block, blocks, commands_in_prose

STUDIES = {  # whose names the pages use: the first has a trial 12, and trials that were halted
    "mnist_mlp-9ee03fc6": "-n 13 --rounds 12",
    "mnist_mlp-1c9b02aa": "-n 2",
    "mnist_mlp-a8eda134": "-n 3",
}
FEW_ROWS = "--data mnist-5k --train-rows 150 --valid-rows 100"
SMALL = f"{FEW_ROWS} --rounds 2 -n 2 --runner inline"
IN_SMALL = {  # options that are added, so that a command takes a second
    "launch": SMALL,
    "launch mnist_mlp --warm-start": f"{SMALL} --rounds 12",  # as many as the study has that it starts from
    "launch examples/my_task.py:Moons": "--rounds 2 -n 2 --runner inline",
    "launch train.py": "-n 1 --runner inline",
    "branch": "-n 1 --runner inline",
    "resume": "--runner inline",
    "confirm": "--top 1 --seeds 1 --runner inline",
    "audit": "--runner inline",
    "lr": f"{FEW_ROWS} --steps 30 --seeds 1 --widths 1 --batch-sizes 1 --runner inline",
    "batch": f"{FEW_ROWS} --largest 16",
    "check": FEW_ROWS,
}
RUN_ELSEWHERE = {"own-code.md": "test_own_code_page.py runs the page as it stands"}
NOT_RUN = {  # how a command, or a line of a program, begins: why it is not run
    "make ": "sets up a new environment; a newcomer's first steps",
    "pip install": "installs from the internet",
    ".venv/bin/pre-commit install": "changes the clone",
    "sweep dashboard": "serves until it is interrupted; test_dashboard.py",
    "sweep reproduce cora_gcn fresh": "needs files of Cora; test_reproduce.py",
    "export ": "the address of a database or a token",
    "ray ": "starts Ray on several machines; test_cluster.py",
    "SWEEP_DATA_DIR=/data ray": "starts Ray on several machines; test_cluster.py",
    "createdb": "needs a PostgreSQL of one's own",
    "#!/bin/bash": "needs Slurm",
    "SPACE = {": "a sketch around a user's own code; own-code.md has the like as a whole",
    "def objective(trial):": "the core of examples/pruner.py, which test_docs.py runs",
}
PARSED = ("--gpus-per-trial", "--trials-per-gpu", "--address")  # need a GPU or a cluster: read, and not run
OTHER_CODE = {  # besides 0
    "check": "1",  # so few rows are not enough for a clean answer
    "lr": "1",
    "launch mnist_mlp --space bad.yaml": "2",
}


def reason_not_run(text: str) -> str | None:
    start = text.removeprefix("import sweeps\n\n")
    return next((why for begin, why in NOT_RUN.items() if start.startswith(begin)), None)


def to_run() -> list[Block]:
    return [
        each
        for each in blocks()
        if not (each.is_generated or each.kind in NO_CODE or each.page in RUN_ELSEWHERE)
    ]


PAGES = sorted({block.page for block in to_run()})


def test_a_block_is_of_a_kind_that_is_run_or_holds_no_code() -> None:
    assert {block.kind for block in to_run()} <= {"console", "python", "bash"}
    assert all(reason_not_run(block.text) for block in to_run() if block.kind == "bash")


def test_each_exception_is_one() -> None:
    texts = [text for block in to_run() for text in (block.text, *block.commands)]
    used = {reason_not_run(text) for text in texts}
    assert set(NOT_RUN.values()) <= used


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the studies of which the pages speak."""
    home = tmp_path_factory.mktemp("studied")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_HOME", str(home))
        for name, size in STUDIES.items():
            words = f"launch mnist_mlp {SMALL} {size} --study {name}"
            with pytest.raises(SystemExit) as ended:
                cli.main(words.split())
            assert not ended.value.code
    return home


@pytest.fixture
def at_the_prompt(studied: Path, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the pages suppose, and those studies."""
    shutil.copytree(studied, home)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "grid.yaml").write_text("space: {dropout: {choices: [0.0, 0.3]}}")
    (tmp_path / "bad.yaml").write_text("space:\n  dropout: 0\n  learning_rate: {low: 1, high: 0.1}\n")
    (tmp_path / "metrics.csv").write_text(
        "round,train_loss,valid_loss\n"
        + "".join(f"{index},{1 / index},{1 / index}\n" for index in range(1, 30))
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.usefixtures("at_the_prompt")
def test_every_command_and_every_program_of(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"rounds": 1, "num_trials": 2, "workers": 1, "runner": "inline", "train_rows": 150}
    launch = sweeps.launch
    monkeypatch.setattr(sweeps, "launch", lambda *words, **given: launch(*words, **{**given, **small}))
    names: dict[str, Any] = {}
    for block in (block for block in to_run() if block.page == page):
        if block.kind == "python" and reason_not_run(block.text) is None:
            exec(compile(block.text, f"{page}:{block.line}", "exec"), names)
        for command in block.commands:
            run(command)


def run(command: str) -> None:
    """Run a command in small; of what needs another machine, read the options."""
    if reason_not_run(command) is not None:
        return
    start, *words = shlex.split(command)
    assert start == "sweep", command
    if any(word in PARSED for word in words):
        parse(words)
        return
    known = [name for name in IN_SMALL if command.removeprefix("sweep ").startswith(name)]
    added = IN_SMALL[max(known, key=len)].split() if known else []
    codes = ["0", *(code for begin, code in OTHER_CODE.items() if command.startswith(f"sweep {begin}"))]
    with pytest.raises(SystemExit) as ended:
        cli.main([*without_workers(words), *added])
    assert str(ended.value.code or 0) in codes, command


def without_workers(words: list[str]) -> list[str]:
    return [
        word for word, before in zip(words, ["", *words], strict=False) if "--workers" not in (word, before)
    ]


def parse(words: list[str]) -> None:
    """Read a command line. Raises where it has an option or a word that the command does not take."""
    cli.sweep.commands[words[0]].make_context(words[0], words[1:])


def test_every_command_in_the_prose_exists_with_its_options() -> None:
    for page, (name, *words) in commands_in_prose():
        command = cli.sweep.commands[name]
        known = {option for each in command.params for option in each.opts + each.secondary_opts}
        options = {word.partition("=")[0] for word in words if word.startswith("-")}
        assert options <= known, (page, name, words)
