"""A specification: what a study's table is a function of, as it is stored."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from sweeps.study.specification import Specification, differences, full_parameters
from tests.sweeps_tests.samplers.test_proposer import specification

# As they were stored before the specification had types; `audited` has seeds of a search.
STORED: dict[str, Any] = json.loads(Path(__file__).with_name("stored_specifications.json").read_text())


@pytest.mark.parametrize("name", STORED)
def test_a_stored_specification_is_written_again_byte_by_byte(name: str) -> None:
    record = STORED[name]["specification"]
    assert json.dumps(Specification.from_dict(record).to_dict()) == json.dumps(record)


@pytest.mark.parametrize("name", STORED)
def test_the_fingerprint_of_a_stored_study_stays(name: str) -> None:
    spec = Specification.from_dict(STORED[name]["specification"])
    assert spec.fingerprint == STORED[name]["fingerprint"]


def test_what_is_not_chosen_is_off_or_at_its_default() -> None:
    spec = specification()
    assert full_parameters(spec, {"x": 1.0, "size": 1}) == {
        "x": 1.0, "size": 1, "switch": False, "inner": 0.1, "other": 7,
    }  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 4},
        {"rounds": 6},
        {"parallelism": 2},
        {"sampler": "random"},
        {"threads": 2},
        {"stop_rule": "none"},
    ],
)
def test_whatever_decides_figures_is_in_the_fingerprint(change: dict[str, Any]) -> None:
    plain, changed = specification(), specification(**change)
    assert plain.fingerprint != changed.fingerprint
    (line,) = differences(changed.to_dict(), plain.to_dict())
    assert line.startswith(next(iter(change)))


def test_the_order_of_the_space_is_in_the_fingerprint() -> None:
    plain = specification()
    turned = dataclasses.replace(
        plain, space=dataclasses.replace(plain.space, parameters=plain.space.parameters[::-1])
    )
    assert plain.fingerprint != turned.fingerprint
    assert differences(turned.to_dict(), plain.to_dict()) == ["space: the same entries, in another order"]


def test_a_specification_comes_back_from_storage_as_it_was() -> None:
    spec = specification()
    again = Specification.from_dict(json.loads(json.dumps(spec.to_dict())))
    assert again == spec
    assert again.fingerprint == spec.fingerprint


def test_the_version_of_a_stop_rule_is_in_the_fingerprint_but_for_the_first() -> None:
    first, second = specification(), specification(stop_rule_version=2)
    assert "stop_rule_version" not in first.to_dict()
    assert first.fingerprint != second.fingerprint
    assert Specification.from_dict(second.to_dict()) == second
