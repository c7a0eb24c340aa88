"""Whatever number stands behind an option or in an argument, it is taken or refused by name: no bug of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from sweeps import RunSettings, StudySettings
from sweeps import launch as launch_study
from sweeps.cli import main
from sweeps.cli import sweep as commands
from tests.conftest import TOY, TOY_SPACE

HUGE = [str(10**23), str(-(10**23)), "1" + "0" * 5000, "nan", "inf", "1e308"]
FIRST = {  # what stands before the option; the others need more than a study
    "launch": [TOY, "--space", str(TOY_SPACE), "--runner", "inline", "--dry-run"],
    "check": [TOY, "--data", "no-such-data"],
    "lr": [TOY, "--space", str(TOY_SPACE), "--runner", "inline", "--timeout", "0.001"],
    "batch": [TOY, "--data", "no-such-data"],
    "branch": ["tiny", "behaviour=learns,overfits", "--runner", "inline", "--timeout", "0.001"],
    "resume": ["tiny", "--runner", "inline", "-n", "2", "--timeout", "0.001"],
    "confirm": ["tiny", "--runner", "inline", "--timeout", "0.001"],
    "audit": ["tiny", "--runner", "inline", "--timeout", "0.001"],
    "reproduce": [
        "mnist_mlp",
        "--data",
        "mnist-5k",
        "--runner",
        "inline",
        "--rounds",
        "1",
        "--data-fraction",
        "0.02",
        "--timeout",
        "0.001",
    ],
    "replay": ["no-such-file.yaml"],
    "dashboard": ["--host", "no-such-host.invalid"],
    "diagnose": ["tiny"],
    "logs": ["tiny", "0"],
    "best": ["tiny"],
    "export": ["tiny", "--output", "best.yaml"],
}


def options() -> Iterator[tuple[str, str, list[str]]]:
    for name, command in commands.commands.items():
        for option in command.params:
            if isinstance(option, click.Option) and isinstance(option.type, (*_WHOLE, *_REAL)):
                yield name, option.opts[-1], HUGE[:2] if isinstance(option.type, _WHOLE) else HUGE[3:]


_WHOLE = (type(click.INT), click.IntRange)
_REAL = (type(click.FLOAT), click.FloatRange)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("tiny")
    url = f"sqlite:///{folder}/s.db"
    run = RunSettings(runner="inline", num_trials=2, out=str(folder / "out"))
    settings = StudySettings(TOY, space=TOY_SPACE, overrides=("behaviour=overfits",))
    launch_study(settings, run, study="tiny", storage=url)
    return url


@pytest.mark.parametrize(("command", "option", "values"), list(options()))
def test_an_option(
    tiny: str,
    capsys: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    command: str,
    option: str,
    values: list[str],
) -> None:
    monkeypatch.setenv("SWEEP_STORAGE", tiny)
    monkeypatch.chdir(tmp_path)
    for value in values:
        assert ends_in_order([command, *FIRST[command], f"{option}={value}"], capsys)


@pytest.mark.parametrize("words", [["show", "tiny"], ["diagnose", "tiny"], ["logs", "tiny"]])
def test_a_trial_s_number(tiny: str, capsys: Any, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    monkeypatch.setenv("SWEEP_STORAGE", tiny)
    for value in HUGE:
        assert ends_in_order([*words, "--", value], capsys)


@pytest.mark.parametrize("value", ["top:1" + "0" * 5000, "top:" + str(10**23), "top:-1", "top:²", "top:nan"])
def test_weights_to_keep(capsys: Any, value: str) -> None:
    assert ends_in_order(["launch", *FIRST["launch"], "--keep-weights", value], capsys)


@pytest.mark.parametrize("value", [*HUGE, f"0..{10**23}", f"{-(10**23)}..{10**400}", "0..1e308", "nan..nan"])
def test_a_parameter(capsys: Any, value: str) -> None:
    for name in ("quality", "batch_size"):
        assert ends_in_order(["launch", *FIRST["launch"], f"{name}={value}"], capsys)


def ends_in_order(words: list[str], capsys: Any) -> bool:
    with pytest.raises(SystemExit) as ended:
        main(words)
    said = capsys.readouterr().err
    assert "bug in onset" not in said, (words, said[-500:])
    assert ended.value.code in (0, 2, 3, 5), (words, said[-500:])
    return True
