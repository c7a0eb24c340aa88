"""Makes sanity checks of a task, or of a user's own function, before it is swept."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from objectives import Task
from objectives.training.loop import make_deterministic
from search_spaces.points import nearest
from sweeps import paths
from sweeps.errors import UsageError
from sweeps.guidance import data_checks, model_checks, own_checks, training_checks
from sweeps.guidance.bench import Bench
from sweeps.guidance.check import Check, failed
from sweeps.settings import StudySettings
from sweeps.study.planned import Planned
from sweeps.study.planning import plan_study

CHECKS: dict[str, Callable[[Bench], Check]] = {
    "initial_loss": model_checks.initial_loss,
    "training_mode": model_checks.training_mode,
    "gradients": model_checks.gradients,
    "one_batch": model_checks.one_batch,
    "evaluation_repeatable": model_checks.evaluation_repeatable,
    "evaluation_alone": model_checks.evaluation_alone,
    "labels": data_checks.labels,
    "splits": data_checks.splits,
    "repeatable": training_checks.repeatable,
    "seed": training_checks.seed,
    "resumable": training_checks.resumable,
    "step_time": training_checks.step_time,
}


def sanity(settings: StudySettings, data_dir: str | None = None) -> Iterator[Check]:
    """The checks of what these settings would train, one after the other, with parameters near the defaults.

    Raises UsageError if the task has its own training loop, because its single steps can't be checked.
    """
    settings = dataclasses.replace(settings, sampler="random", stop_rule="none", schedule="full")
    planned = plan_study(settings, paths.data_root(data_dir))
    make_deterministic(planned.spec.threads)
    if not isinstance(planned.subject, Task):
        yield from own_checks.checks_of(planned, paths.data_root(data_dir))
        return
    bench = bench_of(planned)
    for name, check in CHECKS.items():
        try:
            yield check(bench)
        except Exception as error:  # noqa: BLE001 - any exception of a user's task is a failed check
            yield failed(name, f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}")


def bench_of(planned: Planned) -> Bench:
    """The bench of a task, with the parameters in the space that are nearest to its defaults.

    Raises UsageError if the task has its own training loop with these parameters.
    """
    import torch

    task, spec = planned.task, planned.spec
    values = {**spec.defaults, **nearest(spec.space, spec.defaults)}
    parameters, device = task.parameters_from(values), torch.device(spec.device)
    own = task.start(parameters, planned.splits, rounds=1, seed=0, device=device)
    if own is not None:
        own.close()
        raise UsageError(
            f"{task.name} has its own training loop with these parameters, so its single steps can't be checked. "
            "Choose parameters with which it uses the shared loop."
        )
    return Bench.of(task, parameters, planned.splits, seed=spec.seed, device=device)
