"""The facts of a report, as numbers: the page only draws them."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from scipy import stats

from benchmarks import long_study
from sweeps import RunSettings, StudySettings, launch
from sweeps.errors import UsageError
from sweeps.repeats.audit import audit
from sweeps.repeats.confirm import confirm
from sweeps.report import verdicts as verdicts_module
from sweeps.report.drawing.axes import Scale
from sweeps.report.drawing.parallel import _past
from sweeps.report.page.html import page_of
from sweeps.report.study_report import StudyReport, _commands, study_report
from sweeps.study.stored_study import Study, load
from tests.conftest import TOY, ToyLauncher
from tests.sweeps_tests.conftest import Refusal, Sweep

NUM_TRIALS = 24
SPACE = """space:
  quality: {low: 0.2, high: 0.9}
  batch_size: {choices: [8, 32]}
  batch_norm: {choices: [true, false]}
  bn_momentum: {low: 0.01, high: 0.5, log: true, when: {batch_norm: true}}
  behaviour: {choices: [learns, overfits, crashes]}
"""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StudyReport]:
    """Of a study with halts and failures, confirmed and audited."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "space.yaml").write_text(SPACE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWEEP_HOME", str(folder / "home"))
        patch.setenv("SWEEP_STORAGE", f"sqlite:///{folder / 'studies.db'}")
        settings = StudySettings(TOY, space=folder / "space.yaml", sampler="random", seed=3)
        run = RunSettings(runner="inline", num_trials=NUM_TRIALS, max_failures=99)
        launch(settings, run, study="s")
        confirm("s", top=2, seeds=3, sealed=True, run=RunSettings(runner="inline"))
        audit("s", share=1.0, run=RunSettings(runner="inline"))
        yield study_report(load("s"))


def test_what_is_best_is_the_confirmed_trial_with_its_interval(report: StudyReport) -> None:
    study, confirmed = report.study, report.confirmed
    best, sure = report.verdicts[:2]
    assert confirmed is not None
    assert best.figure == f"{study.confirmed(study.best()).value:.4g}"
    values = study.confirmation().record["values"]  # type: ignore[union-attr]
    low, high = stats.t.interval(0.95, len(values) - 1, confirmed.valid.mean, stats.sem(values))
    assert confirmed.valid.interval() == (pytest.approx(low), pytest.approx(high))
    assert f"between {low:.4g} and {high:.4g} (95 % confidence)" in " ".join(sure.sentences)


def test_a_published_figure_is_compared_with_the_test_split_only(
    report: StudyReport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdicts_module, "published_figures", lambda study: {"test_accuracy": 0.5})
    told = verdicts_module.verdicts(report.facts, report.confirmed, {}, [])[2]
    assert told.sentences[-1].startswith("Only a test result can be compared with it")


def test_the_best_is_told_with_its_parameters_those_that_mattered_most_first(report: StudyReport) -> None:
    chosen = report.study.searched(report.study.confirmed(report.study.best()))
    told = next(
        each for each in report.verdicts[0].sentences if each.startswith("Its parameters: quality = ")
    )
    for name, value in chosen.items():
        assert f"{name} = {verdicts_module.text_of(value)}" in told


def test_what_went_wrong_counts_every_trial_that_did_not_run_to_its_end(report: StudyReport) -> None:
    wrong = next(each for each in report.verdicts if each.question == "What went wrong?")
    ends = [trial.attributes["stop_reason"] for trial in report.facts.table]
    halted = len(ends) - ends.count("finished") - len(report.facts.spoilt)
    assert wrong.figure == f"{len(report.facts.spoilt)} of {NUM_TRIALS} trials"
    assert any(each.startswith(f"{halted} trials were halted early") for each in wrong.sentences)


def test_no_value_lies_on_the_edge_of_a_plot() -> None:
    for values, log in (([0.0, 2.0], False), ([-1.0, 2.0], False), ([1e-4, 10.0], True)):
        plain = Scale.over(values, 100.0, 0.0, log=log)
        roomy = plain.with_room
        assert roomy(max(values)) >= 5 > plain(max(values))
        assert roomy.low >= 0 or min(values) < 0


def test_the_best_so_far_ends_with_the_best_and_counts_every_round(report: StudyReport) -> None:
    assert report.steps[-1].best == max(trial.value or 0.0 for trial in report.facts.table if trial.value)
    assert len(report.steps) == sum(len(rows) for rows in report.facts.rounds.values())
    values = [step.best for step in report.steps if step.best is not None]
    assert values == sorted(values)


def test_what_mattered_is_what_makes_the_toys_scores(report: StudyReport) -> None:
    assert next(iter(report.importances)) == "quality"
    assert math.isclose(sum(report.importances.values()), 1.0)
    assert report.slices[0].name == "quality"


def test_what_mattered_is_a_hint_without_shares_where_trials_are_few() -> None:
    few, many = (verdicts_module._mattered({"width": 0.7, "dropout": 0.3}, n) for n in (16, 40))
    assert few.figure == "perhaps width"
    assert "the best 2 of 16 trials" in few.sentences[0]
    assert "%" not in " ".join(few.sentences)
    assert many.figure == "width"
    assert "70% of the difference between the best tenth (4 trials) and all 40" in many.sentences[0]


def test_figures_of_other_data_are_not_compared(report: StudyReport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdicts_module, "published_figures", lambda study: {"test_accuracy": 0.5})
    monkeypatch.setattr(verdicts_module, "not_comparable", lambda study: "Other data.")
    told = verdicts_module.verdicts(report.facts, report.confirmed, {}, [])[2]
    assert (told.figure, told.sentences[-1]) == ("not comparable", "Other data.")


def test_a_line_is_dashed_past_a_parameter_that_its_trial_does_not_have() -> None:
    assert _past([(1.0, 0.0), (math.nan, 10.0), (3.0, 20.0)]) == "M1 0L3 20"
    assert _past([(1.0, 0.0), (2.0, 10.0), (3.0, 20.0)]) == ""


def test_the_database_is_named_once(report: StudyReport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Study, "storage_option", " --storage sqlite:////far/away.db")
    page = page_of(study_report(report.study))
    assert "/far/away.db" not in page
    assert page.count("export SWEEP_STORAGE=") == 1


def test_numbers_of_trials_agree_wherever_they_are_told(report: StudyReport) -> None:
    found = _commands(report.study, report.facts, {"few_trials": "sweep resume s -n 99"}, is_list=False)
    assert dict(found)["Continue it with more trials"] == "sweep resume s -n 99"


def test_a_slice_has_every_trial_and_the_best_of_each_part(report: StudyReport) -> None:
    for shown in report.slices:
        assert [point.trial for point in shown.points] == list(range(NUM_TRIALS))
        scores = [point.score for point in shown.points if point.score is not None]
        assert max(each.score or 0.0 for each in shown.isolated) == max(scores)
    without = {point.trial for point in report.slices[0].points if point.score is None}
    assert without == {trial.number for trial in report.facts.spoilt}


def test_halts_and_curves_add_up_to_the_table(report: StudyReport) -> None:
    cost = report.study.cost()
    assert (report.halts.rounds_run, report.halts.rounds_saved) == (cost.rounds_run, cost.rounds_saved)
    assert sum(group.rounds_saved for group in report.halts.groups) == cost.rounds_saved
    assert sum(group.count for group in report.curves) == NUM_TRIALS
    (audited,) = report.halts.audits
    assert len(audited.trials) == report.halts.halted
    assert all(trial.is_same for trial in audited.trials)


def test_failures_are_one_group_where_they_lie(report: StudyReport) -> None:
    (group,) = report.failures
    assert {report.study.trial(n).params["behaviour"] for n in group.trials} == {"crashes"}
    assert [condition.text for condition in group.where] == ["behaviour = crashes"]


def test_the_launch_command_makes_the_same_study(
    report: StudyReport, sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "space.yaml").write_text(SPACE)
    words = shlex.split(report.commands[0][1])[1:]
    said = sweep(*words, "--study", "again", "--dry-run", "--storage", f"sqlite:///{tmp_path}/new.db").err
    again = sweep(*words, "--dry-run", "--storage", f"sqlite:///{tmp_path}/new.db").err
    assert f"toy-{report.study.spec.fingerprint[:8]}" in again, said


def test_a_page_asks_for_nothing_and_runs_nothing(report: StudyReport) -> None:
    page = page_of(report)
    assert "<script" not in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    assert "default-src 'none'" in page
    assert page.count("<svg") == page.count('role="img"') == page.count('aria-label="') - 1


def test_hostile_text_is_escaped(launch_toy: ToyLauncher, monkeypatch: pytest.MonkeyPatch) -> None:
    hostile = "<script>alert(1)</script>\x1b[31m\u202e😀" + "x" * 300
    study = launch_toy("behaviour=crashes", study="s", num_trials=2, max_failures=9).study
    found = study_report(study)
    for trial in found.facts.table:
        trial.attributes["because"] = hostile
    monkeypatch.setattr(Study, "name", hostile)
    page = page_of(found)
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;\\x1b[31m\\u202e😀" in page
    assert not {"\x1b", "\u202e"} & set(page)


def test_a_report_of_1000_trials_of_50_rounds_is_below_2_megabytes(tmp_path: Path) -> None:
    study = long_study.build(1000, rounds=50, storage=f"sqlite:///{tmp_path}/long.db")
    page = page_of(study_report(study))
    assert len(page.encode()) < 2e6
    assert "1000 trials" in page


def test_a_study_without_a_finished_trial_has_no_report(launch_toy: ToyLauncher, refused: Refusal) -> None:
    launch_toy(study="empty", timeout_seconds=1e-9)
    with pytest.raises(UsageError, match="no finished trial"):
        study_report(load("empty"))
    assert "no finished trial" in refused("report", "empty")


def test_the_command_writes_one_file(launch_toy: ToyLauncher, sweep: Sweep, tmp_path: Path) -> None:
    launch_toy(study="s", num_trials=3)
    assert f"Wrote {tmp_path / 'r.html'}" in sweep("report", "s", "-o", tmp_path / "r.html").err.replace(
        "\n", ""
    )
    assert sweep("report", "s", "-o", "-").out.startswith("<!doctype html>")
    (tmp_path / "file").touch()
    said = sweep("report", "s", "-o", tmp_path / "file" / "r.html", code=2).err
    assert "can't be written" in said
