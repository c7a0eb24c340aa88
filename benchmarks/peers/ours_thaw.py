"""Ours with `--schedule thaw`, which pauses trials.

python -m benchmarks.peers.ours_thaw PROBLEM --log FILE [--trials 20] [--seed 0]
"""

from __future__ import annotations

from benchmarks.peers.ours import launched
from benchmarks.peers.round_log import RoundLog, run_script


def search(name: str, trials: int, seed: int, log: RoundLog) -> None:
    """Trials pause, and the most promising ones go on."""
    launched(name, trials, seed, log, schedule="thaw")


if __name__ == "__main__":
    run_script(search, __doc__)
