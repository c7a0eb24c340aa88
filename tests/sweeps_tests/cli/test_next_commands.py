"""Each command that a message names is run here, as it stands there, in the state in which it is named."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from storage.errors import GivenUp
from storage.leases import acquire
from sweeps.best_config.document import read_config
from sweeps.errors import RunBroken, Unwritable
from sweeps.runners.inline import InlineRunner
from sweeps.study.stored_study import load
from tests.conftest import HERE, TOY_SPACE
from tests.sweeps_tests.conftest import Said, Sweep, read_yaml


def named(said: Said) -> list[list[str]]:
    """The commands that a message names, as words."""
    found = re.findall(
        r"(?:To continue|To see why|Next|command|the code): (sweep .*?)(?=\. To continue|\. After|, or launch|\.?\n|$)",
        said.err,
    )
    return [shlex.split(command)[1:] for command in found]


@pytest.fixture
def elsewhere(tmp_path: Path) -> tuple[str, str]:
    """A database that is not the default one."""
    return "--storage", f"sqlite:///{tmp_path}/a database.db"


def test_after_a_launch(launch: Sweep, sweep: Sweep, elsewhere: tuple[str, str]) -> None:
    said = launch("-n", "2", "--study", "s", *elsewhere)
    commands = [
        shlex.split(line.removeprefix("Next:"))[1:] for line in said.err.splitlines() if "sweep " in line
    ]
    assert [words[0] for words in commands if words[0] != "dashboard"] == ["replay", "show"]
    for words in commands[:2]:
        sweep(*words)


def test_when_the_time_is_up(launch: Sweep, sweep: Sweep, elsewhere: tuple[str, str]) -> None:
    said = launch("-n", "3", "seconds=0.05", "--timeout", "0.01", "--study", "s", *elsewhere, code=5)
    (words,) = {tuple(words) for words in named(said)}
    sweep(*words)
    assert len(load("s", elsewhere[1]).table()) == 3


def test_where_trials_fail_the_traceback_is_shown(
    launch: Sweep, sweep: Sweep, elsewhere: tuple[str, str]
) -> None:
    said = launch("-n", "9", "behaviour=crashes", "--study", "s", *elsewhere, code=3)
    why, again = named(said)
    assert "the toy crashes, as it was asked to" in sweep(*why).out
    assert "Traceback" in sweep(*why).out
    sweep(*again, code=3)


@pytest.mark.parametrize("command", ["confirm", "audit"])
def test_a_repeat_whose_time_is_up_is_gone_on_with_by_the_command_given(
    launch: Sweep, sweep: Sweep, elsewhere: tuple[str, str], command: str
) -> None:
    launch("-n", "3", "seconds=0.01", "behaviour=overfits", "--study", "s", *elsewhere)
    options = ["--top", "2", "--seeds", "2", "--sealed"] if command == "confirm" else ["--share", "0.9"]
    said = sweep(command, "s", *options, "--timeout", "0.01", "--runner", "inline", *elsewhere, code=5)
    (words,) = named(said)
    assert words[:2] == [command, "s"]
    assert set(options) < set(words)
    longer = [word for word in words if word not in ("--timeout", "0.01")]
    sweep(*longer, "-f", "json")


def test_where_a_task_has_changed_force_is_named(
    launch: Sweep, sweep: Sweep, elsewhere: tuple[str, str], tmp_path: Path
) -> None:
    task = tmp_path / "my_task.py"
    task.write_text((HERE / "toy.py").read_text())
    words = ("launch", f"{task}:Toy", "--space", TOY_SPACE, "--runner", "inline", "--study", "s", *elsewhere)
    sweep(*words, "-n", "2")
    task.write_text(task.read_text() + "\n# changed\n")
    said = sweep(*words, "-n", "3", code=2)
    (found,) = re.findall("`(sweep resume .*?)`", said.err)
    sweep(*shlex.split(found)[1:], "-n", "3")


def test_a_run_that_was_forced_is_gone_on_with_by_force(sweep: Sweep, tmp_path: Path) -> None:
    task = tmp_path / "my_task.py"
    task.write_text((HERE / "toy.py").read_text())
    options = ("--space", TOY_SPACE, "--runner", "inline", "--study", "s")
    sweep("launch", f"{task}:Toy", "seconds=0.05", *options, "-n", "1")
    task.write_text(task.read_text() + "\n# changed\n")
    said = sweep("resume", "s", "--force", "-n", "3", "--timeout", "0.01")
    (words,) = {tuple(words) for words in named(said) if words[0] == "resume"}
    assert "--force" in words
    sweep(*words)


def test_a_study_that_is_not_there_comes_with_the_list_of_its_database(
    launch: Sweep, sweep: Sweep, elsewhere: tuple[str, str]
) -> None:
    launch("-n", "1", "--study", "s", *elsewhere)
    for words in (("show", "t", "0"), ("resume", "t"), ("confirm", "t")):
        said = sweep(*words, *elsewhere, code=2).err
        (command,) = re.findall("To see all studies: (sweep .*)", said)
        assert '"study": "s"' in sweep(*shlex.split(command)[1:], "-f", "json").out


def test_a_study_that_is_running_comes_with_what_watches_and_ends_it(
    launch: Sweep, sweep: Sweep, elsewhere: tuple[str, str]
) -> None:
    launch("-n", "1", "--study", "s", *elsewhere)
    study = load("s", elsewhere[1])
    lease = acquire(study.database, study.row.study_id)
    for words in (("resume", "s"), ("delete", "s", "--yes")):
        said = sweep(*words, *elsewhere, code=2).err
        watch, stop = re.findall("(?:To watch it|To end its run): (sweep .*?)(?= To end|\n)", said)
        assert f"status s --watch {' '.join(elsewhere[:1])}" in watch
        assert "was asked to stop" in sweep(*shlex.split(stop)[1:]).err
    lease.release()


def test_what_breaks_a_run_comes_with_what_continues_it(
    launch: Sweep, sweep: Sweep, elsewhere: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    launch("-n", "2", "--study", "s", *elsewhere)
    for error in (GivenUp("Unreachable."), Unwritable("Full."), RunBroken("Ray broke down.")):
        for words in (
            ("resume", "s", "-n", "4"),
            ("confirm", "s", "--top", "1", "--sealed", "--runner", "inline"),
        ):
            with monkeypatch.context() as patch:
                patch.setattr(InlineRunner, "run", _raiser(error))
                (again,) = named(sweep(*words, *elsewhere, code=1))
            assert again[:2] == [*words[:2]]
            assert set(elsewhere) < set(again)
    sweep(*again)


def _raiser(error: Exception) -> Callable[..., None]:
    def run(*args: object) -> None:
        raise error

    return run


def test_a_changed_task_comes_with_the_command_that_continues_anyway(
    sweep: Sweep, tmp_path: Path, elsewhere: tuple[str, str]
) -> None:
    task = tmp_path / "my_task.py"
    task.write_text((HERE / "toy.py").read_text())
    options = ("--space", TOY_SPACE, "--runner", "inline", "--study", "s", *elsewhere)
    sweep("launch", f"{task}:Toy", *options, "-n", "1")
    task.write_text(task.read_text() + "\n# changed\n")
    said = sweep("resume", "s", *elsewhere, code=2).err
    (command,) = re.findall("continue anyway: (sweep .*)", said)
    sweep(*shlex.split(command)[1:])


# -- one answer ----------------------------------------------------------------------------------------


@pytest.fixture
def overturned(launch: Sweep, sweep: Sweep) -> tuple[int, int]:
    """A study whose confirmation chose another trial than the search: the chosen one, and the search's best."""
    space = ("quality=0.6..0.6001",)  # what decides then is noise
    for seed in range(10):
        launch("-n", "4", *space, "--seed", str(seed), "--study", "s")
        sweep("confirm", "s", "--top", "3", "--seeds", "2", "--sealed", "--runner", "inline")
        study = load("s")
        best, confirmation = study.best(), study.confirmation()
        assert confirmation is not None
        if confirmation.trial != best.number:
            return confirmation.trial, best.number
        sweep("delete", "s", "--yes")
    raise AssertionError("no confirmation chose another trial")


def test_after_a_confirmation_every_command_names_the_confirmed_trial_and_says_both(
    overturned: tuple[int, int], sweep: Sweep, tmp_path: Path
) -> None:
    chosen, searched = overturned
    assert read_config(load("s").best_path).trial == chosen
    sweep("export", "s", "-o", tmp_path / "exported.yaml")
    assert read_yaml(tmp_path / "exported.yaml")["trial"] == chosen
    for words in (("best", "s"), ("export", "s", "-o", "-"), ("resume", "s", "--runner", "inline")):
        said = sweep(*words).err
        assert f"Trial {chosen} is best by its mean in s-confirm-" in said
        assert f"The best single run of the search is trial {searched}:" in said
    assert f'"trial": {chosen}' in sweep("best", "s", "-f", "json").out
    top = load("s").answers(3)
    assert [trial.number for trial in top[:2]] == [chosen, searched]
    assert len({trial.number for trial in top}) == 3


# -- what belongs together -----------------------------------------------------------------------------


def test_a_value_stands_beside_its_own_round(launch: Sweep, sweep: Sweep, tmp_path: Path) -> None:
    space = tmp_path / "space.yaml"
    space.write_text(
        "space:\n  behaviour: {choices: [learns, overfits, diverges, collapses]}\n  quality: {choices: [0.05, 0.6]}\n"
    )
    launch("--space", space, "--sampler", "grid", "--study", "s")
    study = load("s")
    for record in study.records():
        rounds = study.rounds().query(f"trial == {record['trial']}").set_index("index")
        if record["value"] is not None:
            assert rounds.loc[record["best_round"], "valid_score"] == record["value"]
            said = sweep("show", "s", str(record["trial"])).out
            assert f"at round {record['best_round']} of {record['rounds']}" in said
        assert record["rounds"] == len(rounds)
    assert {record["state"] for record in study.records()} == {"COMPLETE", "PRUNED"}
