"""The dashboard shows a study, takes notes, and lets nobody alter anything."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import optuna
import pytest

from sweeps.cli import main
from sweeps.cli.dashboard_server import make_dashboard
from sweeps.errors import UsageError
from sweeps.report.comparison import compare
from sweeps.report.dashboard.notes import own_note, trial_note
from sweeps.study.stored_study import load
from tests.conftest import ToyLauncher
from tests.sweeps_tests.cli.dashboards import NUM_TRIALS, Served, serving

# -- reading -----------------------------------------------------------------------------------------


def test_the_page_and_its_script_are_served(served: Served) -> None:
    with urllib.request.urlopen(served.url) as page:
        assert page.url == f"{served.url}/dashboard"
        (script,) = re.findall(r'<script.*?src="(.+?)"', page.read().decode())
    with urllib.request.urlopen(served.url + script) as answer:
        assert "javascript" in answer.headers["Content-Type"]


def test_the_study_is_listed_with_its_trials_and_rounds(served: Served) -> None:
    (listed,) = served.get("/api/studies")["study_summaries"]
    best = served.study.best().value
    assert listed["study_name"] == f"curves ({NUM_TRIALS} of {NUM_TRIALS} trials, best accuracy {best:.4g})"
    assert listed["directions"] == ["maximize"]
    detail = served.get(f"/api/studies/{listed['study_id']}")
    shown = {
        trial["number"]: {each["step"]: each["value"] for each in trial["intermediate_values"]}
        for trial in detail["trials"]
    }
    recorded = served.study.rounds().pivot(index="trial", columns="index", values="valid_score")
    assert shown == recorded.to_dict(orient="index")


def test_the_dashboard_s_best_trial_is_ours(served: Served) -> None:
    (shown,) = served.get("/api/studies/1")["best_trials"]
    best = served.study.best()
    assert (shown["number"], shown["values"]) == (best.number, [float(f"{best.value:.6g}")])


@pytest.mark.parametrize("behaviour", ["diverges", "nan_at_once", "crashes"])
def test_trials_without_a_finite_end_are_shown(launch_toy: ToyLauncher, behaviour: str) -> None:
    study = launch_toy(f"behaviour={behaviour}", num_trials=1).study
    with serving(study) as dashboard:
        (trial,) = dashboard.get("/api/studies/1")["trials"]
    assert trial["state"].upper() == study.trial(0).state
    notes = {each["key"]: each["value"] for each in trial["user_attrs"]}
    evidence = study.trial(0).attributes["evidence"]
    assert {key for key in notes if key.startswith("evidence: ")} == {
        f"evidence: {name.replace('_', ' ')}" for name in evidence
    }
    assert notes["why it ended"] == study.trial(0).attributes["stop_reason"]


HOSTILE = "<img src=x onerror=alert(1)> **b** [a](javascript:x) \x1b[31m"


def test_a_note_begins_with_why_the_trial_ended_and_hostile_text_in_it_is_plain() -> None:
    note = trial_note(3, "Fail", {"stop_reason": "error", "because": HOSTILE, "traceback": "```\x1b"}, "")
    assert note.startswith("**Failed**: &lt;img src=x onerror=alert\\(1\\)&gt; \\*\\*b\\*\\* \\[a\\]")
    assert "\x1b" not in note
    assert note.count("```") == 2


def test_a_study_that_runs_while_its_dashboard_is_polled_has_the_same_table(launch_toy: ToyLauncher) -> None:
    alone = launch_toy(study="alone", num_trials=20).study
    done, seen = threading.Event(), []

    def poll(dashboard: Served) -> None:
        while not done.is_set():
            seen.append(dashboard.get("/api/studies/2")["note"]["body"].partition(" trials are finished")[0])

    launch_toy(study="watched", num_trials=1)
    with serving(load("watched")) as dashboard, ThreadPoolExecutor(1) as pool:
        polling = pool.submit(poll, dashboard)
        watched = launch_toy(study="watched", num_trials=20).study
        done.set()
        assert polling.result() is None  # each answer was a success
    assert compare(alone, watched).is_same_table
    assert len(set(seen)) > 1  # the notes followed the study


# -- what is refused ---------------------------------------------------------------------------------

ANYTHING = {  # what any route that writes could ask for
    "study_name": "renamed",
    "directions": ["maximize"],
    "state": "complete",
    "values": [1.0],
    "user_attrs": {"stop_reason": "forged"},
    "mode": "ChooseWorst",
    "candidates": [0, 1],
    "clicked": 0,
    "output_type": "note",
    "file": "data:text/plain;base64,eA==",
    "user_query": "trials",
    "version": 1,
    "body": "a note",
}


def writing_routes() -> list[tuple[str, str]]:
    """Method and path of every route of the installed dashboard that could write."""
    from optuna_dashboard import wsgi

    routes = [(route.method, route.rule) for route in wsgi(optuna.storages.InMemoryStorage()).routes]
    return [(method, re.sub("<.+?>", "1", rule)) for method, rule in routes if method != "GET"]


def assert_refused(served: Served, method: str, path: str, body: Any = ANYTHING, **headers: str) -> None:
    before = served.stored()
    status, text = served.ask(method, path, body, **headers)
    assert status == 403, f"{method} {path}: {text}"
    assert "sweep delete" in json.loads(text)["reason"]
    assert not served.stored() ^ before


def test_every_route_that_writes_is_refused_but_the_two_for_notes(served: Served) -> None:
    notes = {("PUT", "/api/studies/1/note"), ("PUT", "/api/studies/1/1/note")}
    routes = set(writing_routes())
    assert notes < routes
    assert ("DELETE", "/api/studies/1") in routes
    for method, path in sorted(routes - notes):
        assert_refused(served, method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/api/studies/1/"),
        ("DELETE", "//api/studies/1"),
        ("DELETE", "/api/studies//1"),
        ("DELETE", "/api/studies/%31"),
        ("DELETE", "/api/studies/%2e/1"),
        ("DELETE", "/api/studies/1%FF"),
        ("delete", "/api/studies/1"),
        ("Delete", "/api/studies/1"),
        ("post", "/api/studies/1/rename"),
        ("PATCH", "/api/studies/1"),
        ("POST", "/api/studies/1/note"),
        ("DELETE", "/api/studies/1?/api/studies/1/note"),
        ("PUT", "/api/studies/1/preference_feedback_component"),
        ("PUT", "/api/studies/1/preference_feedback_component?/note"),
        ("PUT", "/api/studies/1/preference_feedback_component/#/api/studies/1/note"),
        ("PUT", "/api/studies/1/note/../preference_feedback_component"),
        ("PUT", "/api/studies/1/note/%2e%2e/preference_feedback_component"),
        ("PUT", "/api/studies/1/preference_feedback_component%0A/api/studies/1/note"),
        ("PUT", "/api/studies/1/preference_feedback_component%00/api/studies/1/note"),
        ("PUT", "http://127.0.0.1/api/studies/1/preference_feedback_component"),
    ],
)
def test_no_spelling_gets_around_the_guard(served: Served, method: str, path: str) -> None:
    assert_refused(served, method, path)


@pytest.mark.parametrize("header", ["X_HTTP_Method_Override", "X_HTTP_Method", "X_Method_Override"])
def test_a_reading_request_can_t_pass_for_another(served: Served, header: str) -> None:
    before = served.stored()
    status, _ = served.ask("GET", "/api/studies/1?_method=DELETE", ANYTHING, **{header: "DELETE"})
    assert status == 200
    assert not served.stored() ^ before
    assert_refused(served, "POST", "/api/studies/1/rename", **{header: "GET"})


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        {"version": 1, "body": ["x"]},
        {"version": True, "body": "x"},
        {"version": 1},
    ],
)
def test_a_note_that_is_no_text_is_refused(served: Served, body: Any) -> None:
    assert_refused(served, "PUT", "/api/studies/1/note", body)


def test_the_refusal_of_a_long_request_arrives(served: Served) -> None:
    assert_refused(served, "POST", "/api/artifacts/1", b"x" * 1_000_000)


# -- notes -------------------------------------------------------------------------------------------


TEXTS = ["**too noisy**", "long " * 2000, "日本語 🙂 \x00 \ud800", ""]


def test_notes_on_a_study_and_on_a_trial_can_be_taken_and_read(launch_toy: ToyLauncher) -> None:
    with serving(launch_toy(num_trials=1).study) as dashboard:
        for version, text in enumerate(TEXTS, start=1):
            of_study, of_trial = (
                {"version": version, "body": text},
                {"version": version, "body": f"trial {text}"},
            )
            assert dashboard.ask("PUT", "/api/studies/1/note", of_study) == (200, "{}")
            assert dashboard.ask("PUT", "/api/studies/1/1/note/", of_trial) == (200, "{}")
            shown = dashboard.get("/api/studies/1")
            for saved, note in ((of_study, shown["note"]), (of_trial, shown["trials"][0]["note"])):
                assert {**note, "body": own_note(note["body"])} == saved
                again = {"version": version, "body": note["body"]}  # what an editor sends back: our part, too
                assert own_note(again["body"]) == saved["body"]


def test_notes_leave_the_study_as_it_was(launch_toy: ToyLauncher) -> None:
    study = launch_toy(num_trials=1).study
    with serving(study) as dashboard:
        assert dashboard.ask("PUT", "/api/studies/1/note", {"version": 1, "body": "x"})[0] == 200
    again = launch_toy(num_trials=2).study
    undisturbed = launch_toy(num_trials=2, study="undisturbed").study
    assert [(t.params, t.value) for t in again.table()] == [(t.params, t.value) for t in undisturbed.table()]


# -- the command -------------------------------------------------------------------------------------


def test_a_port_in_use_is_named(served: Served) -> None:
    with pytest.raises(UsageError, match=rf"127\.0\.0\.1:{served.port} .* another --port"):
        make_dashboard(served.study.database, "127.0.0.1", served.port)


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[Any, str]:
    with pytest.raises(SystemExit) as end:
        main(["dashboard", *arguments])
    return end.value.code, capsys.readouterr().err


def test_a_port_that_is_none_is_a_mistake_of_the_user(capsys: pytest.CaptureFixture[str]) -> None:
    code, message = refusal(capsys, "--port", "65536")
    assert (code, "--port" in message) == (2, True)


def test_a_missing_database_is_said_and_not_made(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, message = refusal(capsys)
    assert code == 1
    assert f"There is no database at {home / 'studies.db'}" in message
    assert not home.exists()


def test_a_database_without_studies_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    code, message = refusal(capsys, "--storage", f"sqlite:///{empty}")
    assert (code, "no study was launched there yet" in message) == (1, True)
    assert empty.stat().st_size == 0


def test_a_database_of_others_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    url = f"sqlite:///{tmp_path / 'theirs.db'}"
    optuna.create_study(storage=url, study_name="theirs")
    code, message = refusal(capsys, "--storage", url)
    assert (code, "contains Optuna studies, but none of this service" in message) == (2, True)


@contextmanager
def command(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """`sweep` in a process of its own, which ends with the test."""
    sweep = [sys.executable, "-c", "from sweeps.cli import main; main()", *arguments]
    # A background job has Ctrl-C ignored, and so would its children.
    obey = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(sweep, stderr=subprocess.PIPE, text=True, preexec_fn=obey) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_command_serves_until_ctrl_c(served: Served) -> None:
    storage = str(served.study.database.url)
    with command("dashboard", "--port", "0", "--storage", storage) as process:
        assert process.stderr is not None
        (url,) = re.findall(r"http://127\.0\.0\.1:\d+/", process.stderr.readline())
        with urllib.request.urlopen(f"{url}api/studies") as answer:
            assert b'"curves (16 of 16 trials, best' in answer.read()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert process.stderr.read().strip() == ""
