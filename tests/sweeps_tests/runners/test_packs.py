"""Several trials in one process: the table is that of one trial at a time, with a stand-in for CUDA graphs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sweeps import RunSettings, StudySettings
from sweeps.driver.study_driver import StudyDriver
from sweeps.runners.handout import Handout
from sweeps.runners.inline import InlineRunner
from sweeps.sweep import Result, launch, resume
from sweeps.trial.packing import Packing
from sweeps.trial.running_trial import Place
from tests import packed_task

TASK = f"{packed_task.__file__}:Packed"
SPACE = {"hidden_width": {"low": 8, "high": 16}, "optimizer": ["adam", "momentum"], "dropout": [0.0, 0.5]}
UNCOMPARED = ["seconds", "train_rows_per_second", "peak_memory_bytes"]
Launch = Callable[..., Result]


@pytest.fixture
def launch_pack(monkeypatch: pytest.MonkeyPatch) -> Launch:
    """Launches a study whose worker processes train `pack` trials at once, though there is no GPU."""

    def launch_it(study: str, pack: int | None, *, is_measured: bool = False, **options: Any) -> Result:
        packing = None if pack is None else Packing(pack, is_measured=is_measured)
        monkeypatch.setattr("sweeps.launching.packing_of", lambda run, spec: packing)
        of_study = {
            name: options.pop(name) for name in list(options) if name in StudySettings.__dataclass_fields__
        }
        settings = {
            "task": TASK,
            "space": SPACE,
            "sampler": "random",
            "parallelism": 4,
            "data": "mnist",
            **of_study,
        }
        run = {"runner": "inline", "num_trials": 6, "max_failures": 9, "checkpoint_seconds": 0.0, **options}
        return launch(StudySettings(**settings), RunSettings(**run), study=study)

    return launch_it


def table(result: Result) -> list[Any]:
    """Everything that must not depend on how a study is run."""
    ends = [
        (t.number, t.state, t.value, t.attributes.get("stop_reason"), t.params) for t in result.study.table()
    ]
    rounds = result.study.rounds().drop(columns=UNCOMPARED)
    return [*ends, rounds.sort_values(["trial", "index"]).to_csv(index=False)]


def behaving(*words: str, **fixed: Any) -> dict[str, Any]:
    """A grid with a trial of each behaviour."""
    return {
        "space": {"behaviour": list(words)},
        "sampler": "grid",
        "num_trials": len(words),
        "overrides": {"hidden_width": 8, **fixed},
    }


@pytest.mark.parametrize("pack", [2, 4])
@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_table_is_that_of_one_trial_at_a_time(launch_pack: Launch, pack: int, sampler: str) -> None:
    assert table(launch_pack("pack", pack, sampler=sampler)) == table(
        launch_pack("one", None, sampler=sampler)
    )


def test_a_process_trains_several_trials_at_once(
    launch_pack: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, seen = StudyDriver.record, []

    def noted(driver: StudyDriver, number: int, progress: Any) -> Any:
        seen.append(len(driver.running))
        return record(driver, number, progress)

    monkeypatch.setattr(StudyDriver, "record", noted)
    launch_pack("pack", 3)
    assert max(seen) == 3


def test_fewer_trials_than_places(launch_pack: Launch) -> None:
    assert table(launch_pack("pack", 16, num_trials=2)) == table(launch_pack("one", None, num_trials=2))


ENDS = ("learns", "crashes", "exits", "is_too_large", "needs_room", "is_not_recorded")


def test_the_end_of_one_trial_leaves_the_others_alone(
    launch_pack: Launch, capsys: pytest.CaptureFixture[str]
) -> None:
    packed, alone = launch_pack("pack", 4, **behaving(*ENDS)), launch_pack("one", None, **behaving(*ENDS))
    assert table(packed) == table(alone)
    failed = [trial.params["behaviour"] for trial in packed.study.table() if trial.state == "FAIL"]
    assert failed == ["crashes", "exits", "is_too_large"]


def test_a_halted_trial_leaves_the_others_alone(launch_pack: Launch) -> None:
    grid = {
        "space": {"learning_rate": [0.001, 1e20, 0.01], "optimizer": ["sgd", "adam"]},
        "sampler": "grid",
        "rounds": 8,
    }
    packed = launch_pack("pack", 4, **grid)
    assert "diverged" in {trial.attributes["stop_reason"] for trial in packed.study.table()}
    assert table(packed) == table(launch_pack("one", None, **grid))


def test_steps_that_are_not_recorded_are_told_of_once(
    launch_pack: Launch, capsys: pytest.CaptureFixture[str]
) -> None:
    space = {"at_round": [1, 2, 3]}
    launch_pack("pack", 4, space=space, sampler="grid", overrides={"behaviour": "is_not_recorded"})
    assert (
        capsys.readouterr().err.count(
            "without recorded steps, which is slower but gives the same figures: it can't"
        )
        == 1
    )


def test_a_trial_without_room_beside_others_is_trained_alone(
    launch_pack: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_room, alone = StudyDriver.make_room, []

    def noted(driver: StudyDriver, number: int, **how: bool) -> None:
        alone.append(number)
        make_room(driver, number, **how)

    monkeypatch.setattr(StudyDriver, "make_room", noted)
    result = launch_pack("pack", 3, **behaving("needs_room", "learns", "crashes"))
    assert alone == [0]
    assert [trial.state for trial in result.study.table()] == ["COMPLETE", "COMPLETE", "FAIL"]


def test_an_interrupted_pack_goes_on(launch_pack: Launch, monkeypatch: pytest.MonkeyPatch) -> None:
    import signal

    record, count = StudyDriver.record, [0]

    def interrupted(driver: StudyDriver, number: int, progress: Any) -> Any:
        count[0] += 1
        if count[0] == 7:
            signal.raise_signal(signal.SIGINT)
        return record(driver, number, progress)

    monkeypatch.setattr(StudyDriver, "record", interrupted)
    paused = launch_pack("pack", 4)
    assert paused.ending == "interrupted"
    states = [trial.state for trial in paused.study.all_trials()]
    assert states.count("WAITING") > 1
    assert "RUNNING" not in states
    resumed = resume("pack")
    assert table(resumed) == table(launch_pack("one", None))


def test_a_checkpoint_of_a_pack_is_gone_on_with_alone(launch_pack: Launch) -> None:
    launch_pack("pack", 4, timeout_seconds=1e-9)
    launch_pack("pack", 4, num_trials=3)
    assert table(launch_pack("pack", None)) == table(launch_pack("one", None))


def test_auto_measures_the_first_trial_and_says_what_it_chose(
    launch_pack: Launch, capsys: pytest.CaptureFixture[str]
) -> None:
    measured = launch_pack("pack", 4, is_measured=True)
    assert "--trials-per-gpu auto chose" in capsys.readouterr().err
    assert table(measured) == table(launch_pack("one", None))


def with_driver(launch_pack: Launch, patch: pytest.MonkeyPatch, look: Callable[[StudyDriver], None]) -> None:
    """Let `look` use the driver of a new study in place of a runner."""

    def run(runner: InlineRunner, driver: StudyDriver, plan: Any, termination: Any) -> None:
        look(driver)
        driver.pause_all()

    patch.setattr(InlineRunner, "run", run)
    launch_pack("driven", None)


def test_a_process_that_dies_with_several_trials_fails_none_of_them(
    launch_pack: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(driver: StudyDriver) -> None:
        for _ in range(2):
            driver.ask()
        for _ in range(5):
            assert driver.lose(0, "killed", with_others=True) is None
            assert driver.ask().number == 0  # type: ignore[union-attr]
        assert [driver.running[number].alone for number in (0, 1)] == [True, False]
        assert driver.lose(0, "killed", blameless=True) is None
        driver.ask()
        assert driver.lose(0, "killed").stop_reason == "error"  # type: ignore[union-attr]

    with_driver(launch_pack, monkeypatch, look)


def test_a_trial_that_must_be_alone_waits_for_an_empty_process_and_keeps_it(
    launch_pack: Launch, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(driver: StudyDriver) -> None:
        handout = Handout(driver)
        assert [handout.next(here).number for here in ([], [0])] == [0, 1]  # type: ignore[union-attr]
        driver.make_room(0)
        assert handout.next([1]) is None
        assert handout.next([1], Place("elsewhere")) is None
        assert handout.next([], Place("there")).number == 0  # type: ignore[union-attr]
        assert driver.running[0].places[-1] == Place("there")
        assert handout.next([0]) is None
        assert handout.next([1]).number == 2  # type: ignore[union-attr]

    with_driver(launch_pack, monkeypatch, look)


def test_an_overdue_trial_gets_its_time_again_alone(
    launch_pack: Launch, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def look(driver: StudyDriver) -> None:
        runner = RayRunner(3, trial_timeout_seconds=9.0)
        runner._heard = Heard(tmp_path, driver.logs)
        slot = KnownSlot(3)
        runner._slots = {0: slot}
        for lane in slot.lanes[:2]:
            lane.number = driver.ask().number  # type: ignore[union-attr]
        slot.lanes[0].deadline = 0.0
        runner._kill_overdue(driver)
        assert slot.is_killed
        assert slot.numbers == [1]
        assert driver.ask().number == 0  # type: ignore[union-attr]
        assert driver.running[0].stays_alone
        runner._slots = {0: KnownSlot(3)}
        runner._slots[0].lanes[0].number, runner._slots[0].lanes[0].deadline = 0, 0.0
        runner._kill_overdue(driver)
        assert driver.ends[0].state == "FAIL"

    from sweeps.runners.ray_tune.heard import Heard
    from sweeps.runners.ray_tune.known_slot import KnownSlot
    from sweeps.runners.ray_tune.runner import RayRunner

    with_driver(launch_pack, monkeypatch, look)


@pytest.mark.ray
def test_when_the_process_of_a_pack_dies_its_trials_go_on_from_their_checkpoints(
    launch_pack: Launch, tmp_path: Path
) -> None:
    words = ("learns", "dies", "breaks_device", "needs_room")
    grid = behaving(*words, mark=tmp_path / "died")
    packed = launch_pack("pack", 3, runner="ray", workers=3, **grid)
    assert (tmp_path / "died").exists()  # so it does not die again, here
    assert table(packed) == table(launch_pack("one", None, **grid))
    states = {trial.params["behaviour"]: trial.state for trial in packed.study.table()}
    assert [word for word in words if states[word] == "FAIL"] == ["breaks_device"]
