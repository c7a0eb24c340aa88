"""Estimates how long a run will still take from the part that is done."""

from __future__ import annotations

from dataclasses import dataclass, field

LEAST_SHARE = 0.02  # part of the run that must be done before an estimate is given


@dataclass
class TimeLeft:
    """Estimates the time that a run of a study still takes.

    rounds: planned rounds of a trial. before: number of trials that had ended when the run began. running: how many
    rounds each running trial has done, by trial number.

    An ended trial counts as 1, even if it was halted; a running trial counts as its fraction of the planned rounds.
    """

    rounds: int
    before: int
    running: dict[int, int] = field(default_factory=dict)

    def seconds(self, ended: int, num_trials: int, elapsed: float) -> float | None:
        """Estimate the seconds until all trials have ended; None if too little is done for an estimate.

        ended: number of ended trials, including those before the run. elapsed: seconds since the run began.
        """
        done = ended - self.before + sum(min(1.0, index / self.rounds) for index in self.running.values())
        to_do = num_trials - self.before
        if to_do <= 0 or done < LEAST_SHARE * to_do:
            return None
        return max(0.0, elapsed * (to_do - done) / done)
