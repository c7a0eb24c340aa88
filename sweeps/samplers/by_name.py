"""Samplers by name, each built afresh for every trial, so that nothing but its seed and the trials decide.

Optuna is imported when a sampler is built: the names are needed where it would cost too much.
"""

from __future__ import annotations

import contextlib
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

    make: builds it from a seed and the number of trials that it draws at random before it learns from them; None
    where points are computed from the trial's number, not sampled. bound: how much of a long study it sees, by
    measurement (benchmarks/scale.py); nothing where it does not learn.
    """

    make: Callable[[int, int], BaseSampler] | None
    startup_trials: int = 0
    bound: Bound = NOTHING


def _tpe(seed: int, startup_trials: int) -> BaseSampler:
    """Tree-structured Parzen estimator over the joint space.

    `group` keeps conditional parameters, such as batch norm's momentum, in the joint space; the constant
    liar keeps away from trials that are still running.
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

    Parameters whose condition some trial did not meet are drawn at random: the process has no place for them.
    """
    from optuna.samplers import GPSampler

    return GPSampler(seed=seed, n_startup_trials=startup_trials, warn_independent_sampling=False)


def _cmaes(seed: int, startup_trials: int) -> BaseSampler:
    """Covariance matrix adaptation; choices and conditional parameters are drawn at random."""
    from optuna.samplers import CmaEsSampler

    return CmaEsSampler(seed=seed, n_startup_trials=startup_trials, warn_independent_sampling=False)


def _random(seed: int, startup_trials: int) -> BaseSampler:
    from optuna.samplers import RandomSampler

    return RandomSampler(seed=seed)


SAMPLERS: dict[str, Sampler] = {
    "tpe": Sampler(_tpe, startup_trials=10, bound=Bound(best=100, latest=900, step=100)),
    # 0.5 s for 100 trials and 4 s for 800
    "gp": Sampler(_gp, startup_trials=10, bound=Bound(best=100, latest=200, step=50)),
    "cmaes": Sampler(_cmaes, startup_trials=1, bound=Bound(best=100, latest=900, step=100)),
    "random": Sampler(_random),
    "qmc": Sampler(None),
    "grid": Sampler(None),
}
_LISTED = Sampler(None)  # a list of trials that is given, for repeats; not offered as a sampler


def sampler_of(name: str) -> Sampler:
    """The sampler called `name`; `list` is one, too."""
    return _LISTED if name == "list" else SAMPLERS[name]


def make_sampler(name: str, seed: int) -> BaseSampler:
    """The sampler called `name`, built; its generators take 32 bits of the seed."""
    sampler = sampler_of(name)
    assert sampler.make is not None, f"the points of {name} are computed"
    return sampler.make(seed % 2**32, sampler.startup_trials)


@contextlib.contextmanager
def on_one_thread() -> Iterator[None]:
    """Within, torch computes on one thread: the Gaussian process would come out differently on another number."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
