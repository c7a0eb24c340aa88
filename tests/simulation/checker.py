"""What must hold of every schedule: read from the history of commits, and from the database and files at the end."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

from storage.leases import LEASE_SECONDS
from tests.simulation.database import Commit
from tests.simulation.scheduler import Process
from tests.simulation.world import World

_NOT_A_STUDYS = {"sweep_leases", "sweep_counters"}
_REQUEST = "INSERT INTO sweep_requests"  # anybody may ask a driver to stop; only drivers clear requests
OBEYS_SECONDS = 10.0
_PAUSED = (
    "SELECT number FROM trials JOIN trial_user_attributes a USING (trial_id) "
    "WHERE a.key = 'stop_reason' AND value_json = '\"paused\"'"
)
_COLUMNS = re.compile(r"INSERT INTO sweep_rounds \((.*?)\)")


class Wrong(AssertionError):
    """A promise that was broken."""


def check(world: World, expected: list[list[Any]]) -> None:
    """Raises Wrong. expected: the figures of each specification, undisturbed."""
    _no_write_after_a_lost_lease(world.disk.history)
    _no_fault_of_ours(world)
    _no_live_driver_loses_its_study(world)
    _whoever_is_asked_to_stop_does(world)
    _no_round_twice(world.disk.history)
    _nothing_is_left(world)
    if (found := figures(world)) != expected[world.generation]:
        raise Wrong(f"the table is not the undisturbed one:\n{found}\n{expected[world.generation]}")
    _files_are_the_tables(world)


def _no_fault_of_ours(world: World) -> None:
    for process in world.processes:
        if process.error is not None:
            raise Wrong(f"{process} ended by {process.error!r}") from process.error


def _tables(commit: Commit) -> set[str]:
    tables = {re.split(r"[ (]+", sql)[1 if sql.startswith("UPDATE") else 2] for sql, _ in commit.writes}
    return tables - {"sweep_requests"} if _writes(commit, _REQUEST) else tables


def _writes(commit: Commit, what: str) -> bool:
    return any(sql.startswith(what) for sql, _ in commit.writes)


def _no_write_after_a_lost_lease(history: list[Commit]) -> None:
    """Whoever changes a study has its lease at that moment, but for who makes or deletes it."""
    before: dict[int, tuple[str, int]] = {}
    for commit in history:
        tables, process = _tables(commit) - _NOT_A_STUDYS, commit.process
        is_new = _writes(commit, "INSERT INTO sweep_studies")
        if tables and not is_new:
            is_deletion = _writes(commit, "DELETE FROM studies")
            holders = before if is_deletion else commit.holders
            if process.study_id is None or holders.get(process.study_id) != (process.place, process.pid):
                raise Wrong(
                    f"write after a lost lease: {process} to {sorted(tables)} at {commit.now:.2f} s, the lease being "
                    f"{holders.get(process.study_id or 0)}'s"
                )
        before = commit.holders


def _no_live_driver_loses_its_study(world: World) -> None:
    """Nobody takes over from a driver that lives, unless something broke within the lease time before."""
    before: dict[int, tuple[str, int]] = {}
    for commit in world.disk.history:
        for study, (place, pid) in commit.holders.items():
            was = before.get(study, (place, pid))
            if was != (place, pid):
                loser = next(each for each in world.processes if (each.place, each.pid) == was)
                is_alive = commit.now < world.ended_at.get(loser, float("inf"))
                if is_alive and not world.was_troubled(commit.now, LEASE_SECONDS + 5.0):
                    raise Wrong(
                        f"{commit.process} took the study from {loser}, which was alive, at {commit.now:.2f} s"
                    )
        before = commit.holders


def _whoever_is_asked_to_stop_does(world: World) -> None:
    """A driver that was asked starts no new trial, once it has had the time to look."""
    driving: set[Process] = set()  # those that have cleared requests to earlier runs
    asked: dict[Process, float] = {}
    for commit in world.disk.history:
        process = commit.process
        if _writes(commit, _REQUEST):
            asked |= {each: commit.now for each in driving if _holds_any(each, commit)}
        elif _writes(commit, "DELETE FROM sweep_requests"):
            driving.add(process)
        since = asked.get(process, commit.now)
        is_late = commit.now > since + OBEYS_SECONDS and not world.was_troubled(commit.now, OBEYS_SECONDS)
        if is_late and _writes(commit, "INSERT INTO trials"):
            raise Wrong(
                f"{process} was asked to stop at {since:.2f} s and began a trial at {commit.now:.2f} s"
            )


def _holds_any(process: Process, commit: Commit) -> bool:
    return (process.place, process.pid) in commit.holders.values()


def _no_round_twice(history: list[Commit]) -> None:
    stored: Counter[tuple[Any, ...]] = Counter()
    for commit in history:
        for sql, args in commit.writes:
            if found := _COLUMNS.match(sql):
                columns = [name.strip('" ') for name in found[1].split(",")]
                row = dict(zip(columns, args[0], strict=True))
                stored[row["study_id"], row["trial"], row["index"]] += 1
    if twice := [round_ for round_, times in stored.items() if times > 1]:
        raise Wrong(f"stored twice: {twice}")


def _nothing_is_left(world: World) -> None:
    if running := world.rows("SELECT number, state FROM trials WHERE state IN ('RUNNING', 'WAITING')"):
        raise Wrong(f"no driver, and still: {running}")
    if left := world.rows(f"SELECT * FROM sweep_checkpoints WHERE trial NOT IN ({_PAUSED})"):
        raise Wrong(f"checkpoints of ended trials: {left}")
    for table in ("sweep_rounds", "sweep_studies", "trials"):  # a request to a deleted study does no harm
        if left := world.rows(f"SELECT * FROM {table} WHERE study_id NOT IN (SELECT study_id FROM studies)"):
            raise Wrong(f"of no study, in {table}: {left}")


def figures(world: World) -> list[Any]:
    """The study as that which must not depend on who ran it and how often it was cut off."""
    notes = ("stop_reason", "best_round", "rounds", "because", "weights", "differs")
    ids = {
        number: trial for trial, number in world.rows("SELECT trial_id, number FROM trials ORDER BY number")
    }
    of_trials = [
        [
            world.rows("SELECT number, state FROM trials WHERE trial_id = ?", trial),
            world.rows("SELECT value FROM trial_values WHERE trial_id = ?", trial),
            world.rows(
                "SELECT param_name, param_value FROM trial_params WHERE trial_id = ? ORDER BY 1", trial
            ),
            world.rows(
                f"SELECT key, value_json FROM trial_user_attributes WHERE trial_id = ? AND key IN {notes} ORDER BY 1",
                trial,
            ),
            world.rows(
                "SELECT step, intermediate_value FROM trial_intermediate_values WHERE trial_id = ? ORDER BY 1",
                trial,
            ),
        ]
        for trial in ids.values()
    ]
    rounds = world.rows('SELECT trial, "index", valid_score, train_loss FROM sweep_rounds ORDER BY 1, 2')
    return [list(ids), of_trials, rounds]


def _files_are_the_tables(world: World) -> None:
    """best.yaml tells of the best trial, and of weights and checkpoints only the best one's weights are there."""
    out = Path(str(world.launches[world.generation].run.out))
    best = world.rows(
        "SELECT t.number, value_json FROM trials t JOIN trial_values v USING (trial_id) JOIN trial_user_attributes a "
        "USING (trial_id) WHERE state = 'COMPLETE' AND a.key = 'weights' ORDER BY v.value DESC, t.number LIMIT 1"
    )
    kept = sorted(re.findall(r'"file": "(.*?)"', str(weights))[0] for _, weights in best)
    there = sorted(path.name for path in (out / "weights").glob("*"))
    checkpoints = sorted(path.name for path in (out / "checkpoints").glob("*"))
    states = [json.loads(str(record)) for (record,) in world.rows("SELECT record FROM sweep_checkpoints")]
    kept = sorted({*kept, *(state["weights"]["file"] for state in states if state["weights"])})
    if (there, checkpoints) != (kept, sorted(state["file"] for state in states)):
        raise Wrong(f"files {there} and {checkpoints} instead of {kept} and {states}")
    told = json.loads((out / "best.yaml").read_text())
    if told["trial"] != best[0][0]:
        raise Wrong(f"best.yaml tells of trial {told['trial']} instead of {best[0][0]}")
