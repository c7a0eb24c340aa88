"""Bad configurations: one message (what was found, where, the remedy), its exit code, no trace."""

from __future__ import annotations

from pathlib import Path

import pytest

from sweeps import RunSettings, StudySettings
from sweeps import launch as launch_study
from tests.conftest import TOY, TOY_SPACE
from tests.sweeps_tests.conftest import Refusal, Sweep

FLAWS = {
    "a value of another kind": ("budget: 10", "budget: ten", "budget: 'ten' is not a whole number"),
    "an unknown format": ("format: 1", "format: 9", "written in format 9, but this version reads format 1"),
    "a lost section": (
        "environment:",
        "surroundings:",
        "not an exported configuration: it lacks environment.",
    ),
    "a lost round": ("- {index: 1,", "- {index: 3,", "round 3 is in the place of round 1"),
    "a figure that is a word": (
        "train_loss: 2.0",
        "train_loss: two",
        "round 1: train_loss: 'two' is not a number",
    ),
    "a lost figure": (
        "learning_rate: 0.1, gradient",
        "gradient",
        "round 1 lacks figures: learning_rate",
    ),
    "rows that are no number": (
        "  name: toy-rows",
        "  name: toy-rows\n  most_train_rows: x",
        "data.most_train_rows: 'x' is no",
    ),
    "a value that was polished": (
        "value: ",
        "value: 0.99 # ",
        "value 0.99 differs from the valid_score of round 7",
    ),
    "a best round that is none": (
        "best_round: 7",
        "best_round: 99",
        "best_round 99 is not one of the 10 recorded rounds",
    ),
    "more rounds than its budget": ("budget: 10", "budget: 4", "10 rounds are recorded, but budget is 4"),
    "a seed that is a switch": ("seed: ", "seed: true # ", "seed: True is not a whole number"),
    "threads below one": ("threads: 1", "threads: -3", "threads: -3 can't be"),
    "a value without end": (
        "stop_reason: finished",
        "stop_reason: &a [*a, *a]",
        "stop_reason: [[[...], [...]], [[...], [...]]] is not a word",
    ),
    "an endless word": ("metric: accuracy", "metric: " + 5000 * "accuracy", "metric: 'accuracyaccur"),
    "a parameter that is a list": (
        "quality: 0.5",
        "quality: [0.5]",
        "parameters: quality: [0.5] is not a finite number",
    ),
    "a key that commands the terminal": (
        "  quality: 0.5",
        '  "\\e[2J": 2026-01-01\n  quality: 0.5',
        r"parameters.\x1b[2J: datetime.date(2026, 1, 1) is not a number",
    ),
    "a value that is none": (
        "behaviour: learns",
        "behaviour: sings",
        "parameters: behaviour: 'sings' is not one of",
    ),
}


@pytest.fixture(scope="module")
def best_yaml(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The content of a best.yaml of the toy."""
    folder = tmp_path_factory.mktemp("exported")
    run = RunSettings(runner="inline", num_trials=1, out=str(folder))
    return launch_study(
        StudySettings(TOY, space=TOY_SPACE), run, storage=f"sqlite:///{folder}/s.db"
    ).study.best_path.read_text()


@pytest.mark.parametrize(("old", "new", "message"), FLAWS.values(), ids=FLAWS.keys())
def test_an_edited_configuration_is_refused(
    best_yaml: str, refused: Refusal, tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "edited.yaml"
    assert old in best_yaml
    path.write_text(best_yaml.replace(old, new, 1))
    said = refused("replay", path, "--trust")
    assert said.startswith(f"sweep: {path}: ")
    assert message in said


def test_a_configuration_of_other_rows_is_refused(best_yaml: str, refused: Refusal, tmp_path: Path) -> None:
    path = tmp_path / "best.yaml"
    path.write_text(best_yaml.replace("digest: 448ac8", "digest: 000000", 1))
    message = refused("replay", path, "--trust", "--data-dir", tmp_path)
    assert f"The rows of toy-rows in {tmp_path} differ from those of the recorded training" in message


def test_a_replay_whose_training_fails_says_so(best_yaml: str, sweep: Sweep, tmp_path: Path) -> None:
    path = tmp_path / "best.yaml"
    path.write_text(best_yaml.replace("behaviour: learns", "behaviour: crashes", 1))
    said = sweep("replay", path, "--trust", code=1)
    assert f"{path} does not replay: training failed with RuntimeError: the toy crashes" in said.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"\x80\x02}q\x00.", "can't be read"),
        (b"a: [", "not YAML"),
        (b"space:\n  quality: 0.3\n", "not an exported configuration: it lacks task, parameters"),
    ],
)
def test_a_file_that_is_no_configuration_is_not_replayed(
    refused: Refusal, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "best.yaml"
    if content is not None:
        path.write_bytes(content)
    assert f"{path}: {message}" in refused("replay", path, "--trust")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "space:\n  quality: 0.95\n",
            "quality: 0.95 lies outside the range 0.2 … 0.9: widen the range with quality=lo..hi",
        ),
        (
            "space:\n  batch_size: 16\n",
            "batch_size: 16 is not among the choices 1, 8, 32: give a wider space",
        ),
        (
            "space:\n  at_round: 9\n",
            "at_round is 9, but this study does not search at_round: all its trials have the default, 4. To use 9 in",
        ),
        ("space:\n  quality: {low: 0.3, high: 0.4}\n", "quality: --enqueue takes values, not ranges"),
        ("space:\n  qualty: 0.3\n", "toy has no parameter 'qualty'; did you mean 'quality'?"),
    ],
)
def test_an_enqueued_point_outside_the_space_is_refused(
    launch_refused: Refusal, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "point.yaml"
    path.write_text(text)
    assert message in launch_refused("--enqueue", path)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("batch_size=0", "batch_size: 0 is too small. It must be at least 1"),
        ("dropout=0..2", "dropout: 2 is not a fraction between 0 and 1"),
        ("bn_momentum=-0.1", "bn_momentum: -0.1 is not a fraction"),
        ("learning_rate=-1", "learning_rate: -1 is too small. It must be at least 0"),
        ("gradient_clip=0", "gradient_clip: 0 is not above 0"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_before_the_first_trial(
    refused: Refusal, word: str, message: str
) -> None:
    assert message in refused("launch", "mnist_mlp", "--data", "mnist-5k", word)


def test_an_enqueued_value_whose_condition_does_not_hold_is_refused(refused: Refusal, tmp_path: Path) -> None:
    space, point = tmp_path / "space.yaml", tmp_path / "point.yaml"
    space.write_text(
        "space:\n  quality: {low: 0.0, high: 1.0}\n  batch_norm: {choices: [true, false]}\n"
        "  bn_momentum: {low: 0.01, high: 0.5, when: {batch_norm: true}}\n"
    )
    point.write_text("space: {quality: 0.5, batch_norm: false, bn_momentum: 0.3}\n")
    said = refused("launch", TOY, "--space", space, "--enqueue", point, "--runner", "inline")
    assert (
        f"{point}: bn_momentum is 0.3, but its condition does not hold with the other values of this file"
        in said
    )
