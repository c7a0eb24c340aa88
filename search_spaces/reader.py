"""Reads a space from YAML 1.2 (`1e-4` is a number, `on` a word). Errors name line and key."""

from __future__ import annotations

import difflib
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

from search_spaces.errors import SpaceError
from search_spaces.foreign import WANDB_KEYS, from_wandb, is_wandb, not_used_of_wandb, our_form_of
from search_spaces.schema import (
    Categorical,
    Condition,
    Domain,
    Fixed,
    Numeric,
    Parameter,
    Scalar,
    Space,
    is_number,
)
from search_spaces.yaml_size import oversize
from search_spaces.yaml_values import commented, deep, is_nested, plain, shown

MOST_BYTES = 64 << 20
_FORM = (
    "a space file has the key `space:`, which gives each parameter {low: …, high: …} or {choices: […]}, "
    "optionally with log, step and when"
)
_NUMERIC_KEYS = {"low", "high", "log", "step", "when"}
_CATEGORICAL_KEYS = {"choices", "when"}


def built_in_space_path(task_name: str) -> Path | None:
    """The space of a task that comes with this package, or None."""
    path = Path(str(files("search_spaces") / f"{task_name}.yaml"))
    return path if path.is_file() else None


def read_space(path: Path) -> Space:
    """The space in a YAML file.

    Raises SpaceError, with file, line and key, if the file is missing, not YAML or not a space.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        text = content.decode()
    except FileNotFoundError:
        raise SpaceError(f"{path}: no such file.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SpaceError(f"{path}: can't be read ({error}).") from error
    if len(content) > MOST_BYTES:
        raise SpaceError(f"{path}: larger than {MOST_BYTES >> 20} MiB, so this is no search space.")
    return parse_space(text, str(path))


def parse_space(text: str, source: str) -> Space:
    """The space in `text`. source: its name in error messages. Raises SpaceError, with line and key."""
    try:
        if too_large := oversize(text):
            raise SpaceError(f"{source}:{too_large[0]}: {too_large[1]}.")
        document = YAML(typ="rt", pure=True).load(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f":{mark.line + 1}" if mark else ""
        raise SpaceError(f"{source}{line}: not YAML: {_first_line(error)}") from None
    except ValueError as error:  # an impossible date, a number of 5,000 digits
        raise SpaceError(f"{source}: not YAML: {str(error).splitlines()[0]}") from None
    except ReaderError as error:  # a control character: probably a binary file
        number = text.count("\n", 0, error.position) + 1
        raise SpaceError(f"{source}:{number}: not YAML: {str(error).splitlines()[0]}") from None
    return Reader(source).space(document)


def _fits(step: float, low: float, high: float) -> bool:
    try:
        return step > 0 and float(Numeric(float(low), float(high), step=float(step)).last) > low
    except ArithmeticError:  # more steps than can be counted
        return False


def _first_line(error: MarkedYAMLError) -> str:
    return (error.problem or error.context or str(error)).strip().splitlines()[0]


class Reader:
    """Turns a loaded document into a Space. Its errors name the line of the key."""

    def __init__(self, source: str) -> None:
        self._source = source

    def space(self, document: Any) -> Space:
        """The space that a loaded document describes."""
        if not isinstance(document, CommentedMap):
            form = our_form_of(document)
            theirs = f"a space file of another tool. The same space in our form:\n{form}"
            self._refuse(None, None, theirs if form else f"not a search space: {_FORM}.")
        if is_wandb(document):
            return self._of_wandb(document)
        # An exported configuration has its values under `parameters`: a space of one point.
        key = "space" if "space" in document else "parameters" if "parameters" in document else None
        if key is None and (form := our_form_of(document)):
            self._refuse(None, None, f"a space file of another tool. The same space in our form:\n{form}")
        if key is None or not isinstance(document[key], CommentedMap):
            self._refuse(document, key, f"not a search space: {_FORM}.")
        known = [key, "task", "note"]
        for other in document:
            if other not in known and "format" not in document:  # an exported configuration has more keys
                self._refuse(
                    document,
                    other,
                    f"unknown key {shown(other)}{_close(str(other), known)} (known: {', '.join(sorted(known))}).",
                )
        entries = document[key]
        if not entries:
            self._refuse(document, key, f"{key}: it contains no parameter.")
        parameters: list[Parameter] = []
        for name in entries:
            if not isinstance(name, str):
                self._refuse(entries, name, f"{shown(name)}: the name of a parameter must be a word.")
            parameters.append(self._parameter(name, entries, parameters))
        return Space(tuple(parameters), self._source)

    def _of_wandb(self, document: CommentedMap) -> Space:
        """The space of a Weights & Biases sweep. Only its parameters are used; a note names its other keys."""
        for key in document:
            if key != "parameters" and key not in WANDB_KEYS:
                self._refuse(document, key, f"unknown key {shown(key)} in a Weights & Biases sweep.")
        try:
            entries = from_wandb(document)
        except (ValueError, TypeError) as error:
            raise SpaceError(f"{self._source}: {error}.") from None
        space = self.space(commented({"space": entries}))
        return replace(space, note=f"{self._source} is {not_used_of_wandb(document)}")

    def domain(self, name: str, record: CommentedMap) -> Domain:
        """The domain that a mapping describes."""
        if "values" in record and "choices" not in record:  # as Weights & Biases calls them
            record["choices"] = record.pop("values")
        if "choices" in record:
            self._check_keys(name, record, _CATEGORICAL_KEYS)
            return self._categorical(name, record)
        self._check_keys(name, record, _NUMERIC_KEYS)
        return self._numeric(name, record)

    def _parameter(self, name: str, entries: CommentedMap, before: list[Parameter]) -> Parameter:
        record = entries[name]
        line = self._line(entries, name)
        if not isinstance(record, CommentedMap):
            if isinstance(record, list):
                self._refuse(entries, name, f"{name}: write a list of values as {{choices: […]}}.")
            return Parameter(name, Fixed(self._value(name, entries, name, record)), line=line)
        return Parameter(name, self.domain(name, record), self._conditions(name, record, before), line)

    def _check_keys(self, name: str, record: CommentedMap, known: set[str]) -> None:
        for key in record:
            if key not in known:
                words = ", ".join(sorted(known))
                self._refuse(
                    record,
                    key,
                    f"{name}: unknown key {shown(key)}{_close(str(key), known)} (known: {words}).",
                )

    def _value(self, name: str, mapping: CommentedMap, key: str, value: Any) -> Scalar:
        found = plain(value)
        if isinstance(found, dict | list) or (isinstance(found, float) and not is_number(found)):
            self._refuse(
                mapping, key, f"{name}: {shown(found)} is not a finite number, a word, true, false or null."
            )
        return found

    def _categorical(self, name: str, record: CommentedMap) -> Categorical | Fixed:
        """One of several values; a single choice is a fixed value."""
        choices = record["choices"]
        if isinstance(choices, CommentedMap) and choices:
            return self._named(name, {str(key): value for key, value in choices.items()})
        if isinstance(choices, list) and choices and all(is_nested(choice) for choice in choices):
            return self._named(name, {json.dumps(deep(choice)): choice for choice in choices})
        if not isinstance(choices, list) or not choices:
            self._refuse(record, "choices", f"{name}: choices must be a list of at least one value.")
        values = tuple(self._value(name, record, "choices", choice) for choice in choices)
        if len(set(values)) < len(values):  # for samplers, true equals 1
            self._refuse(record, "choices", f"{name}: choices contains a value twice.")
        return Categorical(values) if len(values) > 1 else Fixed(values[0])

    @staticmethod
    def _named(name: str, choices: Mapping[str, Any]) -> Categorical:
        """Choices of any type. Each has a name, and only the name is stored and shown."""
        return Categorical(tuple(choices), {key: deep(value) for key, value in choices.items()})

    def _numeric(self, name: str, record: CommentedMap) -> Numeric:
        for key in ("low", "high"):
            if key not in record:
                self._refuse(record, None, f"{name}: {key} is missing; {_FORM}.")
        low, high = (self._number(name, record, key) for key in ("low", "high"))
        step = self._number(name, record, "step") if "step" in record else None
        log = record.get("log", False)
        if not isinstance(log, bool):
            self._refuse(record, "log", f"{name}: log must be true or false, not {shown(log)}.")
        if low > high:
            self._refuse(record, "low", f"{name}: low {low!r} is above high {high!r}. Swap them.")
        if low == high:
            self._refuse(
                record,
                "low",
                f"{name}: the range contains only {low!r}. To fix the parameter at it, write `{name}: {low!r}`.",
            )
        if log and low <= 0:
            self._refuse(record, "low", f"{name}: a logarithmic range must start above 0, not at {low!r}.")
        if step is not None and not _fits(step, low, high):
            self._refuse(record, "step", f"{name}: step {step!r} does not fit between {low!r} and {high!r}.")
        if step is not None and log:
            self._refuse(
                record, "step", f"{name}: a logarithmic range can't have a step. Write the values as choices."
            )
        integer = all(isinstance(value, int) for value in (low, high, *([] if step is None else [step])))
        return Numeric(float(low), float(high), log, None if step is None else float(step), integer)

    def _number(self, name: str, record: CommentedMap, key: str) -> float:
        value = record[key]
        if not is_number(plain(value)) or abs(value) > sys.float_info.max:
            self._refuse(record, key, f"{name}: {key} must be a finite number, not {shown(plain(value))}.")
        return int(value) if isinstance(value, int) else float(value)

    def _conditions(self, name: str, record: CommentedMap, before: list[Parameter]) -> tuple[Condition, ...]:
        if "when" not in record:
            return ()
        when = record["when"]
        if not isinstance(when, CommentedMap) or not when:
            self._refuse(record, "when", f"{name}: when must be a mapping such as {{batch_norm: true}}.")
        return tuple(self._condition(name, when, key, before) for key in when)

    def _condition(self, name: str, when: CommentedMap, key: Any, before: list[Parameter]) -> Condition:
        known = {parameter.name: parameter for parameter in before}
        if key not in known:
            self._refuse(
                when,
                key,
                f"{name}: the condition names {shown(key)}, but no parameter above this one has that name"
                f"{_close(str(key), known)}.",
            )
        wanted = when[key]
        if isinstance(wanted, CommentedMap):
            self._check_keys(name, wanted, {"min", "max"})
            if not wanted:
                self._refuse(when, key, f"{name}: the condition on {key} has neither min nor max.")
            low = self._number(name, wanted, "min") if "min" in wanted else -math.inf
            high = self._number(name, wanted, "max") if "max" in wanted else math.inf
            condition = Condition(key, low=low, high=high)
        else:
            listed = wanted if isinstance(wanted, list) else [wanted]
            values = tuple(self._value(name, when, key, value) for value in listed)
            if not values:
                self._refuse(when, key, f"{name}: the condition on {key} lists no value.")
            condition = Condition(key, values)
        if not self._can_hold(condition, known[key].domain):
            self._refuse(
                when,
                key,
                f"{name}: the condition can never hold: {key} never has such a value. Remove {name}.",
            )
        return condition

    @staticmethod
    def _can_hold(condition: Condition, domain: Domain) -> bool:
        if isinstance(domain, Numeric):
            if condition.values:
                return any(domain.contains(value) for value in condition.values)
            return domain.reaches_into(condition.low, condition.high)
        choices = domain.choices if isinstance(domain, Categorical) else (domain.value,)
        return any(condition.holds({condition.parameter: choice}) for choice in choices)

    def _line(self, mapping: CommentedMap, key: Any) -> int | None:
        try:
            return int(mapping.lc.key(key)[0]) + 1
        except (KeyError, AttributeError, TypeError):
            return None

    def _refuse(self, mapping: CommentedMap | None, key: Any, why: str) -> NoReturn:
        line = None
        if isinstance(mapping, CommentedMap):
            line = self._line(mapping, key)
            if line is None and mapping.lc.line is not None:
                line = mapping.lc.line + 1
        place = f"{self._source}:{line}" if line else self._source
        raise SpaceError(f"{place}: {why}")


def _close(word: str, known: Any) -> str:
    matches = difflib.get_close_matches(word[:200], list(known), n=1, cutoff=0.6)
    return f"; did you mean {matches[0]!r}?" if matches else ""
