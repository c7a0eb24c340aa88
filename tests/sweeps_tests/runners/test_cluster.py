"""Trials on the nodes of a Ray cluster: a real one, whose nodes are started as `ray start` does."""

from __future__ import annotations

import dataclasses
import json
import random
import shutil
import site
import threading
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import sweeps
from objectives.source_code import read_sources
from sweeps import RunSettings, StudySettings, paths
from sweeps.errors import UsageError
from sweeps.runners.ray_tune.runner import RayRunner
from sweeps.study import environment as provenance
from sweeps.study import planned
from sweeps.study.planning import plan_study
from sweeps.study.stored_study import load
from sweeps.sweep import launch, resume, run_planned
from tests.conftest import TOY, TOY_SPACE, ToyLauncher
from tests.ray_cluster import RayCluster, ray_cluster
from tests.sweeps_tests.conftest import start_with
from tests.sweeps_tests.driver.tables import figures
from tests.sweeps_tests.driver.test_matrix import NUM_TRIALS, SETTINGS
from tests.sweeps_tests.driver.test_matrix import expected as expected

pytestmark = pytest.mark.ray

PLACED = f"{Path(__file__).parents[2] / 'placed.py'}:Placed"
SMALL = dataclasses.replace(SETTINGS, rounds=2)


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    """A head that holds one trial."""
    with ray_cluster(cpus=1) as running:
        yield running


def test_on_two_nodes_the_table_is_the_same_though_one_is_killed_in_the_middle(
    cluster: RayCluster, expected: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    node = cluster.add(cpus=1)
    start_with(2, monkeypatch)
    ended_before: list[dict[int, str]] = []

    def pull_the_plug() -> None:
        wait_until(lambda: len(set(nodes_of("killed").values())) == 2)
        ended_before.append(nodes_of("killed"))
        node.kill()

    plug = threading.Thread(target=pull_the_plug)
    plug.start()
    study = launch(
        SETTINGS, RunSettings(num_trials=NUM_TRIALS, address=cluster.address), study="killed"
    ).study
    plug.join()
    assert figures(study) == expected
    (before,) = ended_before
    assert len(before) < NUM_TRIALS
    after = [nodes_of("killed")[number] for number in range(NUM_TRIALS - 4, NUM_TRIALS)]
    assert len(set(after)) == 1


def test_nodes_that_can_not_train_the_study_are_refused_by_name(cluster: RayCluster, tmp_path: Path) -> None:
    bare = python_without_the_package(tmp_path / "bare")
    other = python_without_the_package(tmp_path / "other")
    copy_package(other, changed="sweeps/paths.py")
    (tmp_path / "empty").mkdir()
    right, wrong = (write_text(tmp_path / name, seed) for seed, name in enumerate(("right", "wrong")))
    nodes = [
        cluster.add(cpus=1, python=bare, environment={"PYTHONPATH": ""}),
        cluster.add(cpus=1, python=other, environment={"PYTHONPATH": ""}),
        cluster.add(cpus=1, environment={"SWEEP_DATA_DIR": str(tmp_path / "empty")}),
        cluster.add(cpus=1, environment={"SWEEP_DATA_DIR": str(wrong)}),
    ]
    settings = StudySettings("text8_skipgram", data="text", rounds=1)
    run = RunSettings(num_trials=2, address=cluster.address, data_dir=str(right))
    try:
        with pytest.raises(UsageError) as refusal:
            launch(settings, run, study="refused")
    finally:
        for node in nodes:
            node.kill()
    told = str(refusal.value)
    assert told.count("\n  node ") == 4
    assert f"onset-sweeps is not installed for the Python of Ray on this node ({bare}" in told
    assert f"the code of onset-sweeps on this node (of an unknown version, in {tmp_path / 'other'}" in told
    assert "differs from the driver's. Install version" in told
    assert (
        f"There is no text. Put an English text, called NAME.txt, into {tmp_path / 'empty' / 'text'}." in told
    )
    assert (
        f"The rows of 'text' in {wrong} differ between a worker and the driver. Copy the same files to every machine."
        in told
    )
    assert load("refused").all_trials() == []


def test_other_hardware_is_refused_unless_it_is_let_in_and_then_trials_name_it(
    cluster: RayCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("import platform; platform.machine = lambda: 'z80'\n")
    node = cluster.add(cpus=1, environment={"PYTHONPATH": str(tmp_path)})
    slow = StudySettings(TOY, space=TOY_SPACE, overrides=("seconds=0.2",))
    run = RunSettings(num_trials=4, address=cluster.address)
    try:
        with pytest.raises(UsageError, match=r"its hardware can change results \(platform: linux "):
            launch(slow, run, study="mixed")
        start_with(2, monkeypatch)
        study = launch(slow, dataclasses.replace(run, mixed_hardware=True), study="mixed").study
    finally:
        node.kill()
    trained = [study.provenance["environments"][trial.attributes["environment"]] for trial in study.table()]
    assert len({record["platform"] for record in trained}) == 2
    ((differs, numbers),) = study.other_environments(study.table()).items()
    assert "z80" in differs
    assert 0 < len(numbers) < 4


@pytest.mark.soak  # test_environment.py has the refusal without Ray
def test_a_study_begun_with_other_versions_goes_on_when_told_to(
    cluster: RayCluster, launch_toy: ToyLauncher, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = provenance.environment("cpu", 1, read_sources(Path(TOY.partition(":")[0])))
    there = {**here, "versions": {**here["versions"], "torch": "1.0"}}
    with monkeypatch.context() as patch:
        patch.setattr(planned, "environment", lambda *given: there)
        launch_toy(num_trials=1, study="begun")
    changes = {"num_trials": 2, "runner": "ray", "address": cluster.address}
    with pytest.raises(UsageError, match=r"torch: 1\.0 -> "):
        resume("begun", changes)
    assert len(resume("begun", changes, force=True).study.table()) == 2


def test_a_trial_that_fits_nowhere_is_refused(cluster: RayCluster) -> None:
    settings = dataclasses.replace(SMALL, cpus_per_trial=9)
    with pytest.raises(UsageError, match=r"which needs 9 CPU: .* has 1 CPU, 0 GPU\."):
        launch(settings, RunSettings(num_trials=2, address=cluster.address))


def test_two_halves_share_a_gpu_and_a_third_waits(
    cluster: RayCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_with(2, monkeypatch)
    node = cluster.add(cpus=3, gpus=1, environment={"PLACED_DIR": str(tmp_path)})
    try:
        ran = run_on_gpus(cluster, 0.5, workers=3, folder=tmp_path)
    finally:
        node.kill()
    assert {each["devices"] for each in ran} == {"0"}
    assert most_at_once(ran) == 2


@pytest.mark.soak  # halves of one are what is shared
def test_two_gpus_are_a_trial_s_own(
    cluster: RayCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start_with(2, monkeypatch)
    node = cluster.add(cpus=3, gpus=4, environment={"PLACED_DIR": str(tmp_path)})
    try:
        ran = run_on_gpus(cluster, 2, workers=3, folder=tmp_path)
    finally:
        node.kill()
    assert all(len(set(each["devices"].split(","))) == 2 for each in ran)
    assert most_at_once(ran) == 2
    for each in ran:
        for other in ran:
            if each is not other and each["begin"] < other["end"] and other["begin"] < each["end"]:
                assert not set(each["devices"].split(",")) & set(other["devices"].split(","))


def run_on_gpus(cluster: RayCluster, gpus: float, *, workers: int, folder: Path) -> list[dict[str, Any]]:
    """Trials on GPUs that are only said to be there: where and when each ran."""
    settings = StudySettings(
        PLACED, space=TOY_SPACE, overrides=("seconds=0.1",), parallelism=workers, rounds=5
    )
    planned = plan_study(settings, paths.data_root(None))
    planned = dataclasses.replace(planned, spec=dataclasses.replace(planned.spec, gpus=gpus))
    run = RunSettings(task=PLACED, num_trials=4 * workers, address=cluster.address)
    study = run_planned(planned, run, study="placed").study
    ran = [json.loads(file.read_text()) for file in folder.glob("*.json")]
    assert len(ran) == len(study.table()) == 4 * workers
    return ran


def most_at_once(ran: list[dict[str, Any]]) -> int:
    """How many trials ran at the same time."""
    return max(sum(other["begin"] <= each["begin"] < other["end"] for other in ran) for each in ran)


def nodes_of(name: str) -> dict[int, str]:
    """The node of each finished trial of a study that may not be there yet."""
    try:
        return {
            trial.number: trial.attributes["node"]
            for trial in load(name).all_trials()
            if "node" in trial.attributes
        }
    except Exception:  # noqa: BLE001 - not there yet
        return {}


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 400
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def write_text(root: Path, seed: int) -> Path:
    """A data root with a text of made-up words."""
    draw = random.Random(seed)
    words = ["".join(draw.choices("abcdefgh", k=4)) for _ in range(300)]
    (root / "text").mkdir(parents=True)
    (root / "text" / "driver.txt").write_text(" ".join(draw.choices(words, k=20_000)))
    return root


def python_without_the_package(folder: Path) -> Path:
    """A Python that has all that this one has, but for onset-sweeps."""
    venv.create(folder, symlinks=True, with_pip=False)
    (there,) = folder.glob("lib/python*/site-packages")
    for entry in Path(site.getsitepackages()[0]).iterdir():
        ours = entry.name.startswith(("onset_sweeps", "_editable_impl_onset", "__editable__"))
        if not ours and entry.name not in ("sweeps", "objectives", "search_spaces", "storage"):
            (there / entry.name).symlink_to(entry)
    return folder / "bin" / "python"


def copy_package(python: Path, *, changed: str) -> None:
    """Install a copy of our code with a line more in one file."""
    (there,) = python.parents[1].glob("lib/python*/site-packages")
    for package in ("sweeps", "objectives", "search_spaces", "storage"):
        shutil.copytree(Path(sweeps.__file__).parents[1] / package, there / package)
    with (there / changed).open("a") as file:
        file.write("# another version\n")


OWN_CODE = """
import os
import random
import time

import sweeps
from helper import gain


@sweeps.objective(space={"lr": sweeps.log(1e-4, 1e-1)}, metric="f1", direction="maximize", rounds=3)
def train(trial):
    w = (trial.restore() or {"w": 0.0})["w"]
    for epoch in trial.rounds():
        w += gain(trial.params["lr"]) + 0.01 * random.random()
        time.sleep(0.1)
        trial.report(f1=w / (1 + w), gpus=len(os.environ.get("CUDA_VISIBLE_DEVICES", "")))
        trial.save(w=w)
"""


def test_own_code_and_the_modules_beside_it_reach_a_node_that_does_not_have_them(
    cluster: RayCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "code"
    code.mkdir()
    (code / "train.py").write_text(OWN_CODE)
    (code / "helper.py").write_text("def gain(lr):\n    return 2 * lr\n")
    settings = StudySettings(f"{code / 'train.py'}:train")
    expected = launch(settings, RunSettings(num_trials=6, runner="inline"), study="inline").study
    check = RayRunner._check

    def take_the_code_away(runner: RayRunner, *given: Any) -> None:
        code.rename(tmp_path / "gone")
        check(runner, *given)

    monkeypatch.setattr(RayRunner, "_check", take_the_code_away)
    start_with(2, monkeypatch)
    node = cluster.add(cpus=1)
    try:
        study = launch(settings, RunSettings(num_trials=6, address=cluster.address), study="spread").study
    finally:
        node.kill()
    assert figures(study) == figures(expected)
    assert len(set(nodes_of("spread").values())) == 2
