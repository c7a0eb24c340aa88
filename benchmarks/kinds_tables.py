"""Measures stop rules and labels on curves of other kinds (`benchmarks.kinds_bank`).

Each is measured twice: with the number of rows and the chance score ("told"), and without them, as in a plain CSV file.

    python -m benchmarks.kinds_tables [--part report|develop] [--only KIND] [--write]

The figures of each kind are stored in a file in `benchmarks/results/kinds/PART`. Files that exist are not measured again.
--write puts the tables of the part `report` into `docs/stopping-tables.md`, block `kinds`.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks import stopping_page
from benchmarks.full_curves import load
from benchmarks.kinds_bank import KINDS, PARTS, KindStudy
from benchmarks.page_blocks import with_block
from benchmarks.stop_rules import labels_right, outcomes, rules, summary

RESULTS = Path(__file__).parent / "results" / "kinds"
OURS = ("onset", "study")
OTHERS = ("patience 5 on loss", "patience 10 on loss", "patience 10 on score")
COLUMNS = ("saved %", "study regret", "largest", "caught %", "delay", "false halts %", "beyond noise %")
TELLINGS = {"told": True, "a plain CSV": False}
ORDERS = 8
BLOCK = "kinds"


def measure(part: str, kind: str) -> dict[str, Any]:
    """The figures of one kind: for each rule, one row for each order of trials; for the labels, one for each curve."""
    found: dict[str, Any] = {"rules": {}, "labels": {}}
    for telling, is_told in TELLINGS.items():
        studies = load(part, is_told=is_told, bank="kinds", only=[kind])
        for name in (*OURS, *(OTHERS if is_told else ())):
            table = outcomes(studies, rules()[name], ORDERS)
            found["rules"][f"{name}, {telling}" if name in OURS else name] = table.to_dict("records")
        found["labels"][telling] = labels_right(studies).to_dict("records")
    return found


def gathered(part: str) -> dict[str, Any]:
    """The figures of all kinds that were measured."""
    cells = {kind: json.loads(path.read_text()) for kind in KINDS if (path := cell(part, kind)).exists()}
    found: dict[str, Any] = {"rules": {}, "labels": {}, "by_kind": {}}
    first = next(iter(cells.values()))
    for name in first["rules"]:
        table = pd.DataFrame([row for each in cells.values() for row in each["rules"][name]])
        found["rules"][name] = _row(table)
        found["by_kind"][name] = {
            str(kind): {**_row(rows), **_counts(rows)} for kind, rows in table.groupby("study")
        }
    for telling in TELLINGS:
        labels = pd.DataFrame([row for each in cells.values() for row in each["labels"][telling]])
        right = labels["true"] == labels["label"]
        found["labels"][telling] = float(right.mean())
        found["by_kind"][f"labels, {telling}"] = right.groupby(labels["study"]).mean().to_dict()
        found[f"wrong, {telling}"] = labels[~right].to_dict("records")
        found["curves"] = len(labels)
    return found


def cell(part: str, kind: str) -> Path:
    """The file of a kind's figures."""
    return RESULTS / part / f"{kind}.json"


def _row(table: pd.DataFrame) -> dict[str, float]:
    row = summary(table)
    largest = float(table.groupby("study")["study_regret"].mean().max())
    return {name: largest if name == "largest" else float(row[name]) for name in COLUMNS}


def _counts(table: pd.DataFrame) -> dict[str, int]:
    first = table[table["order"] == 0]
    names = ("curves", "overfitting", "caught", "false_halts", "false_beyond_noise")
    return {name: int(first[name].sum()) for name in names}


def tables(found: dict[str, Any]) -> str:
    """The table of rules, then that of kinds, in Markdown."""
    lines = [f"| | {' | '.join(COLUMNS)} | labels right % |", "|---" * (len(COLUMNS) + 2) + "|"]
    for name, row in found["rules"].items():
        rule, _, telling = name.partition(", ")
        labels = f"{100 * found['labels'][telling]:.1f}" if rule == "onset" else "·"
        shown = f"**{rule}**, {telling}" if telling else rule
        lines.append(f"| {shown} | {' | '.join(_shown(row[column]) for column in COLUMNS)} | {labels} |")
    lines += [
        "",
        "| kind | curves | caught | false halts | beyond noise | `study` saves | at a regret of | labels right |",
    ]
    lines.append("|---" * 8 + "|")
    for kind in KINDS:
        if kind in found["by_kind"]["onset, told"]:
            lines.append(_line(kind, found["by_kind"]))
    return "\n".join(lines)


def _line(kind: str, by_kind: dict[str, Any]) -> str:
    """The table row of a kind. Each cell has two figures: with the rule told all / for a plain CSV file."""
    onset, study, labels = (
        [by_kind[f"{what}, {telling}"][kind] for telling in TELLINGS] for what in ("onset", "study", "labels")
    )
    cells = [
        str(onset[0]["curves"]),
        f"{onset[0]['caught']} / {onset[1]['caught']} of {onset[0]['overfitting']}",
        " / ".join(str(each["false_halts"]) for each in onset),
        " / ".join(str(each["false_beyond_noise"]) for each in onset),
        " / ".join(f"{each['saved %']:.0f} %" for each in study),
        " / ".join(f"{each['study regret']:.2f}" for each in study),
        " / ".join(f"{100 * each:.0f} %" for each in labels),
    ]
    return f"| {kind} | {' | '.join(cells)} |"


def _shown(value: float) -> str:
    return "·" if math.isnan(value) else f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", choices=PARTS, default="report")
    parser.add_argument("--only", action="append", choices=KINDS, default=[])
    parser.add_argument("--write", action="store_true", help="Put the tables into docs/stopping-tables.md.")
    wanted = parser.parse_args()
    for kind in wanted.only or KINDS:
        path = cell(wanted.part, kind)
        if not path.exists() and KindStudy(wanted.part, KINDS[kind]).path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(measure(wanted.part, kind), indent=None) + "\n")
    found = gathered(wanted.part)
    print(tables(found))
    for telling in TELLINGS:
        for each in found[f"wrong, {telling}"]:
            print(telling, each)
    if wanted.write:
        page = stopping_page.PAGE
        page.write_text(with_block(page.read_text(), BLOCK, tables(found)))


if __name__ == "__main__":
    main()
