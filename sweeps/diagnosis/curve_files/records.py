"""JSON: Hugging Face's trainer_state.json, histories as lists of records or as columns, and JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sweeps.diagnosis.curve_files.delimited import read_text
from sweeps.diagnosis.curve_files.table import Table
from sweeps.errors import UsageError

HISTORY = "log_history"  # of Hugging Face's trainer
SUMMARY = (
    "train_runtime",
    "total_flos",
)  # of its last record, which is of the whole training, not of a round


def read_records(path: Path) -> Table:
    """Raises UsageError where the file is no JSON, or holds no records."""
    found = _parsed(path, read_text(path))
    name = "JSON records"
    if isinstance(found, dict) and isinstance(found.get(HISTORY), list):
        found, name = found[HISTORY], "Hugging Face's trainer_state.json"
    if isinstance(found, dict):
        columns = {key: value for key, value in found.items() if isinstance(value, list)}
        if columns and len({len(value) for value in columns.values()}) == 1:
            count = len(next(iter(columns.values())))
            return Table(path, columns, range(1, count + 1), "JSON columns")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise UsageError(f"{path}: holds no list of records, one a round, and no {HISTORY}.")
    records = [each for each in found if not any(key in each for key in SUMMARY)]
    return table_of(path, records, name)


def table_of(path: Path | str, records: Sequence[Mapping[str, Any]], name: str) -> Table:
    """A table of records, whose keys may differ; what one lacks was not measured."""
    names = list(dict.fromkeys(key for record in records for key in record))
    columns = {key: [record.get(key) for record in records] for key in names}
    return Table(path, columns, range(1, len(records) + 1), name)


def _parsed(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        lines = [line for line in text.splitlines() if line.strip()]
        if len(lines) > 1:
            try:
                return [json.loads(line) for line in lines]
            except json.JSONDecodeError:
                pass
        raise UsageError(f"{path}:{error.lineno}: no JSON: {error.msg}.") from None
