"""Begins a trial: makes the record that is stored, and what the worker receives."""

from __future__ import annotations

from optuna.trial import FrozenTrial

from sweeps.samplers.sampler_study import running_trial
from sweeps.samplers.visible_trials import Proposal
from sweeps.study.specification import Specification, full_parameters
from sweeps.trial.running_trial import RunningTrial
from sweeps.trial.work import Assignment


def new_trial(spec: Specification, number: int, proposal: Proposal, added: str | None) -> FrozenTrial:
    """The record of the new trial `number`, in Optuna's form. added: by whom and when, if a user has added it."""
    trial = running_trial(spec.space, proposal)
    if added is not None:
        trial.set_user_attr("added", added)
    repeat = None
    if proposal.part is not None:
        configuration, repeat = proposal.part
        trial.set_user_attr("configuration", configuration)
        trial.set_user_attr("repeat", repeat)
    # As a string, because the dashboard would plot a number.
    trial.set_user_attr("seed", str(spec.seed_of(number, repeat)))
    return trial


def assignment_of(
    spec: Specification, trial: RunningTrial, repeat: int | None, until: int | None
) -> Assignment:
    """What a worker needs to train a trial.

    repeat: which trial of its configuration it is, from 0; None if each configuration has one trial. until: the round
    after which the trial is paused; None to train it to its end.
    """
    return Assignment(
        number=trial.number,
        parameters=full_parameters(spec, trial.chosen),
        seed=spec.seed_of(trial.number, repeat),
        rounds=spec.rounds,
        repeat=spec.repeat_of(trial.number) if repeat is None else repeat,
        checkpoint=trial.files.read_checkpoint(trial.checkpoint),
        until=until,
    )
