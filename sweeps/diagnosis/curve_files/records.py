"""Reads JSON: Hugging Face's trainer_state.json, histories as lists of records or as columns, and JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sweeps.diagnosis.curve_files.table import Table
from sweeps.diagnosis.curve_files.text_files import read_text
from sweeps.errors import UsageError

HISTORY = "log_history"  # the key of the records in Hugging Face's trainer_state.json
WRAPPER = "history"  # the key of the columns in a Keras History that was written with its other fields
DEEPEST = 8  # levels of nested keys that are joined
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
        found = found[WRAPPER] if isinstance(found.get(WRAPPER), dict | list) else found
    if isinstance(found, dict) and _is_by_round(found):
        found = [found[key] for key in sorted(found, key=int)]  # pandas' orient="index"
    if isinstance(found, dict):
        return _table_of_columns(path, dict(_columns(found)))
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise UsageError(f"{path}: contains neither a list with one record for each round nor a {HISTORY}.")
    records = [each for each in found if not any(key in each for key in SUMMARY)]
    return table_of(path, records, name)


def table_of(path: Path | str, records: Sequence[Mapping[str, Any]], name: str) -> Table:
    """A table of records, whose keys may differ. A figure that a record lacks was not measured.

    The keys of nested records are joined with `/`.
    """
    flat = [dict(_flattened(record)) for record in records]
    names = list(dict.fromkeys(key for record in flat for key in record))
    columns = {key: [record.get(key) for record in flat] for key in names}
    return Table(path, columns, range(1, len(records) + 1), name)


def _flattened(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in record.items():
        if isinstance(value, dict) and prefix.count("/") < DEEPEST:
            yield from _flattened(value, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", value


def _columns(found: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, list[Any]]]:
    """The lists in a nested object, and the objects from round to value that pandas writes for columns."""
    for key, value in found.items():
        if isinstance(value, list):
            yield f"{prefix}{key}", value
        elif isinstance(value, dict) and _is_numbered(value):
            yield f"{prefix}{key}", [value[each] for each in sorted(value, key=int)]
        elif isinstance(value, dict) and prefix.count("/") < DEEPEST:
            yield from _columns(value, f"{prefix}{key}/")


def _is_numbered(found: Mapping[str, Any]) -> bool:
    return bool(found) and all(key.isdecimal() for key in found)


def _is_by_round(found: Mapping[str, Any]) -> bool:
    return _is_numbered(found) and all(isinstance(value, dict) for value in found.values())


def _table_of_columns(path: Path, columns: Mapping[str, list[Any]]) -> Table:
    """Raises UsageError if there is no column, or if their lengths differ."""
    lengths = {name: len(values) for name, values in columns.items()}
    if not lengths:
        raise UsageError(
            f"{path}: contains neither a list with one record for each round, nor columns, nor a {HISTORY}."
        )
    if len(set(lengths.values())) > 1:
        shown = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise UsageError(
            f"{path}: its columns have different numbers of values ({shown}). Write one value for each round, and null "
            "for a round without one."
        )
    return Table(path, dict(columns), range(1, next(iter(lengths.values())) + 1), "JSON columns")


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
