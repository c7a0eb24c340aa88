"""Samplers by name, each built afresh for every trial, so that nothing but its seed and the trials decide."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import optuna
from optuna.samplers import BaseSampler, RandomSampler, TPESampler

TPE_STARTUP_TRIALS = 10


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
            n_startup_trials=TPE_STARTUP_TRIALS,
            seed=seed,
        )


def _random(seed: int) -> BaseSampler:
    return RandomSampler(seed=seed)


SAMPLERS: dict[str, Callable[[int], BaseSampler]] = {"tpe": _tpe, "random": _random}
NAMES = (*SAMPLERS, "grid")  # a grid's points are counted, not sampled


def make_sampler(name: str, seed: int) -> BaseSampler:
    """The sampler called `name`; its generators take 32 bits of the seed."""
    return SAMPLERS[name](seed % 2**32)


def startup_trials(name: str) -> int:
    """How many trials the sampler draws at random before it learns from them."""
    return TPE_STARTUP_TRIALS if name == "tpe" else 0
