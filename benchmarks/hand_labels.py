"""Draws sixty curves of the bank without labels, and compares the labels that readers gave them.

    python -m benchmarks.hand_labels --sheets FOLDER [--part develop]
    python -m benchmarks.hand_labels [--part develop] [--write]

The first command draws sheets with four curves each. A reader then writes labels into `bank/PART/hand_labels.csv`, one
column for each reader: for each curve a label of `sweep diagnose`, or two labels with a `|` between them if both would be
right, the better one first. The second command compares these labels with the true classes and with the diagnosis;
--write puts the comparison into `docs/stopping-tables.md`.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import stopping_page
from benchmarks.curve_bank import BANK, PARTS
from benchmarks.full_curves import Full, load
from benchmarks.page_blocks import with_block
from sweeps.diagnosis.labels import diagnose
from sweeps.diagnosis.plot import draw_curve

CURVES = 60
A_SHEET = 4
BLOCK = "readers"
SEED = 0


def chosen(part: str) -> list[Full]:
    """The curves for the readers: a random sample from a part of the bank."""
    curves = [full for study in load(part) for full in study]
    places = np.random.default_rng(SEED).choice(len(curves), CURVES, replace=False)
    return [curves[place] for place in places]


def draw_sheets(curves: list[Full], folder: Path) -> None:
    """Draw a sheet for every four curves, with the recorded figures and without a label."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    for first in range(0, len(curves), A_SHEET):
        figure = Figure(figsize=(15, 10), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(4, 2, sharex=False)
        for place, full in enumerate(curves[first : first + A_SHEET]):
            top = 2 * (place // 2)
            _draw(full, first + place + 1, panels[top, place % 2], panels[top + 1, place % 2])
        figure.savefig(folder / f"sheet-{first // A_SHEET + 1:02d}.png", dpi=100)


def _draw(full: Full, number: int, losses: Any, scores: Any) -> None:
    draw_curve(full.curve, losses, scores)
    scores.axhline(full.curve.chance, color="#c0262d", lw=0.7)
    scores.set_ylabel("score")
    losses.legend(fontsize="x-small")
    if full.curve.batch_statistics_score is not None:
        scores.legend(fontsize="x-small")
    for axes in (losses, scores):
        axes.grid(alpha=0.3)
        axes.set_xlim(0, full.budget + 1)
    losses.set_title(f"{number}    {_signals(full)}", fontsize=8, loc="left")


def _signals(full: Full) -> str:
    curve = full.curve
    told = [f"{len(curve)} of {full.budget} rounds", f"chance {curve.chance:.2f}"]
    if curve.gradient_norm is not None:
        told.append(f"gradient {curve.gradient_norm[0]:.1e} → {curve.gradient_norm[-1]:.1e}")
    if curve.dead_share is not None:
        told.append(f"dead {curve.dead_share[0]:.2f} → {curve.dead_share[-1]:.2f}")
    if curve.learning_rate is not None:
        told.append(f"rate {curve.learning_rate[0]:.1e} → {curve.learning_rate[-1]:.1e}")
    return ", ".join(told)


def compare(curves: list[Full], seen: pd.DataFrame) -> dict[str, Any]:
    """How often each two of the readers, the true class and the diagnosis give the same label, and which curves differ.

    seen: one row for each curve, in the order of `curves`; columns `curve, study, trial`, then one for each reader.
    """
    if list(zip(seen["study"], seen["trial"], strict=True)) != [(full.study, full.trial) for full in curves]:
        raise ValueError("the labels are not of the curves that are drawn now")
    readers = [name for name in seen if name not in ("curve", "study", "trial")]
    said = {f"the {name} reader": [label.split("|") for label in seen[name]] for name in readers}
    said["the true class"] = [[full.truth.label] for full in curves]
    said["the diagnosis"] = [[diagnose(full.curve, full.budget, full.metric).label] for full in curves]
    names = list(said)
    agreement = {
        f"{one} and {other}": {
            "first": float(np.mean([a[0] == b[0] for a, b in zip(said[one], said[other], strict=True)])),
            "either": float(
                np.mean([bool({*a} & {*b}) for a, b in zip(said[one], said[other], strict=True)])
            ),
        }
        for place, one in enumerate(names)
        for other in names[place + 1 :]
    }
    differing = [
        {"curve": number + 1, **{name: "|".join(said[name][number]) for name in names}}
        for number in range(len(curves))
        if any(not {*said[name][number]} & {*said["the true class"][number]} for name in names)
    ]
    return {"curves": len(curves), "agreement": agreement, "differing": differing}


def table(found: dict[str, Any]) -> str:
    """A Markdown table of how often each two give the same label."""
    lines = ["| | the same label | one of two labels |", "|---|---|---|"]
    for pair, shares in found["agreement"].items():
        lines.append(f"| {pair} | {shares['first']:.0%} | {shares['either']:.0%} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sheets", type=Path, metavar="FOLDER", help="Only draw the curves.")
    parser.add_argument("--write", action="store_true", help="Put the report into docs/stopping-tables.md.")
    parser.add_argument("--part", choices=PARTS, default="report")
    wanted = parser.parse_args()
    curves = chosen(wanted.part)
    if wanted.sheets is not None:
        draw_sheets(curves, wanted.sheets)
        names = [{"curve": n + 1, "study": full.study, "trial": full.trial} for n, full in enumerate(curves)]
        pd.DataFrame(names).to_csv(wanted.sheets / "curves.csv", index=False)
        return
    found = compare(curves, pd.read_csv(BANK / wanted.part / "hand_labels.csv"))
    print(table(found))
    for each in found["differing"]:
        print(each)
    if wanted.write:
        stopping_page.PAGE.write_text(with_block(stopping_page.PAGE.read_text(), BLOCK, table(found)))


if __name__ == "__main__":
    main()
