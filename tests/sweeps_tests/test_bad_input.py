"""Bad input gets one message (what was found, where, and the remedy), its exit code, and leaves no trace."""

from __future__ import annotations

import gzip
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from objectives.datasets.mnist import _MD5_UNPACKED
from sweeps import RunSettings, StudySettings
from sweeps import launch as launch_study
from tests.conftest import TOY, TOY_SPACE
from tests.sweeps_tests.conftest import Refusal, Sweep, as_ordinary_user

needs_dev_full = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is full"
)


def states(sweep: Sweep, study: str) -> list[str]:
    return [trial["state"] for trial in json.loads(sweep("trials", study, "-f", "json").out)]


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
        assert "No study 'frist' in sqlite:///" in message
        assert "Did you mean 'first'? `sweep studies` lists them." in message


def test_a_parameter_written_as_an_option_is_explained(refused: Refusal) -> None:
    assert "set by learning_rate=value" in refused("launch", "mnist_mlp", "--learning-rate", "0.1")


# -- spaces ------------------------------------------------------------------------------------------

SPACES = {
    "not a space": ("hello\n", ": not a space: a space is a mapping `space:` from parameter"),
    "an empty range": (
        "space:\n  quality: {low: 0.5, high: 0.5}\n",
        ":2: quality: the range is empty but for 0.5; to fix it, write `quality: 0.5`",
    ),
    "low above high": (
        "space:\n  quality: {low: 0.9, high: 0.2}\n",
        ":2: quality: low 0.9 is above high 0.2; swap them",
    ),
    "the logarithm of 0": (
        "space:\n  quality: {low: 0, high: 0.9, log: true}\n",
        ":2: quality: a logarithmic range starts above 0, not at 0",
    ),
    "an unknown parameter": (
        "space:\n  quality: {low: 0, high: 0.9}\n  qualty: 3\n",
        ":3: toy has no parameter 'qualty'; did you mean 'quality'?",
    ),
    "a condition on nothing": (
        "space:\n  quality: {low: 0, high: 0.9, when: {size: 1}}\n",
        ":2: quality: the condition is on 'size', which no parameter above it is",
    ),
    "a duplicate key": (
        "space:\n  quality: 0.3\n  quality: 0.4\n",
        ':3: not YAML: found duplicate key "quality"',
    ),
    "batch norm on a batch of one": (
        "space:\n  batch_size: {choices: [1, 8]}\n  batch_norm: {choices: [true, false]}\n",
        ": batch_norm: needs at least two rows a step, but batch_size may be 1; put batch_size above it",
    ),
    "a value that the task does not take": (
        "space:\n  behaviour: {choices: [learns, sings]}\n",
        ":2: behaviour: 'sings' is not one of learns, overfits",
    ),
    "nothing to search": ("space:\n  quality: 0.3\n", "Every parameter is fixed: nothing is left to search."),
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
        ("quality=0.9..0.2", "quality: low 0.9 is above high 0.2; swap them"),
        ("bn_momentum=0..0.5", "bn_momentum: a logarithmic range starts above 0, not at 0"),
    ],
)
def test_a_bad_override_is_refused_as_it_was_written(
    launch_refused: Refusal, word: str, message: str
) -> None:
    said = launch_refused(word)
    assert message in said
    assert TOY_SPACE.name not in said


def test_a_parameter_given_twice_is_refused(launch_refused: Refusal) -> None:
    assert "quality is given twice; leave one of them out" in launch_refused(
        "quality=0.3", "quality=0.2..0.4"
    )


def test_a_range_without_steps_is_no_grid(launch_refused: Refusal) -> None:
    message = launch_refused("--sampler", "grid")
    assert f"{TOY_SPACE}:2: quality: a grid needs choices or a step here" in message
    assert "fix it with quality=VALUE" in message


# -- numbers and names -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("-n", "0", "--n-trials 0: at least 1 is needed"),
        ("--rounds", "0", "--rounds 0: at least 1 is needed"),
        ("--parallelism", "0", "--parallelism 0: at least 1 is needed"),
        ("--cpus-per-trial", "0", "--cpus-per-trial 0: at least 1 is needed"),
        ("--max-failures", "0", "--max-failures 0: at least 1 is needed"),
        ("--workers", "0", "--workers 0: at least 1 is needed"),
        ("--gpus-per-trial", "-1", "--gpus-per-trial -1: at least 0 is needed"),
        ("--gpus-per-trial", "nan", "--gpus-per-trial nan: a finite number is meant"),
        ("--timeout", "0", "--timeout 0: seconds above 0 are meant"),
        ("--timeout", "nan", "--timeout nan: seconds above 0 are meant"),
        ("--target", "nan", "--target nan: a finite number is meant"),
        ("--checkpoint-every", "-1", "--checkpoint-every -1: seconds are meant, 0 or more"),
        ("--keep-weights", "top", "--keep-weights top: write top:K, all or none"),
        ("--keep-weights", "top:²", "--keep-weights top:²: write top:K, all or none"),
        ("-n", "many", "'many' is not a valid integer"),
    ],
)
def test_a_number_that_makes_no_sense_is_refused(
    launch_refused: Refusal, option: str, value: str, message: str
) -> None:
    assert message in launch_refused(option, value)


@pytest.mark.parametrize("name", ["", "../../elsewhere", "a/b", "two\nlines", "-x", ".hidden", "x" * 101])
def test_a_name_that_can_be_no_folder_is_no_study(launch_refused: Refusal, name: str) -> None:
    assert "a study's name has up to 100 letters, digits, '_', '-' and '.'" in launch_refused(
        f"--study={name}"
    )


def test_more_workers_than_parallelism_are_refused_with_both_remedies(refused: Refusal) -> None:
    message = refused("launch", TOY, "--space", TOY_SPACE, "--workers", "5")
    assert "--workers 5 is more than the study's parallelism 4" in message
    assert "--parallelism 5, or take --workers 4" in message


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_a_gpu_that_is_not_there_is_refused(launch_refused: Refusal) -> None:
    message = launch_refused("--gpus-per-trial", "1")
    assert "--gpus-per-trial 1: torch sees no GPU here. Leave it out to train on the CPU." in message


def test_what_inline_can_not_do_is_refused_and_stands_in_its_help(
    launch_refused: Refusal, sweep: Sweep
) -> None:
    assert "it goes with --runner ray" in launch_refused("--trial-timeout", "5")
    assert "leave --workers out" in launch_refused("--workers", "2")
    help_text = " ".join(sweep("launch", "--help").out.split())
    assert "can neither kill a trial that hangs nor survive one that runs out of memory" in help_text


# -- data --------------------------------------------------------------------------------------------


@pytest.fixture
def damaged_mnist(tmp_path: Path) -> Path:
    """A data root whose files have MNIST's names, and noise in them."""
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for name in _MD5_UNPACKED:
        (folder / f"{name}.gz").write_bytes(gzip.compress(random.Random(0).randbytes(2000)))
    return folder.parent


@pytest.mark.parametrize("data", [[], ["--data", "mnist"]])
def test_a_data_file_with_the_wrong_digest_is_refused(
    refused: Refusal, damaged_mnist: Path, data: list[str]
) -> None:
    message = refused("launch", "mnist_mlp", "--data-dir", damaged_mnist, *data)
    assert f"{damaged_mnist}/mnist/train-images-idx3-ubyte.gz" in message
    assert "its digest differs" in message
    assert "Remove it and launch again" in message


def test_a_data_file_cut_short_is_refused(refused: Refusal, damaged_mnist: Path) -> None:
    path = damaged_mnist / "mnist" / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:1000])
    message = refused("launch", "mnist_mlp", "--data", "mnist", "--data-dir", damaged_mnist)
    assert f"{path} can't be unpacked" in message
    assert "Remove it and launch again" in message


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every way out leads to a port where nobody listens."""
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr("urllib.request._opener", None)  # it would remember the proxies of its first use


@pytest.mark.usefixtures("no_network")
def test_without_network_and_data_it_says_which_file_to_put_where(refused: Refusal, tmp_path: Path) -> None:
    (tmp_path / "data" / "mnist").mkdir(parents=True)
    message = refused("launch", "mnist_mlp", "--data", "mnist", "--data-dir", tmp_path / "data")
    assert "can't be downloaded" in message
    assert "Connection refused" in message
    assert "Fetch https://" in message
    assert f"put it at {tmp_path}/data/mnist/train-images-idx3-ubyte.gz" in message


# -- databases ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["launch", "status"])
def test_a_server_out_of_reach_is_told_without_the_password(
    refused: Refusal, launch_refused: Refusal, command: str
) -> None:
    storage = ("--storage", "postgresql://someone:s3cret@127.0.0.1:1/studies")
    message = launch_refused(*storage, code=1) if command == "launch" else refused("status", *storage, code=1)
    assert "postgresql://someone:***@127.0.0.1:1/studies can't be opened" in message
    assert "Connection refused" in message
    assert "Check that the server runs and that user, password and database are right" in message
    assert "s3cret" not in message


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("studies", "'studies' is no database URL. Write sqlite:///path/to/studies.db or postgresql://"),
        ("mysql://u:s3cret@host/studies", "mysql: studies are kept in SQLite"),
        ("sqlite://", "A study in memory would be gone with the process: name a file"),
        ("postgresql://u:s3cret@host:port/studies", "no database URL"),
    ],
)
def test_a_url_of_no_database_is_refused(launch_refused: Refusal, url: str, message: str) -> None:
    said = launch_refused("--storage", url)
    assert message in said
    assert "s3cret" not in said


def test_a_file_that_is_no_database_is_left_as_it_is(launch_refused: Refusal, tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("not a database\n" * 100)
    assert "is not a SQLite database; it was left as it is" in launch_refused(
        "--storage", f"sqlite:///{path}"
    )
    assert path.read_text() == "not a database\n" * 100


@pytest.mark.parametrize(
    "words", ["status", "studies", "trials x", "best x", "resume x", "stop x", "delete x"]
)
def test_reading_creates_no_database(refused: Refusal, tmp_path: Path, words: str) -> None:
    message = refused(*words.split(), "--storage", tmp_path / "mistyped.db", code=1)
    assert f"There is no database at {tmp_path / 'mistyped.db'}" in message
    assert "name another with --storage" in message


# -- places that can't be written --------------------------------------------------------------------


@pytest.fixture
def read_only(tmp_path: Path) -> Iterator[Path]:
    """A folder in which nobody may write."""
    folder = tmp_path / "read-only"
    folder.mkdir(mode=0o555)
    yield folder
    folder.chmod(0o755)


def test_a_read_only_output_folder_is_refused(launch_refused: Refusal, read_only: Path) -> None:
    message = as_ordinary_user(lambda: launch_refused("--out", read_only))
    assert f"{read_only}: can't be written to (Permission denied); name another folder with --out" in message


def test_a_read_only_place_for_the_database_is_refused(launch_refused: Refusal, read_only: Path) -> None:
    message = as_ordinary_user(lambda: launch_refused("--storage", read_only / "studies.db", code=1))
    assert f"{read_only} is read-only: name another place with --storage" in message


def test_a_folder_below_a_file_is_refused(launch_refused: Refusal, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert f"{file}/out: can't be written to" in launch_refused("--out", file / "out")
    assert f"{file}/deep: can't be created" in launch_refused(
        "--storage", file / "deep" / "studies.db", code=1
    )


def test_a_folder_with_other_results_is_not_overwritten(
    launch: Sweep, launch_refused: Refusal, tmp_path: Path
) -> None:
    launch("-n", "1", "--out", tmp_path / "out", "--study", "first")
    message = launch_refused("-n", "1", "--out", tmp_path / "out", "--study", "second", "--seed", "1")
    assert f"{tmp_path}/out/best.yaml is not of this study: it would be overwritten" in message
    assert "Name another folder with --out" in message


def full_disk_instead_of(path: Path) -> None:
    """What is about to be written beside `path` meets a disk that is full."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_name(f".{path.name}.{os.getpid()}.partial").symlink_to("/dev/full")


@needs_dev_full
def test_a_full_disk_under_best_yaml_loses_nothing(launch: Sweep, sweep: Sweep, tmp_path: Path) -> None:
    full_disk_instead_of(tmp_path / "out" / "best.yaml")
    said = launch("-n", "3", "--study", "s", "--out", tmp_path / "out", code=1)
    assert f"{tmp_path}/out/best.yaml: can't be written (No space left on device)" in said.err
    assert "go on with: sweep resume s" in said.err
    assert states(sweep, "s") == ["COMPLETE"]
    sweep("resume", "s")
    assert states(sweep, "s") == ["COMPLETE"] * 3
    assert (tmp_path / "out" / "best.yaml").is_file()


@needs_dev_full
def test_a_full_disk_under_the_weights_fails_no_trial(launch: Sweep, sweep: Sweep, tmp_path: Path) -> None:
    full_disk_instead_of(tmp_path / "out" / "weights" / "trial-0000-round-000001.pt")
    said = launch("-n", "2", "--study", "s", "--out", tmp_path / "out", code=1)
    assert "trial-0000-round-000001.pt: can't be written (No space left on device)" in said.err
    assert states(sweep, "s") == ["WAITING"]


@needs_dev_full
@pytest.mark.parametrize("file", ["best.yaml", "best.pt"])
def test_an_export_that_does_not_fit_leaves_nothing(
    launch: Sweep, sweep: Sweep, tmp_path: Path, file: str
) -> None:
    launch("-n", "1", "--study", "s")
    folder = tmp_path / "export"
    full_disk_instead_of(folder / file)
    said = sweep("export", "s", "-o", folder / "best.yaml", "--weights", folder / "best.pt", code=2)
    assert f"{folder / file}: can't be written (No space left on device); make room" in said.err
    assert not (folder / "best.yaml").exists()
    assert not list(folder.glob(".*"))


def test_more_enqueued_than_there_are_trials_is_refused(
    launch: Sweep, launch_refused: Refusal, tmp_path: Path
) -> None:
    path = tmp_path / "point.yaml"
    path.write_text("space:\n  quality: 0.3\n")
    assert "at least 2 trials are needed" in launch_refused("-n", "1", "--enqueue", path)
    launch("-n", "2", "--enqueue", path)


# -- a study that is there already -------------------------------------------------------------------


def test_another_specification_under_the_same_name_is_refused_by_what_differs(
    launch: Sweep, launch_refused: Refusal, sweep: Sweep
) -> None:
    launch("-n", "1", "--study", "s")
    message = launch_refused("--study", "s", "--seed", "7", "quality=0.3..0.9")
    assert "There is a study 's' already, with another specification:" in message
    assert "\n  space.quality.low: 0.2 -> 0.3\n  seed: 0 -> 7\n" in message
    assert "`sweep resume s`, or give this one another name with --study" in message
    assert states(sweep, "s") == ["COMPLETE"]


def test_a_task_that_has_changed_since_is_not_resumed(sweep: Sweep, refused: Refusal, tmp_path: Path) -> None:
    task = tmp_path / "task.py"
    task.write_text("from tests.toy import Toy\n\n\nclass Mine(Toy):\n    pass\n")
    sweep("launch", f"{task}:Mine", "--space", TOY_SPACE, "--runner", "inline", "-n", "1", "--study", "s")
    task.write_text(task.read_text() + "    rounds = 12\n")
    message = refused("resume", "s")
    assert "Study 's' can't go on as it was; this has changed:\n  task.version: " in message
    assert "Put it back, or go on all the same with --force" in message


def test_a_study_that_is_driven_is_neither_driven_twice_nor_deleted(launch: Sweep, refused: Refusal) -> None:
    from storage.leases import acquire
    from sweeps.study import load

    launch("-n", "1", "--study", "s")
    study = load("s")
    lease = acquire(study.database, study.row.study_id)
    try:
        message = refused("delete", "s", "--yes")
    finally:
        lease.release()
    assert "Another driver is at work on this study: " in message
    assert f"process {os.getpid()}, since " in message
    assert "end it with `sweep stop`" in message


# -- tasks that misbehave ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behaviour", "because", "reason"),
    [
        ("crashes", "RuntimeError: the toy crashes, as it was asked to", "error"),
        ("nan_at_once", "the loss is not finite any more (nan)", "diverged"),
    ],
)
def test_a_task_that_raises_or_returns_nan_fails_its_trial_only(
    launch: Sweep, sweep: Sweep, behaviour: str, because: str, reason: str
) -> None:
    words = (f"behaviour={behaviour}", "at_round=1", "-n", "2", "--study", "s")
    said = launch(*words, code=5)
    assert f"trial 0 failed: {because}" in said.err
    assert "Traceback" not in said.err
    rows = json.loads(sweep("trials", "s", "-f", "json").out)
    assert [(r["state"], r["stop_reason"], r["because"]) for r in rows] == [("FAIL", reason, because)] * 2
    assert "Traceback" not in sweep("trials", "s").out


def test_the_traceback_of_a_failed_trial_is_shown_with_it(launch: Sweep, sweep: Sweep) -> None:
    launch("behaviour=crashes", "-n", "1", "--study", "s", code=5)
    shown = sweep("show", "s", "0").out
    assert "Traceback" in shown
    assert 'raise RuntimeError("the toy crashes, as it was asked to")' in shown


TASK_FILES = [
    pytest.param(None, "no such file; a task of your own is named my_task.py:MyTask", id="not there"),
    pytest.param("", "task.py has no task class 'Mine'", id="no class"),
    pytest.param("class Mine(\n", "task.py can't be imported: SyntaxError", id="a slip"),
    pytest.param("import nowhere\n", "task.py can't be imported: ModuleNotFoundError", id="import"),
    pytest.param(
        "from tests.toy import Toy\nclass Mine(Toy):\n  def load(self, *_):\n    raise OSError('gone')\n",
        "toy could not load its data set 'toy-rows': OSError: gone",
        id="no rows",
    ),
]


@pytest.mark.parametrize(("text", "message"), TASK_FILES)
def test_a_task_file_is_told_what_it_lacks(
    refused: Refusal, tmp_path: Path, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / "task.py").write_text(text)
    assert message in refused("launch", f"{tmp_path / 'task.py'}:Mine", "--space", TOY_SPACE)


# -- configurations that are read --------------------------------------------------------------------

FLAWS = {
    "a value of another kind": ("budget: 10", "budget: ten", "budget: 'ten' is no whole number"),
    "an unknown format": ("format: 1", "format: 9", "written in format 9, while this version reads format 1"),
    "a lost section": ("environment:", "surroundings:", "it lacks environment, environment.versions"),
    "a lost round": ("- {index: 1,", "- {index: 3,", "round 3 stands where round 1 belongs"),
    "a figure that is a word": (
        "train_loss: 2.0",
        "train_loss: two",
        "round 1: train_loss: 'two' is no number",
    ),
    "a lost figure": (
        "learning_rate: 0.1, gradient",
        "gradient",
        "round 1 lacks or has too many figures: learning_rate",
    ),
    "more rounds than its budget": ("budget: 10", "budget: 4", "10 rounds are recorded of a budget of 4"),
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
    said = refused("replay", path)
    assert said.startswith(f"sweep: {path}: ")
    assert message in said


def test_a_configuration_of_other_rows_is_refused(best_yaml: str, refused: Refusal, tmp_path: Path) -> None:
    path = tmp_path / "best.yaml"
    path.write_text(best_yaml.replace("digest: 448ac8", "digest: 000000", 1))
    message = refused("replay", path, "--data-dir", tmp_path)
    assert f"toy-rows in {tmp_path} has other rows than those this configuration was trained on" in message


def test_a_replay_whose_training_fails_says_so(best_yaml: str, sweep: Sweep, tmp_path: Path) -> None:
    path = tmp_path / "best.yaml"
    path.write_text(best_yaml.replace("behaviour: learns", "behaviour: crashes", 1))
    said = sweep("replay", path, code=1)
    assert f"{path} does not replay: training failed with RuntimeError: the toy crashes" in said.err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"\x80\x02}q\x00.", "can't be read"),
        (b"a: [", "not YAML"),
        (b"space:\n  quality: 0.3\n", "no exported configuration: it lacks format, task"),
    ],
)
def test_a_file_that_is_no_configuration_is_not_replayed(
    refused: Refusal, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "best.yaml"
    if content is not None:
        path.write_bytes(content)
    assert f"{path}: {message}" in refused("replay", path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "space:\n  quality: 0.95\n",
            "quality: 0.95 lies outside the range 0.2 … 0.9; widen it with quality=lo..hi",
        ),
        (
            "space:\n  batch_size: 16\n",
            "batch_size: 16 is not among the choices 1, 8, 32; name a wider space",
        ),
        (
            "space:\n  at_round: 9\n",
            "at_round: 9 is not the default (4) and at_round is not in the space; fix it with",
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
        ("batch_size=0", "batch_size: 0 is below 1"),
        ("dropout=0..2", "dropout: 2 is no share between 0 and 1"),
        ("bn_momentum=-0.1", "bn_momentum: -0.1 is no share"),
        ("learning_rate=-1", "learning_rate: -1 is below 0"),
        ("gradient_clip=0", "gradient_clip: 0 is no norm above 0"),
    ],
)
def test_a_value_that_makes_no_sense_is_refused_before_the_first_trial(
    refused: Refusal, word: str, message: str
) -> None:
    assert message in refused("launch", "mnist_mlp", "--data", "mnist-5k", word)
