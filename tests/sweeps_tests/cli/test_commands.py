"""Every command as it is used: what it prints where, what it leaves behind, how it ends."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sweeps.study.stored_study import load
from tests.sweeps_tests.conftest import Sweep, TimeIsUp, contents, read_yaml

COMMANDS = {
    "audit",
    "confirm",
    "data",
    "diagnose",
    "reproduce",
    *("tasks", "launch", "resume", "stop", "delete", "status", "studies"),
    *("trials", "show", "best", "table", "review", "compare", "export", "replay", "dashboard"),
    *(
        "report",
        "tensorboard",
        "mlflow",
        "wandb",
        "completion",
        "lr",
        "batch",
        "check",
        "new",
        "add",
        "branch",
        "logs",
    ),
}
TRIAL_KEYS = ["trial", "state", "value", "best_round", "rounds", "stop_reason", "params"]


def rows(sweep: Sweep, *words: str) -> list[dict[str, Any]]:
    """What a command lists: one line of JSON, and nothing else, on stdout."""
    said = sweep(*words, "-f", "json")
    assert said.out.count("\n") == 1
    assert said.err == ""
    listed: list[dict[str, Any]] = json.loads(said.out)
    return listed


def values(sweep: Sweep, study: str = "s") -> list[float]:
    return [row["value"] for row in rows(sweep, "trials", study)]


# -- listing -----------------------------------------------------------------------------------------


def test_json_rows_have_stable_keys(launch: Sweep, sweep: Sweep) -> None:
    launch("-n", "2", "--study", "s")
    assert all(list(row)[:7] == TRIAL_KEYS for row in rows(sweep, "trials", "s"))
    (best,) = rows(sweep, "best", "s")
    assert {*TRIAL_KEYS, "study"} <= set(best)
    tasks = rows(sweep, "tasks")
    assert len(tasks) == 9
    for task in tasks:
        assert list(task)[:6] == ["task", "data", "metric", "direction", "defaults", "published"]
    (status,) = rows(sweep, "status", "s")
    counts = {"trials": 2, "complete": 2, "pruned": 0, "fail": 0, "running": 0, "waiting": 0, "driver": None}
    assert {name: status[name] for name in counts} == counts
    assert rows(sweep, "studies") == rows(sweep, "status") == [status]


def test_csv_has_the_same_rows_flattened(launch: Sweep, sweep: Sweep) -> None:
    launch("-n", "3", "--study", "s")
    table = list(csv.DictReader(io.StringIO(sweep("trials", "s", "-f", "csv").out)))
    assert [float(row["value"]) for row in table] == values(sweep)
    assert list(table[0])[6:11] == [
        "params.quality",
        "params.batch_size",
        "params.batch_norm",
        "params.bn_momentum",
        "because",
    ]
    assert [row["params.batch_norm"] for row in table] == ["false", "true", "true"]
    assert table[0]["params.bn_momentum"] == ""


def test_csv_of_nothing_has_its_header(launch: Sweep, sweep: Sweep) -> None:
    launch("-n", "1", "--study", "s", "--timeout", "1e-9", code=5)
    assert sweep("trials", "s", "-f", "csv").out == ",".join(TRIAL_KEYS) + "\n"
    assert rows(sweep, "trials", "s") == []
    nothing = sweep("trials", "s")
    assert (nothing.out, nothing.err) == ("", "s has no trials yet.\n")


def test_what_is_not_finite_is_named_in_json_and_csv(launch: Sweep, sweep: Sweep) -> None:
    launch("behaviour=diverges", "-n", "1", "--study", "s")
    (trial,) = rows(sweep, "show", "s", "0")
    assert trial["rounds_recorded"][-1]["train_loss"] == "NaN"
    table = list(csv.DictReader(io.StringIO(sweep("show", "s", "0", "-f", "csv").out)))
    assert [row["train_loss"] for row in table] == ["2.0", "1.0", repr(2 / 3), "NaN"]


def test_tables_and_messages_have_no_colour_when_piped(launch: Sweep, sweep: Sweep) -> None:
    said = [launch("behaviour=overfits", "-n", "2", "--study", "s")]
    said += [sweep(*words.split()) for words in ("tasks", "studies", "trials s", "best s", "show s 0")]
    for each in said:
        assert "\x1b" not in each.out + each.err
        assert "Traceback" not in each.err


def test_show_tells_why_a_trial_ended_and_its_rounds(launch: Sweep, sweep: Sweep) -> None:
    launch("behaviour=overfits", "-n", "1", "--study", "s")
    shown = sweep("show", "s", "0").out
    assert "trial 0 of s: COMPLETE, overfitting" in shown
    assert "because     validation loss has risen" in shown
    assert "valid_loss_then" in shown
    assert "learning_rate=0.1" in shown  # a parameter that is not searched
    assert len(list(csv.DictReader(io.StringIO(sweep("show", "s", "0", "-f", "csv").out)))) == 8
    assert "Study 's' has no trial 9." in sweep("show", "s", "9", code=2).err


def test_best_lists_as_many_as_are_asked_for(launch: Sweep, sweep: Sweep) -> None:
    launch("-n", "4", "--study", "s")
    ranked = [row["value"] for row in rows(sweep, "best", "s", "--top", "3")]
    assert ranked == sorted(values(sweep), reverse=True)[:3]
    assert [row["trial"] for row in rows(sweep, "best", "s")] == [load("s").best().number]
    assert "is not in the range" in sweep("best", "s", "--top", "0", code=2).err


def test_the_reason_of_a_failure_stands_in_the_table_of_trials(launch: Sweep, sweep: Sweep) -> None:
    launch("behaviour=crashes", "-n", "1", "--study", "s", code=5)
    assert "RuntimeError: the toy crashes" in sweep("trials", "s").out


# -- launch ------------------------------------------------------------------------------------------


def test_a_launch_speaks_to_people_only(launch: Sweep) -> None:
    said = launch("-n", "2", "--study", "s")
    assert said.out == ""
    for word in (
        "study    s (new)",
        "2 by tpe, the first 2 of them its random start-up",
        "trial 1",
        "rounds run",
    ):
        assert word in said.err
    assert f"sweep replay {load('s').best_path}" in said.err


def test_a_dry_run_writes_nothing(launch: Sweep, tmp_path: Path) -> None:
    said = launch("--dry-run", "--out", tmp_path / "out", "--storage", tmp_path / "new" / "s.db")
    assert "20 by tpe, the first 10 of them its random start-up" in said.err
    assert "(dry run: nothing is written)" in said.err
    assert contents(tmp_path) == {}


def test_a_dry_run_knows_the_study_that_is_there(launch: Sweep) -> None:
    launch("-n", "2", "--study", "s")
    assert "study    s (2 trials finished)" in launch("-n", "5", "--study", "s", "--dry-run").err
    assert "seed: 0 -> 1" in launch("--study", "s", "--seed", "1", "--dry-run", code=2).err


def test_the_default_name_is_the_task_and_the_fingerprint(launch: Sweep, sweep: Sweep) -> None:
    launch("-n", "1")
    launch("-n", "1", "--seed", "1")
    names = [row["study"] for row in rows(sweep, "studies")]
    assert names == [f"toy-{load(name).row.fingerprint[:8]}" for name in names]
    assert len(set(names)) == 2


def test_n_is_the_total_and_a_launch_again_continues(launch: Sweep, sweep: Sweep) -> None:
    launch("-n", "2", "--study", "s")
    assert "study    s (2 trials finished)" in launch("-n", "5", "--study", "s").err
    assert len(values(sweep)) == 5
    again = launch("-n", "5", "--study", "s")
    assert "complete; use a larger -n" in again.err
    assert "Best trials of s:" in again.err
    launch("-n", "5", "--study", "undisturbed")
    assert values(sweep) == values(sweep, "undisturbed")


def test_a_value_fixes_a_parameter_and_a_range_changes_it(launch: Sweep, sweep: Sweep) -> None:
    said = launch("-n", "6", "--study", "s", "batch_size=8", "quality=0.6..0.7")
    assert "batch_size 8 (fixed)" in said.err
    assert "quality 0.6 … 0.7" in said.err
    trials = rows(sweep, "trials", "s")
    assert all("batch_size" not in row["params"] and 0.6 <= row["params"]["quality"] <= 0.7 for row in trials)
    assert rows(sweep, "show", "s", "0")[0]["parameters"]["batch_size"] == 8


def test_a_best_config_is_where_the_next_study_starts(launch: Sweep, sweep: Sweep) -> None:
    launch("-n", "6", "--study", "first")
    best = load("first")
    launch("-n", "2", "--study", "second", "--enqueue", best.best_path, "quality=0.1..0.95")
    assert rows(sweep, "trials", "second")[1]["params"] == best.searched(best.best())


def test_a_target_ends_at_the_lowest_numbered_trial_that_reaches_it(launch: Sweep, sweep: Sweep) -> None:
    said = launch("-n", "8", "--study", "s", "--target", "0.55")
    reached = [value >= 0.55 for value in values(sweep)]
    assert reached == [False] * (len(reached) - 1) + [True]
    assert len(reached) < 8
    assert f"Trial {len(reached) - 1} reached the target 0.55." in said.err


def test_a_timeout_pauses_running_trials_and_status_shows_them(
    launch: Sweep, sweep: Sweep, time_is_up: TimeIsUp
) -> None:
    with time_is_up(after_rounds=3):
        said = launch("-n", "2", "--study", "s", "--rounds", "100", "--timeout", "1", code=5)
    assert "trial 0 paused" in said.err
    assert "The time is up. To continue: sweep resume s" in said.err
    assert (
        "sweep: The time limit was reached before a trial was complete. To continue: sweep resume s"
        in said.err
    )
    assert [row["state"] for row in rows(sweep, "trials", "s")] == ["WAITING"]
    assert rows(sweep, "status", "s")[0]["waiting"] == 1
    shown = sweep("status", "s").out
    assert "trial 0 waiting: round 3" in shown
    assert " of 100" in shown


@pytest.mark.parametrize(("keep", "num_kept"), [("top:2", 2), ("all", 5), ("none", 0)])
def test_the_weights_that_are_asked_for_are_kept(
    launch: Sweep, tmp_path: Path, keep: str, num_kept: int
) -> None:
    launch("-n", "5", "--keep-weights", keep, "--out", tmp_path / "out")
    assert len(list((tmp_path / "out").glob("weights/*.pt"))) == num_kept
    weights = read_yaml(tmp_path / "out" / "best.yaml")["weights"]
    assert weights is None if num_kept == 0 else (tmp_path / "out" / weights["file"]).is_file()


def test_too_many_failures_end_the_study(launch: Sweep, sweep: Sweep) -> None:
    said = launch("behaviour=crashes", "-n", "20", "--study", "s", "--max-failures", "2", code=3)
    assert "Too many trials failed. To see why: sweep show s 1" in said.err
    assert [row["state"] for row in rows(sweep, "trials", "s")] == ["FAIL", "FAIL"]


def test_a_study_without_a_completed_trial_has_a_code_of_its_own(launch: Sweep, sweep: Sweep) -> None:
    said = launch("behaviour=crashes", "-n", "2", "--study", "s", code=5)
    assert "No trial completed. To see why: sweep show s 1" in said.err
    for command in ("best", "export"):
        assert "Study 's' has no completed trial yet." in sweep(command, "s", code=5).err
    assert not load("s").best_path.exists()


def test_the_next_commands_find_a_database_elsewhere(launch: Sweep, sweep: Sweep, tmp_path: Path) -> None:
    said = launch("-n", "1", "--study", "s", "--storage", tmp_path / "my studies.db")
    (line,) = [line for line in said.err.splitlines() if "sweep show" in line]
    assert line.split(maxsplit=4)[4] == f"--storage 'sqlite:///{tmp_path}/my studies.db'"
    assert rows(sweep, "trials", "s", "--storage", str(tmp_path / "my studies.db"))
    failing = launch("behaviour=crashes", "-n", "1", "--storage", tmp_path / "my studies.db", code=5)
    assert f"--storage 'sqlite:///{tmp_path}/my studies.db'" in failing.err.splitlines()[-1]


def test_the_environment_names_the_database(
    launch: Sweep, sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SWEEP_STORAGE", f"sqlite:///{tmp_path / 'named.db'}")
    assert "--storage" not in launch("-n", "1", "--study", "s").err
    assert (tmp_path / "named.db").exists()
    assert len(rows(sweep, "studies")) == 1


# -- resume, stop, delete ----------------------------------------------------------------------------


def test_resume_takes_new_options_and_keeps_the_others(launch: Sweep, sweep: Sweep, tmp_path: Path) -> None:
    launch("-n", "2", "--study", "s", "--keep-weights", "all", "--out", tmp_path / "out")
    sweep("resume", "s", "-n", "4")
    run = load("s").run
    assert (run.num_trials, run.keep_weights, run.out) == (4, "all", str(tmp_path / "out"))
    assert len(list((tmp_path / "out").glob("weights/*.pt"))) == len(values(sweep)) == 4


def test_a_grid_is_resumed_to_its_last_cell(launch: Sweep, sweep: Sweep) -> None:
    launch("--sampler", "grid", "quality=0.5", "bn_momentum=0.1", "-n", "2", "--study", "s")
    sweep("resume", "s", "-n", "99")
    cells = [tuple(row["params"].values()) for row in rows(sweep, "trials", "s")]
    assert cells == [(1,), (8, True), (8, False), (32, True), (32, False)]


def test_a_target_outlives_an_interruption(launch: Sweep, sweep: Sweep) -> None:
    words = ("-n", "8", "--target", "0.55")
    launch(*words, "--study", "s", "--timeout", "1e-9", code=5)
    sweep("resume", "s")
    launch(*words, "--study", "undisturbed")
    assert values(sweep) == values(sweep, "undisturbed")


def test_a_study_goes_on_after_too_many_failures(launch: Sweep, sweep: Sweep) -> None:
    launch("behaviour=crashes", "-n", "20", "--study", "s", "--max-failures", "2", code=3)
    sweep("resume", "s", code=3)
    assert len(rows(sweep, "trials", "s")) == 4


def test_stop_without_a_driver_asks_nobody(launch: Sweep, sweep: Sweep) -> None:
    launch("-n", "1", "--study", "s")
    assert (
        "s is not running, so there is nothing to stop. To continue it: sweep resume s"
        in sweep("stop", "s").err
    )
    launch("-n", "2", "--study", "s")
    assert len(values(sweep)) == 2


def test_delete_removes_the_study_and_what_it_left(launch: Sweep, sweep: Sweep, tmp_path: Path) -> None:
    out = tmp_path / "out"
    (out / "weights").mkdir(parents=True)
    (out / "weights" / "mine.pt").touch()
    launch("-n", "2", "--study", "s", "--out", out)
    sweep("delete", "s", "--yes")
    assert rows(sweep, "studies") == []
    assert set(contents(out)) == {out / "weights", out / "weights" / "mine.pt"}


def test_delete_asks_and_takes_no_for_an_answer(
    launch: Sweep, sweep: Sweep, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch("-n", "1", "--study", "s")
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\n"))
    assert "Nothing was deleted." in sweep("delete", "s").err
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert "Delete s with 1 trials? [y/N]" in sweep("delete", "s", code=130).err
    assert len(values(sweep)) == 1


def test_delete_leaves_the_results_of_another_study(launch: Sweep, sweep: Sweep, tmp_path: Path) -> None:
    launch("-n", "1", "--study", "first", "--out", tmp_path / "first")
    launch("-n", "1", "--study", "second", "--seed", "1", "--out", tmp_path / "second")
    (tmp_path / "first").rename(tmp_path / "moved")
    (tmp_path / "second").rename(tmp_path / "first")
    sweep("delete", "first", "--yes")
    assert read_yaml(tmp_path / "first" / "best.yaml")["study"] == "second"
    assert list((tmp_path / "first").glob("weights/*.pt"))


# -- how it ends -------------------------------------------------------------------------------------


def test_help_lists_every_command_and_bare_sweep_is_a_usage_error(sweep: Sweep) -> None:
    listed = set(
        re.findall(r"^  ([a-z]+)", sweep("--help").out.partition("Commands:")[2], flags=re.MULTILINE)
    )
    assert listed == COMMANDS
    assert "Usage: sweep" in sweep(code=2).err
    assert "Missing argument 'TASK'" in sweep("launch", code=2).err


def test_a_bug_is_admitted_and_hides_its_traceback(sweep: Sweep, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("objectives.registry.all_tasks", lambda: 1 / 0)
    said = sweep("tasks", code=1)
    assert said.err.splitlines() == [
        "sweep: ZeroDivisionError: division by zero",
        "This is a bug in onset-sweeps. Use --debug to see where it happened.",
    ]
    assert "Traceback" in sweep("--debug", "tasks", code=1).err


def test_the_installed_command_is_quiet_and_without_colour_in_a_pipe() -> None:
    command = [str(Path(sys.executable).with_name("sweep")), "tasks"]
    ended = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "TERM": "xterm-256color"}
    )
    assert "mnist_mlp" in ended.stdout
    assert "\x1b" not in ended.stdout
    assert ended.stderr == ""
