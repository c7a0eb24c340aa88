"""Writes the tables of docs/guidance.md: suggestions of `sweep lr` and `sweep batch`, compared with measurements.

    python -m benchmarks.guidance [--make] [--work FOLDER] [--data-dir FOLDER]

The tables are made from the cells in `benchmarks/results/guidance`. --make first measures the missing cells (an hour or two
of one core). It may be interrupted; the next call continues. A suggested range is computed from the stored curves each
time, so it is always that of the present rule.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.guidance_cells import FIRST, STUDY_SEEDS, TEST_SEEDS, WAYS
from benchmarks.page_blocks import with_blocks
from benchmarks.wide_rates import RECIPES, read_cell
from sweeps.guidance.known_suggestions import known_suggestions
from sweeps.guidance.rate_curve import read_curve
from sweeps.guidance.rate_range import RateRange, range_of, rounded_outwards

PAGE = Path(__file__).parents[1] / "docs" / "guidance.md"
DEVELOP = (
    "mnist_mlp",
    "mnist_mlp-momentum",
    "mnist_mlp_online",
    "mnist_convnet",
)  # the rule was developed on these
TOOLS = {"fastai_valley": "fastai valley", "fastai_steep": "fastai steep", "lightning": "Lightning"}
STUDY_TRIALS = 100

Rates = dict[float, list[float | None]]


def scores_of(cell: Mapping[str, Any]) -> Rates:
    """For each rate, the best score of each seed, with a sign such that more is better; None for a failed trial."""
    sign = 1.0 if cell["direction"] == "maximize" else -1.0
    return {
        float(rate): [None if score is None else sign * score for score in scores]
        for rate, scores in cell["scores"].items()
    }


def best_rate(scores: Rates, seed: int) -> float:
    """The rate with the best score of a seed. If several are equal, their middle on the logarithmic scale."""
    known = {rate: each[seed] for rate, each in scores.items() if each[seed] is not None}
    best = max(known.values(), key=float)
    return float(math.exp(statistics.fmean(math.log(rate) for rate, score in known.items() if score == best)))


def mean_at(scores: Rates, rate: float) -> float:
    """The mean score over seeds at a rate. Between rates of the grid, it is interpolated linearly in log rate."""
    known = {
        each: statistics.fmean(float(s) for s in values)
        for each, values in scores.items()
        if all(s is not None for s in values)
    }
    rates = sorted(known)
    rate = min(max(rate, rates[0]), rates[-1])
    above = next(each for each in rates if each >= rate)
    below = max(each for each in rates if each <= rate)
    if above == below:
        return known[above]
    part = math.log(rate / below) / math.log(above / below)
    return (1 - part) * known[below] + part * known[above]


def range_in(cell: Mapping[str, Any]) -> RateRange | None:
    """The range that the present rule suggests from the curves of a cell; None without a suggestion."""
    found = range_of([read_curve(each["rates"], _numbers(each["losses"])) for each in cell["curves"]])
    return found if isinstance(found, RateRange) else None


def suggestion_in(cell: Mapping[str, Any], tool: str) -> float | None:
    """The median of the rates that another tool suggests on the curves of a cell."""
    found = [known_suggestions(each["rates"], _numbers(each["losses"]))[tool] for each in cell["curves"]]
    values = [rate for rate in found if rate is not None]
    return statistics.median_low(values) if values else None


def _numbers(losses: Sequence[float | None]) -> list[float]:
    return [math.nan if loss is None else loss for loss in losses]


def ranges_table() -> str:
    """The table of suggested ranges and best rates: for each recipe, on how many seeds the range has the best rate."""
    lines = [
        "| task | best rate of seeds 0, 1, 2 | suggested range (decades) of seeds 0, 1, 2 | held | within noise |",
        "|---|---|---|---|---|",
    ]
    told = {True: [0, 0, 0], False: [0, 0, 0]}
    for name, best, tests in _measured():
        scores = scores_of(best)
        found = [range_in(cell) for cell in tests]
        held = [_holds(scores, seed, each) for seed, each in enumerate(found)]
        near = [_nearly_holds(scores, seed, each, best) for seed, each in enumerate(found)]
        counts = told[name in DEVELOP]
        for at, count in enumerate((sum(held), sum(near), len(found))):
            counts[at] += count
        bests = ", ".join(f"{best_rate(scores, seed):.2g}" for seed in range(len(found)))
        shown = "; ".join(_range(each) for each in found)
        mark = " (develop)" if name in DEVELOP else ""
        lines.append(
            f"| {name}{mark} | {bests} | {shown} | {sum(held)} of {len(held)} | {sum(near)} of {len(near)} |"
        )
    for is_develop, what in ((False, "all others"), (True, "all of develop")):
        held_count, near_count, number = told[is_develop]
        lines.append(f"| **{what}** | | | {held_count} of {number} | {near_count} of {number} |")
    return "\n".join(lines)


def _measured() -> list[tuple[str, dict[str, Any], list[dict[str, Any]]]]:
    """The recipes for which the best rate and at least one range test are stored."""
    found = []
    for name in RECIPES:
        best = read_cell(f"best-{name}")
        tests = [read_cell(f"rates-{name}-{seed}") for seed in TEST_SEEDS]
        if best is not None and all(each is not None for each in tests):
            found.append((name, best, [each for each in tests if each is not None]))
    return found


def _range(found: RateRange | None) -> str:
    if found is None:
        return "none"
    low, high = rounded_outwards(found.low, found.high)
    return f"{low:.2g} … {high:.2g} ({found.decades:.2f})"


def _holds(scores: Rates, seed: int, found: RateRange | None) -> bool:
    if found is None:
        return False
    low, high = rounded_outwards(found.low, found.high)
    return low <= best_rate(scores, seed) <= high


def _nearly_holds(scores: Rates, seed: int, found: RateRange | None, cell: Mapping[str, Any]) -> bool:
    """Whether a rate in the range scores as well as the best one, within the binomial standard error of the score."""
    if found is None:
        return False
    low, high = rounded_outwards(found.low, found.high)
    known = {rate: score for rate, each in scores.items() if (score := each[seed]) is not None}
    best = max(known.values())
    share = min(max(abs(best), 0.0), 1.0)
    error = math.sqrt(share * (1 - share) / (cell["data"].get("valid_rows") or 500))
    inside = [score for rate, score in known.items() if low <= rate <= high]
    return bool(inside) and max(inside) >= best - error


def tools_table() -> str:
    """The table of other tools: for each recipe, each tool's rate, and the loss in score against the best rate."""
    names = ["point of `sweep lr`", *TOOLS.values()]
    lines = ["| task | best mean score | " + " | ".join(names) + " |", "|---" * (2 + len(names)) + "|"]
    losses: dict[str, list[float]] = {name: [] for name in names}
    for name, best, tests in _measured():
        scores = scores_of(best)
        highest = max(mean_at(scores, rate) for rate in scores)
        cells = []
        for tool, shown in zip((None, *TOOLS), names, strict=True):
            found = [_suggested(cell, tool) for cell in tests]
            rates = [rate for rate in found if rate is not None]
            if not rates:
                cells.append("none")
                continue
            lost = highest - statistics.fmean(mean_at(scores, rate) for rate in rates)
            losses[shown].append(lost)
            cells.append(f"{statistics.median(rates):.2g} (-{max(0.0, lost):.3f})")
        lines.append(f"| {name} | {highest:.3f} | " + " | ".join(cells) + " |")
    means = " | ".join(f"-{max(0.0, statistics.fmean(each)):.3f}" if each else "" for each in losses.values())
    lines.append(f"| **mean loss** | | {means} |")
    return "\n".join(lines)


def _suggested(cell: Mapping[str, Any], tool: str | None) -> float | None:
    if tool is not None:
        return suggestion_in(cell, tool)
    found = range_in(cell)
    return None if found is None else found.point


def cost_table() -> str:
    """The table of costs: for each recipe, the rows of a test, and their share of a study of 100 trials."""
    lines = [
        "| task | rows of a test | share of the rows of 100 trials |",
        "|---|---|---|",
    ]
    for name, best, tests in _measured():
        rows = statistics.fmean(cell["rows"] for cell in tests)
        recipe = RECIPES[name]
        a_round = dict(recipe.fixed).get("images_per_round") or dict(recipe.fixed).get("pairs_per_round")
        study = STUDY_TRIALS * best["rounds"] * (a_round or best["data"]["train_rows"])
        lines.append(f"| {name} | {rows:,.0f} | {rows / study:.1%} |")
    return "\n".join(lines)


def batch_table() -> str:
    """The table of batch sizes: for each task, rows per second by batch size (the knee in bold), the noise scale and
    the sizes to search.
    """
    found = [cell for name in RECIPES if (cell := read_cell(f"batch-{name}")) is not None]
    lines = [
        "| task | rows a second at each batch size (knee in bold) | noise scale | sizes to search |",
        "|---|---|---|---|",
    ]
    for cell in found:
        curve = [_speed(each, cell["knee"]) for each in cell["measured"]]
        noise = cell["noise_rows"]
        shown = "above all" if noise is None or math.isinf(float(noise)) else f"{float(noise):,.0f}"
        sizes = ", ".join(map(str, cell["sizes"]))
        lines.append(f"| {cell['task']} | {' · '.join(curve)} | {shown} | {sizes} |")
    return "\n".join(lines)


def _speed(measured: Mapping[str, Any], knee: int) -> str:
    size = measured["batch_size"]
    text = f"{size}: {measured['rows_per_second']:,.0f}"
    return f"**{text}**" if size == knee else text


def first_table() -> str:
    """The table of rounds and seconds to a target score, with and without `sweep lr` and `sweep batch` first."""
    lines = [
        "| task, seeds | target | space | rounds to it | seconds to it, tests included | reached | best score |",
        "|---|---|---|---|---|---|---|",
    ]
    for task in FIRST:
        cells = {
            way: [c for seed in STUDY_SEEDS if (c := read_cell(f"first-{task}-{seed}-{way}"))] for way in WAYS
        }
        number = min(map(len, cells.values()))
        if number < len(STUDY_SEEDS):
            continue
        target = min(_best(cell) for way in ("own", "wide") for cell in cells[way])
        probe = sum(
            5 * 0.05 + each["batch_size"] * 8 / each["rows_per_second"]
            for each in (read_cell(f"batch-{task}") or {})["measured"]
        )
        for way in WAYS:
            lines.append(
                f"| {task}, {number} | {target:.3f} | {_WAY[way]} | {_reached(cells[way], target, probe)} |"
            )
    if len(lines) == 2:
        return "*Not measured yet: `python -m benchmarks.guidance --make` trains the studies, which takes hours.*"
    return "\n".join(lines)


_WAY = {"own": "the task's own", "wide": "rates 1e-5 … 1", "guided": "`sweep lr` and `sweep batch` first"}


def _best(cell: Mapping[str, Any]) -> float:
    return max(score for score in cell["scores"] if score is not None)


def _reached(cells: Sequence[Mapping[str, Any]], target: float, probe: float) -> str:
    """Mean rounds and seconds, how many reached the target, and the mean of the best scores."""
    rounds, seconds, reached = [], [], 0
    for cell in cells:
        at = next((k for k, s in enumerate(cell["scores"], 1) if s is not None and s >= target), None)
        reached += at is not None
        rounds.append(at or len(cell["scores"]))
        before = cell["before"]["seconds"] + (probe if cell["way"] == "guided" else 0.0)
        seconds.append(before + sum(cell["seconds"][: rounds[-1]]))
    best = statistics.fmean(map(_best, cells))
    spread = f"{min(rounds)} to {max(rounds)}"
    return (
        f"{statistics.fmean(rounds):.0f} ({spread}) | {statistics.fmean(seconds):.1f} | "
        f"{reached} of {len(cells)} | {best:.4f}"
    )


BLOCKS = {
    "ranges": ranges_table,
    "tools": tools_table,
    "cost": cost_table,
    "batches": batch_table,
    "first": first_table,
}


def with_tables(page: str) -> str:
    """The page with the tables of the stored figures."""
    return with_blocks(page, BLOCKS)


def main() -> None:
    """With --make, measure the missing cells. Then write the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--make", action="store_true", help="Measure the missing cells first.")
    wanted, others = parser.parse_known_args()
    if wanted.make:
        for module in ("benchmarks.wide_rates", "benchmarks.guidance_cells"):
            subprocess.run([sys.executable, "-m", module, *others], check=True)
    elif others:
        parser.error(f"{others[0]} needs --make.")
    PAGE.write_text(with_tables(PAGE.read_text()))
    for name, table in BLOCKS.items():
        print(f"{name}\n{table()}\n")


if __name__ == "__main__":
    main()
