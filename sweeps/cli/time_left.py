"""How long a run will still take, from how far it has come."""

from __future__ import annotations

from dataclasses import dataclass, field

LEAST_SHARE = 0.02  # of what there is to do: before that, nothing is said


@dataclass
class TimeLeft:
    """An estimate for a run of a study. rounds: of a trial. before: trials that had ended when the run began.

    An ended trial counts as one, also where it was halted; a running one by its share of the rounds.
    """

    rounds: int
    before: int
    running: dict[int, int] = field(default_factory=dict)

    def seconds(self, ended: int, num_trials: int, elapsed: float) -> float | None:
        """The seconds until all trials have ended, if they go on as those so far; None where that can't be told yet."""
        done = ended - self.before + sum(min(1.0, index / self.rounds) for index in self.running.values())
        to_do = num_trials - self.before
        if to_do <= 0 or done < LEAST_SHARE * to_do:
            return None
        return max(0.0, elapsed * (to_do - done) / done)
