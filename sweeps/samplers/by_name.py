"""Samplers by name. A new one is built for each trial, so its proposal depends only on its seed and the trials.

Optuna is imported when a sampler is built, because reading only the names must stay fast.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sweeps.samplers.visible_trials import NOTHING, Bound

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler


@dataclass(frozen=True)
class Sampler:
    """A sampler by its name.

    make: builds the sampler from a seed and the number of random trials at the start; None if points are computed from
    the trial's number. startup_trials: this number. bound: how many trials of a long study the sampler sees, chosen by
    measurement (benchmarks/scale.py); no trials if it does not learn from them.
    """

    make: Callable[[int, int], BaseSampler] | None
    startup_trials: int = 0
    bound: Bound = NOTHING


def _tpe(seed: int, startup_trials: int) -> BaseSampler:
    """Tree-structured Parzen estimator over the joint space.

    `group` keeps conditional parameters, such as batch norm's momentum, in the joint space. `constant_liar` makes
    the sampler avoid points near trials that are still running.
    """
    import optuna
    from optuna.samplers import TPESampler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(
            multivariate=True,
            group=True,
            constant_liar=True,
            n_startup_trials=startup_trials,
            seed=seed,
        )


def _gp(seed: int, startup_trials: int) -> BaseSampler:
    """Gaussian process with expected improvement.

    The process handles only parameters that every trial has. All others are drawn at random.
    """
    import torch  # noqa: F401 - the sampler uses it; `on_one_thread` only works if it is imported before
    from optuna.samplers import GPSampler

    return GPSampler(seed=seed, n_startup_trials=startup_trials, warn_independent_sampling=False)


def _cmaes(seed: int, startup_trials: int) -> BaseSampler:
    """Covariance matrix adaptation. Choices and conditional parameters are drawn at random."""
    from optuna.samplers import CmaEsSampler

    return CmaEsSampler(seed=seed, n_startup_trials=startup_trials, warn_independent_sampling=False)


def _random(seed: int, startup_trials: int) -> BaseSampler:
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=seed)


SAMPLERS: dict[str, Sampler] = {
    "tpe": Sampler(_tpe, startup_trials=10, bound=Bound(best=100, latest=900, step=100)),
    # a proposal takes 0.5 s with 100 trials, and 4 s with 800
    "gp": Sampler(_gp, startup_trials=10, bound=Bound(best=100, latest=200, step=50)),
    "cmaes": Sampler(_cmaes, startup_trials=1, bound=Bound(best=100, latest=900, step=100)),
    "random": Sampler(_random),
    "qmc": Sampler(None),
    "grid": Sampler(None),
}
_LISTED = Sampler(None)  # runs a given list of trials, for repeats; users can't choose it


def sampler_of(name: str) -> Sampler:
    """The sampler with this name; `list` is allowed too."""
    return _LISTED if name == "list" else SAMPLERS[name]


def make_sampler(name: str, seed: int) -> BaseSampler:
    """Build the sampler with this name. Its random generators use 32 bits of the seed."""
    sampler = sampler_of(name)
    assert sampler.make is not None, f"the points of {name} are computed"
    return sampler.make(seed % 2**32, sampler.startup_trials)


@contextlib.contextmanager
def on_one_thread() -> Iterator[None]:
    """In this context, torch uses one thread, because the Gaussian process gives other results with another number."""
    torch = sys.modules.get("torch")  # a sampler that uses torch has imported it
    threads = torch.get_num_threads() if torch else 1
    if torch:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        if torch:
            torch.set_num_threads(threads)
