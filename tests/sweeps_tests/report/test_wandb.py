"""The offline runs of a study have its rounds and results, as they stand in W&B's own records."""

from __future__ import annotations

import importlib.util
import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sweeps.study.stored_study import load
from tests.conftest import ToyLauncher, missing
from tests.sweeps_tests.conftest import Sweep

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
BLOCK, OF_FILE, OF_RECORD = 32768, 7, 7  # the sizes of a block, of the file's header, of a record's


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    if importlib.util.find_spec("wandb") is None:
        missing("wandb", "needs wandb")


def records(path: Path) -> Iterator[Any]:
    """The records of a run's file: LevelDB's log format; W&B's library parses each."""
    from wandb.proto import wandb_internal_pb2

    data, at, kept = path.read_bytes(), OF_FILE, b""
    assert data.startswith(b":W&B")
    while at + OF_RECORD <= len(data):
        _, length, kind = struct.unpack_from("<IHB", data, at)
        if BLOCK - at % BLOCK < OF_RECORD:
            at += BLOCK - at % BLOCK
            continue
        kept += data[at + OF_RECORD : at + OF_RECORD + length]
        at += OF_RECORD + length
        if kind in (1, 4):  # whole, or the last part
            record = wandb_internal_pb2.Record()
            record.ParseFromString(kept)
            yield record
            kept = b""


def items(entries: Any) -> dict[str, Any]:
    return {each.key or ".".join(each.nested_key): json.loads(each.value_json) for each in entries}


def test_every_round_and_result_is_read_back(launch_toy: ToyLauncher, sweep: Sweep, tmp_path: Path) -> None:
    launch_toy("behaviour=overfits,diverges", study="s", num_trials=3)
    folder = tmp_path / "<script> 😀"
    assert f"Wrote 3 runs to {folder}" in sweep("wandb", "s", "-o", folder).err.replace("\n", "")
    study, rounds, found = load("s"), load("s").rounds(), {}
    for path in (folder / "wandb").glob("offline-run-*/*.wandb"):
        told = list(records(path))
        (run,) = [each.run for each in told if each.WhichOneof("record_type") == "run"][:1]
        config = items(run.config.update)
        found[config["trial"]] = (run, config, told)
    assert sorted(found) == [0, 1, 2]
    for trial in study.table():
        run, config, told = found[trial.number]
        assert (run.run_group, run.display_name) == ("s", f"trial-{trial.number:04d}")
        assert {name: config[name] for name in study.parameters(trial)} == study.parameters(trial)
        lines = [items(each.history.item) for each in told if each.WhichOneof("record_type") == "history"]
        stored = rounds[rounds["trial"] == trial.number]
        assert [line["_step"] for line in lines] == list(stored["index"])
        for line, value in zip(lines, stored["valid_score"], strict=True):
            assert line["accuracy/valid"] == value or not math.isfinite(value)
        summary = [items(each.summary.update) for each in told if each.WhichOneof("record_type") == "summary"]
        assert {"why_it_ended": trial.attributes["stop_reason"]}.items() <= {
            key: value for part in summary for key, value in part.items()
        }.items()
    assert "is not empty" in sweep("wandb", "s", "-o", folder, code=2).err
