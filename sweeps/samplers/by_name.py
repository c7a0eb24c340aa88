"""Samplers by name, each built afresh for every trial, so that nothing but its seed and the trials decide."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator

import optuna
from optuna.samplers import BaseSampler, CmaEsSampler, GPSampler, RandomSampler, TPESampler

STARTUP_TRIALS = {"tpe": 10, "gp": 10, "cmaes": 1}
COUNTED = ("qmc", "grid")  # their points are computed from the trial's number, not sampled


def _tpe(seed: int) -> BaseSampler:
    """Tree-structured Parzen estimator over the joint space.

    `group` keeps conditional parameters, such as batch norm's momentum, in the joint space; the constant
    liar keeps away from trials that are still running.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(
            multivariate=True,
            group=True,
            constant_liar=True,
            n_startup_trials=STARTUP_TRIALS["tpe"],
            seed=seed,
        )


def _gp(seed: int) -> BaseSampler:
    """Gaussian process with expected improvement.

    Parameters whose condition some trial did not meet are drawn at random: the process has no place for them.
    """
    return GPSampler(seed=seed, n_startup_trials=STARTUP_TRIALS["gp"], warn_independent_sampling=False)


def _cmaes(seed: int) -> BaseSampler:
    """Covariance matrix adaptation; choices and conditional parameters are drawn at random."""
    return CmaEsSampler(seed=seed, n_startup_trials=STARTUP_TRIALS["cmaes"], warn_independent_sampling=False)


def _random(seed: int) -> BaseSampler:
    return RandomSampler(seed=seed)


SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {
    "tpe": _tpe,
    "gp": _gp,
    "cmaes": _cmaes,
    "random": _random,
}
NAMES = (*SAMPLERS, *COUNTED)


def make_sampler(name: str, seed: int) -> BaseSampler:
    """The sampler called `name`; its generators take 32 bits of the seed."""
    return SAMPLERS[name](seed % 2**32)


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


def startup_trials(name: str) -> int:
    """How many trials the sampler draws at random before it learns from them."""
    return STARTUP_TRIALS.get(name, 0)
