"""Ours without the task's default parameters: the first trial is drawn at random, as in the peers.

python -m benchmarks.peers.ours_without_default PROBLEM --log FILE [--trials 20] [--seed 0]
"""

from __future__ import annotations

from benchmarks.peers.ours import launched
from benchmarks.peers.round_log import RoundLog, run_script


def search(name: str, trials: int, seed: int, log: RoundLog) -> None:
    """As ours."""
    launched(name, trials, seed, log, has_default=False, stop_rule="study")


if __name__ == "__main__":
    run_script(search, __doc__)
