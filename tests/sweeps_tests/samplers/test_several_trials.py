"""Configurations with several trials: repeats, folds, and those that a user adds."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

import pytest

from search_spaces.reader import parse_space
from sweeps.samplers.folds import FoldWatch
from sweeps.samplers.proposer import Proposer
from sweeps.samplers.visible_trials import Finished, Proposal
from sweeps.study.specification import Specification, StudyData
from sweeps.trial.data_plan import DataPlan
from sweeps.trial.metric import Metric
from tests.sweeps_tests.samplers.test_proposer import GRID, specification

FOLDED = StudyData(DataPlan("d", folds=4), "0", train_rows=10, valid_rows=1000)
SEVERAL = {"repeats": specification(repeats=3), "folds": specification(repeats=4, data=FOLDED)}


def value_of(number: int, proposal: Proposal) -> Finished:
    """A function of the parameters and the repeat; of every eleventh trial, a failure."""
    if proposal.hopeless:
        return Finished("PRUNED", None)
    if number % 11 == 10:
        return Finished("FAIL", None)
    assert proposal.part is not None
    return Finished("COMPLETE", 0.9 - abs(proposal.chosen["x"]) / 6 + proposal.part[1] / 100)


def run(spec: Specification, workers: int, order: random.Random, cut: int = -1) -> list[Proposal]:
    """A study of 48 trials whose driver is replaced after `cut` trials have begun; they end in a random order."""
    proposer, running, begun, ended = Proposer(spec), list[int](), list[Proposal](), dict[int, Finished]()
    while len(begun) < 48 or running:
        while len(running) < workers and len(begun) < 48 and proposer.is_open():
            begun.append(proposer.propose())
            running.append(len(begun) - 1)
            if begun[-1].hopeless:
                break
        if len(begun) > cut >= 0:
            proposer, cut = Proposer(spec), -1
            for number, proposal in enumerate(begun):
                proposer.restore(proposal)
                if number in ended:
                    proposer.finish(number, ended[number])
        hopeless = [number for number in running if begun[number].hopeless]
        number = hopeless[0] if hopeless else running[order.randrange(len(running))]
        running.remove(number)
        ended[number] = value_of(number, begun[number])
        proposer.finish(number, ended[number])
    return begun


@pytest.mark.parametrize("kind", SEVERAL)
def test_the_trials_depend_neither_on_workers_nor_on_a_driver_that_was_replaced(kind: str) -> None:
    spec = SEVERAL[kind]
    alone = run(spec, 1, random.Random(0))
    assert len({repr(each.chosen) for each in alone}) == 48 // spec.repeats
    assert any(each.hopeless for each in alone) == (kind == "folds")
    for seed, cut in enumerate((-1, 7, 13, 26)):
        assert run(spec, 3, random.Random(seed), cut) == alone, cut


def test_the_trials_of_a_configuration_follow_one_another_with_common_seeds() -> None:
    spec = SEVERAL["repeats"]
    trials = run(spec, 1, random.Random(0))
    assert [each.part for each in trials[:6]] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert spec.seed_of(1, 1) == spec.seed_of(4, 1) != spec.seed_of(2, 2)
    assert specification().fingerprint != spec.fingerprint


def test_the_other_folds_wait_for_the_first() -> None:
    proposer = Proposer(specification(repeats=4, data=FOLDED, parallelism=4))
    proposer.propose()
    assert not proposer.is_open()
    proposer.finish(0, Finished("COMPLETE", 0.5))
    for _ in range(3):
        assert not proposer.propose().hopeless
    without_a_rule = Proposer(specification(repeats=4, data=FOLDED, parallelism=4, stop_rule="none"))
    without_a_rule.propose()
    assert without_a_rule.is_open()


def watch(values: list[list[float]]) -> FoldWatch:
    found = FoldWatch(Metric("score", "maximize", 0.0, 1000), len(values[0]))
    for configuration, each in enumerate(values):
        for repeat, value in enumerate(each):
            found.tell((configuration, repeat), Finished("COMPLETE", value))
    return found


def test_only_a_fold_that_chance_does_not_explain_is_hopeless() -> None:
    folds = watch([[0.90, 0.92, 0.91, 0.93], [0.88, 0.91, 0.90, 0.92]])
    folds.tell((2, 0), Finished("COMPLETE", 0.86))
    assert folds.verdict(2) == ""
    folds.tell((3, 0), Finished("COMPLETE", 0.5))
    assert folds.verdict(3).startswith(
        "after 1 of 4 folds it has 0.5, and the best configuration had 0.9 on them"
    )
    folds.tell((4, 0), Finished("PRUNED", 0.1, (3, 0.1)))
    assert folds.verdict(4) == "its fold 1 of 4 ended as PRUNED"


def test_a_failed_repeat_of_a_cell_is_run_once_more_at_the_end() -> None:
    spec = specification(sampler="grid", space=parse_space(GRID, "test"), parallelism=2, repeats=2)
    proposer, parts = Proposer(spec), []
    while proposer.is_open():
        number = len(parts)
        parts.append(proposer.propose().part)
        proposer.finish(
            number, Finished("FAIL" if number in (3, 12) else "COMPLETE", None if number == 3 else 0.0)
        )
    assert len(parts) == 13 == proposer.planned(None)
    assert parts[12] == (1, 1)


@pytest.mark.parametrize("changes", [{}, {"repeats": 2}, {"sampler": "qmc"}, {"sampler": "grid"}])
def test_what_a_user_adds_takes_the_next_number_and_leaves_the_order_of_the_others(
    changes: dict[str, Any],
) -> None:
    spec = dataclasses.replace(
        specification(), space=parse_space(GRID, "test"), defaults={"size": 1}, **changes
    )
    each, point = spec.trials_each, {"size": 8, "x": 2}

    def configurations(added_at: int, cut: int) -> list[Proposal]:
        proposer, begun = Proposer(spec), []
        for number in range(6 * each):
            if number == cut:
                proposer = Proposer(spec)
                proposer.restore_added({added_at * each: point} if cut > added_at * each else {})
                for earlier, proposal in enumerate(begun):
                    proposer.restore(dataclasses.replace(proposal, added=None))
                    proposer.finish(earlier, Finished("COMPLETE", 0.5))
            if number == added_at * each:
                proposer.add(7, point)
                assert proposer.planned(5) == 6 * each
            begun.append(proposer.propose())
            proposer.finish(number, Finished("COMPLETE", 0.5))
        return begun

    found = configurations(2, -1)
    assert found[2 * each].chosen == point
    assert found[2 * each].added == 7
    assert configurations(2, 4 * each) == found
    plain = configurations(5, -1)
    if spec.sampler in ("qmc", "grid"):
        assert [p.chosen for p in found[3:]] == [p.chosen for p in plain[2:5]]
