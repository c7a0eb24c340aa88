"""Measures what a warm start saves: rounds until a target score, with and without the trials of a related study.

    python -m benchmarks.warm_start FOLDER

For each seed, there is an older study of `mnist_mlp` on a part of mnist-5k, and new studies with and without its trials:
- observations: the new study has the same rows, and a space with a wider range of learning rates;
- hints: the new study has twice the rows, so the older values can't be compared with the new ones.
The target is the worst final best score of the studies without older trials, so each of those reaches it. A study that does
not reach it counts with all its rounds. Everything is stored in FOLDER; a second run continues.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import Any

from sweeps import RunSettings, StudySettings, launch
from sweeps.study.stored_study import Study

SEEDS = range(5)
OLDER_TRIALS, NEW_TRIALS, ROUNDS, ROWS = 15, 12, 5, 500
WIDER = "learning_rate=1e-5..0.3:log"
KINDS: dict[str, dict[str, Any]] = {
    "observations": {"overrides": (WIDER,), "train_rows": ROWS},
    "hints": {"train_rows": 2 * ROWS},
}


def main(folder: Path) -> None:
    """Run the missing studies, and print the table."""
    folder.mkdir(parents=True, exist_ok=True)
    for kind, changes in KINDS.items():
        cold, warm = [], []
        for seed in SEEDS:
            older = _run(folder, f"older-{seed}", seed, OLDER_TRIALS, train_rows=ROWS)
            cold.append(_run(folder, f"{kind}-cold-{seed}", seed + 100, NEW_TRIALS, **changes))
            warm.append(
                _run(folder, f"{kind}-warm-{seed}", seed + 100, NEW_TRIALS, warm_start=older.name, **changes)
            )
        _print(kind, cold, warm)


def _run(folder: Path, name: str, seed: int, num_trials: int, **changes: Any) -> Study:
    settings = StudySettings(
        "mnist_mlp", data="mnist-5k", valid_rows=500, rounds=ROUNDS, seed=seed, **changes
    )
    run = RunSettings(runner="inline", num_trials=num_trials, keep_weights="none", out=str(folder / name))
    return launch(settings, run, study=name, storage=f"sqlite:///{folder}/studies.db").study


def _print(kind: str, cold: list[Study], warm: list[Study]) -> None:
    target = min(float(study.best().value or 0.0) for study in cold)
    rows = {
        "from nothing": [_rounds_to(s, target) for s in cold],
        "warm": [_rounds_to(s, target) for s in warm],
    }
    print(f"{kind}: rounds to a validation accuracy of {target:.4g}, {len(cold)} seeds")
    for name, rounds in rows.items():
        print(f"  {name:<13} mean {statistics.fmean(rounds):6.1f}   {', '.join(map(str, rounds))}")
    best = [statistics.fmean(float(s.best().value or 0.0) for s in studies) for studies in (cold, warm)]
    print(f"  best after {NEW_TRIALS} trials: {best[0]:.4f} from nothing, {best[1]:.4f} warm", flush=True)


def _rounds_to(study: Study, target: float) -> int:
    """The number of rounds until a trial reaches the target, in the order of trials; all rounds if none does."""
    scores = study.rounds().sort_values(["trial", "index"])["valid_score"].tolist()
    return next((k for k, score in enumerate(scores, start=1) if score >= target), len(scores))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
