"""Stop rules and labels on curves of other kinds (`benchmarks.kinds_bank`), told and as in a plain CSV file.

    python -m benchmarks.kinds_tables [--part report|develop] [--only KIND] [--write]

--write puts the tables of the reporting part into `docs/stopping-tables.md`, block `kinds`.
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path
from typing import Any

import optuna
import pandas as pd

from benchmarks import stopping_page
from benchmarks.full_curves import load
from benchmarks.kinds_bank import KINDS, PARTS
from benchmarks.stop_rules import labels_right, outcomes, rules, summary

RESULTS = Path(__file__).parent / "results" / "stop_rules_kinds.json"
OURS = ("onset", "study", "eager")
OTHERS = (
    "patience 5 on loss",
    "patience 10 on loss",
    "patience 10 on score",
    "Optuna median",
    "Optuna patient",
)
COLUMNS = ("saved %", "study regret", "largest", "caught %", "delay", "false halts %", "beyond noise %")
TELLINGS = {"told": True, "a plain CSV": False}
BLOCK = "kinds"


def measure(part: str, only: list[str]) -> dict[str, Any]:
    """Everything that the tables show, as plain values."""
    found: dict[str, Any] = {"part": part, "rules": {}, "labels": {}, "by_kind": {}, "wrong_labels": {}}
    for telling, is_told in TELLINGS.items():
        studies = [
            each for each in load(part, is_told=is_told, bank="kinds") if not only or each[0].study in only
        ]
        for name in (*OURS, *(OTHERS if is_told else ())):
            table = outcomes(studies, rules()[name])
            found["rules"][f"{name}, {telling}" if name in OURS else name] = _row(table)
            print(name, telling, _row(table), flush=True)
            if name in ("onset", "study"):
                found["by_kind"][f"{name}, {telling}"] = {
                    str(kind): {**_row(rows), **_counts(rows)} for kind, rows in table.groupby("study")
                }
        labels = labels_right(studies)
        found["labels"][telling] = float((labels["true"] == labels["label"]).mean())
        found["by_kind"][f"labels, {telling}"] = {
            str(kind): float((rows["true"] == rows["label"]).mean()) for kind, rows in labels.groupby("study")
        }
        wrong = labels[labels["true"] != labels["label"]]
        found["wrong_labels"][telling] = wrong.to_dict("records")
        found["true"] = labels["true"].value_counts().to_dict()
        found["curves"] = len(labels)
        print(f"labels right, {telling}: {found['labels'][telling]:.3f} of {len(labels)}", flush=True)
    return found


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
    """Of a kind: what is told, and after a slash what a plain CSV gives."""
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
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    found = measure(wanted.part, wanted.only)
    print(tables(found))
    for telling, wrong in found["wrong_labels"].items():
        for each in wrong:
            print(telling, each)
    if wanted.write:
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
        page = stopping_page.PAGE
        page.write_text(stopping_page.with_block(page.read_text(), BLOCK, tables(found)))


if __name__ == "__main__":
    main()
