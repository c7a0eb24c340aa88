"""Bad words, spaces and numbers: one message (what was found, where, the remedy), its exit code, no trace."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from sweeps import RunSettings
from sweeps.errors import UsageError
from sweeps.study.places import num_workers
from tests.conftest import TOY, TOY_SPACE
from tests.sweeps_tests.conftest import Refusal, Sweep

# -- words that are not known ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["launch", "mnist_mpl"], "No task 'mnist_mpl'; did you mean 'mnist_mlp'?"),
        (["launch", "mnist_mlp", "--sampler", "gird"], "--sampler gird: unknown; did you mean 'grid'?"),
        (["launch", "mnist_mlp", "--stop-rule", "onst"], "--stop-rule onst: unknown; did you mean 'onset'?"),
        (["launch", "mnist_mlp", "--runner", "inlin"], "--runner inlin: unknown; did you mean 'inline'?"),
        (
            ["launch", "mnist_mlp", "--data", "mnist-5"],
            "--data mnist-5: mnist_mlp has no such data set; did you mean",
        ),
        (
            ["launch", "mnist_mlp", "dropuot=0.1"],
            "mnist_mlp has no parameter 'dropuot'; did you mean 'dropout'?",
        ),
        (["laumch", "mnist_mlp"], "No such command 'laumch'. Did you mean 'launch'?"),
        (["tasks", "--fromat", "json"], "No such option '--fromat'. Did you mean '--format'?"),
    ],
)
def test_an_unknown_word_is_told_with_its_nearest(refused: Refusal, words: list[str], message: str) -> None:
    assert message in refused(*words)


def test_an_unknown_study_is_told_with_its_nearest(launch: Sweep, refused: Refusal) -> None:
    launch("-n", "1", "--study", "first")
    for words in ("resume", "stop", "status", "trials", "show 0", "best", "export", "delete --yes"):
        command, *rest = words.split()
        message = refused(command, "frist", *rest)
        assert "There is no study 'frist' in sqlite:///" in message
        assert "Did you mean 'first'? To see all studies: sweep studies" in message


def test_a_parameter_written_as_an_option_is_explained(refused: Refusal) -> None:
    assert "write learning_rate=value" in refused("launch", "mnist_mlp", "--learning-rate", "0.1")


# -- spaces ------------------------------------------------------------------------------------------


SPACES = {
    "not a space": (
        "hello\n",
        ": not a search space: a space file has the key `space:`, which gives each parameter",
    ),
    "an empty range": (
        "space:\n  quality: {low: 0.5, high: 0.5}\n",
        ":2: quality: the range contains only 0.5. To fix the parameter at it, write `quality: 0.5`",
    ),
    "low above high": (
        "space:\n  quality: {low: 0.9, high: 0.2}\n",
        ":2: quality: low 0.9 is above high 0.2. Swap them",
    ),
    "the logarithm of 0": (
        "space:\n  quality: {low: 0, high: 0.9, log: true}\n",
        ":2: quality: a logarithmic range must start above 0, not at 0",
    ),
    "an unknown parameter": (
        "space:\n  quality: {low: 0, high: 0.9}\n  qualty: 3\n",
        ":3: toy has no parameter 'qualty'; did you mean 'quality'?",
    ),
    "a condition on nothing": (
        "space:\n  quality: {low: 0, high: 0.9, when: {size: 1}}\n",
        ":2: quality: the condition names 'size', but no parameter above this one has that name",
    ),
    "a duplicate key": (
        "space:\n  quality: 0.3\n  quality: 0.4\n",
        ':3: not YAML: found duplicate key "quality"',
    ),
    "batch norm on a batch of one": (
        "space:\n  batch_size: {choices: [1, 8]}\n  batch_norm: {choices: [true, false]}\n",
        ": batch_norm: it needs batches of at least two rows, but batch_size may be 1. Write batch_size above it",
    ),
    "a value that the task does not take": (
        "space:\n  behaviour: {choices: [learns, sings]}\n",
        ":2: behaviour: 'sings' is not one of learns, overfits",
    ),
    "nothing to search": (
        "space:\n  quality: 0.3\n",
        "Every parameter is fixed, so there is nothing to search.",
    ),
}


@pytest.mark.parametrize(("text", "message"), SPACES.values(), ids=SPACES.keys())
def test_a_bad_space_is_refused_at_its_line(
    launch_refused: Refusal, tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(text)
    place = str(path) if message.startswith(":") else ""
    assert f"sweep: {place}{message}" in launch_refused("--space", path)


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("quality", "'quality' is neither key=value nor key=lo..hi"),
        ("quality=", "'quality=' is neither key=value nor key=lo..hi"),
        ("quality=high", "quality=high: quality: 'high' is not a"),
        ("batch_norm=on", "batch_norm=on: batch_norm: 'on' is not true or false"),
        ("quality=0.9..0.2", "quality: low 0.9 is above high 0.2. Swap them"),
        ("bn_momentum=0..0.5", "bn_momentum: a logarithmic range must start above 0, not at 0"),
    ],
)
def test_a_bad_override_is_refused_as_it_was_written(
    launch_refused: Refusal, word: str, message: str
) -> None:
    said = launch_refused(word)
    assert message in said
    assert TOY_SPACE.name not in said


def test_a_parameter_given_twice_is_refused(launch_refused: Refusal) -> None:
    assert "quality is given twice. Remove one of them" in launch_refused("quality=0.3", "quality=0.2..0.4")


def test_a_range_without_steps_is_no_grid(launch_refused: Refusal) -> None:
    message = launch_refused("--sampler", "grid")
    assert f"{TOY_SPACE}:2: quality: a grid can't use a continuous range" in message
    assert "fix the parameter with quality=VALUE" in message


# -- numbers and names -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("-n", "0", "--n-trials 0 must be at least 1"),
        ("--rounds", "0", "--rounds 0 must be at least 1"),
        ("--parallelism", "0", "--parallelism 0 must be at least 1"),
        ("--cpus-per-trial", "0", "--cpus-per-trial 0 must be at least 1"),
        ("--max-failures", "0", "--max-failures 0 must be at least 1"),
        ("--workers", "0", "--workers 0 must be at least 1"),
        ("--gpus-per-trial", "-1", "--gpus-per-trial -1 must be at least 0"),
        (
            "--gpus-per-trial",
            "1.5",
            "--gpus-per-trial 1.5 must be a part of one GPU (0.25) or a whole number of GPUs (2)",
        ),
        ("--gpus-per-trial", "nan", "--gpus-per-trial nan must be a finite number"),
        ("--timeout", "0", "--timeout 0: the number of seconds must be above 0"),
        ("--timeout", "nan", "--timeout nan: the number of seconds must be above 0"),
        ("--target", "nan", "--target nan must be a finite number"),
        ("--checkpoint-every", "-1", "--checkpoint-every -1: the number of seconds must be 0 or more"),
        ("--keep-weights", "top", "--keep-weights top must be top:K, all or none"),
        ("--keep-weights", "top:²", "--keep-weights top:² must be top:K, all or none"),
        ("-n", "many", "'many' is not a valid integer"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(
    launch_refused: Refusal, option: str, value: str, message: str
) -> None:
    assert message in launch_refused(option, value)


@pytest.mark.parametrize("name", ["", "../../elsewhere", "a/b", "two\nlines", "-x", ".hidden", "x" * 101])
def test_a_name_that_can_be_no_folder_is_no_study(launch_refused: Refusal, name: str) -> None:
    assert "a study's name must have at most 100 letters, digits, '_', '-' and '.'" in launch_refused(
        f"--study={name}"
    )


def test_more_workers_than_parallelism_are_refused_with_both_remedies(refused: Refusal) -> None:
    message = refused("launch", TOY, "--space", TOY_SPACE, "--workers", "5")
    assert "--workers 5 is more than the study's parallelism 4" in message
    assert "Use --workers 4, or launch a new study with --parallelism 5" in message


@pytest.mark.parametrize(
    ("gpus", "there", "fits"), [(1.0, 1, 1), (0.25, 1, 4), (0.4, 2, 4), (0.3, 1, 3), (2.0, 5, 2)]
)
def test_as_many_trials_run_at_once_as_the_gpus_hold_and_more_are_refused(
    gpus: float, there: int, fits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: there)
    assert num_workers(RunSettings(), parallelism=9, cpus=1, gpus=gpus) == fits
    assert num_workers(RunSettings(workers=fits), parallelism=9, cpus=1, gpus=gpus) == fits
    with pytest.raises(
        UsageError, match=f"this machine has room for {fits}. Use --workers {fits}, or launch a new study"
    ):
        num_workers(RunSettings(workers=fits + 1), parallelism=9, cpus=1, gpus=gpus)
    assert num_workers(RunSettings(workers=9, address="head:1"), parallelism=9, cpus=1, gpus=gpus) == 9


def test_more_gpus_than_there_are_are_refused(
    launch_refused: Refusal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    message = launch_refused("--gpus-per-trial", "3")
    assert "--gpus-per-trial 3: torch finds 2 GPUs on this machine. Use at most 2." in message


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_refused(launch_refused: Refusal) -> None:
    message = launch_refused("--gpus-per-trial", "1")
    assert (
        "--gpus-per-trial 1: torch finds no GPU on this machine. Remove the option to train on the CPU."
        in message
    )


def test_what_inline_can_not_do_is_refused_and_stands_in_its_help(
    launch_refused: Refusal, sweep: Sweep
) -> None:
    assert "can only be used with --runner ray" in launch_refused("--trial-timeout", "5")
    assert "Remove --workers" in launch_refused("--workers", "2")
    help_text = " ".join(sweep("launch", "--help").out.split())
    assert (
        "cannot kill a trial that hangs, and a trial that runs out of memory ends the whole run" in help_text
    )
