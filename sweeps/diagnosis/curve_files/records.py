"""Reads JSON: Hugging Face's trainer_state.json, histories as lists of records or as columns, and JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sweeps.diagnosis.curve_files.delimited import read_text
from sweeps.diagnosis.curve_files.table import Table
from sweeps.errors import UsageError

HISTORY = "log_history"  # the key of the records in Hugging Face's trainer_state.json
SUMMARY = (
    "train_runtime",
    "total_flos",
)  # keys of its last record, which describes the whole training, not a round


def read_records(path: Path) -> Table:
    """The records of a JSON file. Raises UsageError if the file is no JSON, or contains no records."""
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
        raise UsageError(f"{path}: contains neither a list with one record for each round nor a {HISTORY}.")
    records = [each for each in found if not any(key in each for key in SUMMARY)]
    return table_of(path, records, name)


def table_of(path: Path | str, records: Sequence[Mapping[str, Any]], name: str) -> Table:
    """A table of records, whose keys may differ. A figure that a record lacks was not measured."""
    names = list(dict.fromkeys(key for record in records for key in record))
    columns = {key: [record.get(key) for record in records] for key in names}
    return Table(path, columns, range(1, len(records) + 1), name)


def _parsed(path: Path, text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) < 2 or error.msg != "Extra data":  # else each line may be JSON by itself
            raise UsageError(f"{path}:{error.lineno}: this is not valid JSON: {error.msg}.") from None
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits, 200,000 brackets
        raise UsageError(f"{path}: this JSON can't be read: {_first_line(error)}.") from None
    return [_parsed_line(path, number, line) for number, line in lines]


def _parsed_line(path: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        why = error.msg if isinstance(error, json.JSONDecodeError) else _first_line(error)
        raise UsageError(f"{path}:{number}: this is not valid JSON: {why}. Is the line cut off?") from None


def _first_line(error: Exception) -> str:
    return str(error).partition(";")[0]
