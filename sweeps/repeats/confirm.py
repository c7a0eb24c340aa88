"""Confirmation: trains the best trials again from fresh seeds, and evaluates the winner on the test split.

The best trial of a search is partly lucky. So the best trials are trained again, all with the same seeds (or folds),
and ordered by their means. Only then is the winner evaluated on the test split, once, and this is recorded.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objectives import DataError, Rows
from objectives.errors import ObjectiveError
from objectives.seeding import derive_seed
from storage import LeaseHeld
from storage.confirmations import get_confirmations, put_confirmation, record_look
from storage.leases import acquire
from storage.trials import TrialRow
from sweeps import paths
from sweeps.driver.folder_owner import check_owner, is_owner
from sweeps.driver.results_folder import weights_path, write_best
from sweeps.errors import NoCompletedTrial, UsageError
from sweeps.launching import Watcher
from sweeps.own_code.find import OWN_OBJECTIVES
from sweeps.own_code.objective import FunctionObjective
from sweeps.pruning.rules import stands_alone
from sweeps.repeats.significance import SIGNIFICANCE, Spread, paired_p_value
from sweeps.settings import RunSettings, check_repeats, stop_rule_version
from sweeps.study.continuity import check_unchanged
from sweeps.study.planned import Planned
from sweeps.study.planning import plan_again
from sweeps.study.stored_study import Study, load
from sweeps.sweep import Result, run_planned


@dataclass(frozen=True)
class Candidate:
    """One of the best trials of the search, trained again.

    trial: its number in the search. position: its rank in the search, from 0. searched: its value in the search.
    values: the values of its repeats; None for a failed one. p_value: the probability of such a difference from the
    winner by chance; None for the winner, or with too few repeats.
    """

    trial: int
    position: int
    searched: float
    values: tuple[float | None, ...]
    p_value: float | None = None

    @property
    def known(self) -> list[float]:
        """The values of repeats that did not fail."""
        return [value for value in self.values if value is not None]

    @property
    def spread(self) -> Spread:
        """Mean and standard deviation over its repeats."""
        return Spread.of(self.known)

    @property
    def is_within_noise(self) -> bool:
        """Whether its difference from the winner may be due to chance."""
        return self.p_value is None or self.p_value > SIGNIFICANCE


@dataclass(frozen=True)
class Confirmed:
    """A complete confirmation: candidates from best to worst, and the winner's result on the test split.

    look: the number of this use of the test split, from 1; None if it was not used. is_new: whether it was used just
    now; if not, the result is a recorded one. has_test: whether there is a test split. is_written: whether best.yaml
    names the winner now; if not, the study's running driver writes it when its next trial ends.
    """

    study: Study
    repeated: Study
    candidates: list[Candidate]
    test: Spread | None
    look: int | None
    is_new: bool
    has_test: bool = True
    is_written: bool = True

    @property
    def winner(self) -> Candidate:
        """The candidate with the best mean."""
        return self.candidates[0]

    @property
    def repeats_are_equal(self) -> bool:
        """Whether every candidate has several repeats, all with the same value."""
        return all(len(each.known) > 1 and len(set(each.known)) == 1 for each in self.candidates)


def confirm(
    name: str,
    *,
    top: int = 3,
    seeds: int | None = None,
    folds: int = 0,
    sealed: bool = False,
    run: RunSettings | None = None,
    storage: str | None = None,
    watcher: Watcher | None = None,
) -> tuple[Result, Confirmed | None]:
    """Train the `top` trials of a study again, `seeds` times each. The second value is None until this is complete.

    seeds: by default 5, or 1 with folds. folds: the number of folds on each of which they are trained; 0 for the
    study's own validation rows. sealed: do not use the test split. A second call continues the first.
    """
    study = load(name, storage)
    study.check_is_search()
    repeats = (seeds or (1 if folds else 5)) * max(1, folds)
    check_repeats("--folds times --seeds" if folds else "--seeds", repeats)
    run = dataclasses.replace(
        run or RunSettings(), task=study.run.task, keep_weights="all", num_trials=None, target=None
    )
    ranked = study.ranking(top)
    planned = _plan(study, ranked, repeats, folds, paths.data_root(run.data_dir))
    result = run_planned(
        planned,
        run,
        study=f"{name}-confirm-{planned.spec.fingerprint[:8]}",
        storage=storage,
        watcher=watcher,
    )
    if result.ending is not None:
        return result, None
    candidates = _ordered(study, result.study, ranked)
    return result, _conclude(study, result.study, planned, candidates, sealed=sealed)


def _plan(study: Study, ranked: Sequence[TrialRow], repeats: int, folds: int, root: Path) -> Planned:
    if not ranked:
        raise NoCompletedTrial(
            f"Study {study.name!r} has no completed trial yet, so there is nothing to confirm."
        )
    if study.spec.sampler == "list":
        raise UsageError(f"{study.name} can't be confirmed: it only repeats trials of another study.")
    now = plan_again(study.spec, study.run.task, root)
    check_unchanged(study.row, now, "Undo the change, or launch a new study.")
    plan = dataclasses.replace(now.spec.data.plan, folds=folds)
    if folds:
        plan.fold(now.task, now.splits, 0)  # raises if the rows can't be divided, before any trial starts
    # A repeat must not be halted because other trials are better.
    rule = study.spec.stop_rule if stands_alone(study.spec.stop_rule) else "onset"
    spec = dataclasses.replace(
        now.spec,
        data=dataclasses.replace(now.spec.data, plan=plan),
        sampler="list",
        enqueued=[study.spec.point_of(trial.params) for trial in ranked],
        repeats=repeats,
        stop_rule=rule,
        stop_rule_version=stop_rule_version(rule),
        schedule="full",
        seed=derive_seed(study.spec.seed, "confirm"),
    )
    return dataclasses.replace(now, spec=spec)


def _ordered(study: Study, repeated: Study, ranked: Sequence[TrialRow]) -> list[Candidate]:
    """The candidates by mean, the best first, each compared with the best one.

    Candidates whose repeats all failed are omitted. Raises NoCompletedTrial if there is no other.
    """
    trials = repeated.table()
    candidates = []
    for position, trial in enumerate(ranked):
        repeats = trials[position :: len(ranked)]
        values = tuple(None if each.state == "FAIL" else each.value for each in repeats)
        candidates.append(Candidate(trial.number, position, float(study.value_of(trial) or 0.0), values))
    sign = -1.0 if study.spec.metric.direction == "maximize" else 1.0
    able = sorted((each for each in candidates if each.known), key=lambda each: sign * each.spread.mean)
    if not able:
        raise NoCompletedTrial(f"All repeats failed. To see why: {repeated.command('show', '0')}")
    return [able[0], *(_compared(each, able[0]) for each in able[1:])]


def _compared(candidate: Candidate, winner: Candidate) -> Candidate:
    pairs = [
        (mine, theirs)
        for mine, theirs in zip(candidate.values, winner.values, strict=True)
        if mine is not None and theirs is not None
    ]
    p_value = paired_p_value([mine for mine, _ in pairs], [theirs for _, theirs in pairs])
    return dataclasses.replace(candidate, p_value=p_value)


def _conclude(
    study: Study, repeated: Study, planned: Planned, candidates: list[Candidate], *, sealed: bool
) -> Confirmed:
    """Record the order, evaluate the winner on the test split unless that was done, and write best.yaml."""
    database, study_id, winner = study.database, study.row.study_id, candidates[0]
    known = next((c for c in get_confirmations(database, study_id) if c.name == repeated.name), None)
    record = _record(repeated, candidates)
    if known is not None and "test" in known.record:
        record["test"] = known.record["test"]
    put_confirmation(database, study_id, repeated.name, winner.trial, record)
    is_new = not sealed and has_test(planned) and "test" not in record
    if is_new:
        scorer = _scorer(planned, repeated)
        look = record_look(database, study_id, repeated.name)  # recorded before anything is scored
        values = scorer(winner)
        record["test"] = {"look": look, "values": values, **_summary(values)}
        put_confirmation(database, study_id, repeated.name, winner.trial, record)
    is_written = _write_best(study, repeated, winner.trial)
    test = record.get("test")
    return Confirmed(
        study,
        repeated,
        candidates,
        None if test is None else Spread.of(test["values"]),
        None if test is None else int(test["look"]),
        is_new,
        has_test(planned),
        is_written,
    )


def _write_best(study: Study, repeated: Study, winner: int) -> bool:
    """Write best.yaml of the confirmed study; returns false if another process runs the study as its driver.

    That driver writes the file when its next trial ends, because it reads the recorded confirmations then.
    """
    told = study.confirmation()
    if told is not None and told.name != repeated.name:
        return True
    try:
        lease = acquire(study.database, study.row.study_id)
    except LeaseHeld:
        return False
    try:
        with lease.writing():
            if not is_owner(study.out, study.row):
                check_owner(study.out, study.database, study.row, study.row.fingerprint)
            write_best(study, study.trial(winner), study.best_path)
    finally:
        lease.release()
    return True


def _record(repeated: Study, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """The entry of a confirmation in best.yaml."""
    winner, *rivals = candidates
    return {
        "study": repeated.name,
        "repeats": repeated.spec.repeats,
        "folds": repeated.spec.data.plan.folds,
        "values": list(winner.values),
        **_summary(winner.known),
        "rivals": [{"trial": each.trial, **_summary(each.known), "p_value": each.p_value} for each in rivals],
    }


def _summary(values: Sequence[float]) -> dict[str, float | None]:
    spread = Spread.of(values)
    return {"mean": spread.mean, "std": None if math.isnan(spread.std) else spread.std}


def has_test(planned: Planned) -> bool:
    """Whether there is a test split. A user's own function has one if it declares a test function."""
    return not isinstance(planned.subject, OWN_OBJECTIVES) or planned.subject.test_function is not None


def _scorer(planned: Planned, repeated: Study) -> Callable[[Candidate], list[float]]:
    """A function that scores a candidate's models on the test split and returns one score for each repeat.

    Raises DataError or UsageError if this is not possible, before the use of the test split is counted.
    """
    if isinstance(planned.subject, FunctionObjective):
        from sweeps.repeats.own_test import OwnTest

        own = OwnTest(planned, repeated)
        return lambda winner: own.scores(winner.position)
    rows = _sealed_rows(planned, repeated)
    return lambda winner: _scores_on(rows, repeated, planned, winner)


def _sealed_rows(planned: Planned, repeated: Study) -> Rows:
    """The test split. Raises DataError if it can't be loaded, before its use is counted."""
    task, name = planned.task, planned.spec.data.plan.name
    try:
        return task.load_test(name, paths.data_root(repeated.run.data_dir))
    except ObjectiveError:
        raise
    except Exception as error:
        raise DataError(
            f"{task.name} could not load the test split of its data set {name!r}: {type(error).__name__}: {error} "
            "(use --debug to see where). The test split was not used. To confirm without it, use --sealed."
        ) from error


def _scores_on(rows: Rows, repeated: Study, planned: Planned, winner: Candidate) -> list[float]:
    """The scores of the winner's models on the test rows, one for each repeat."""
    import torch

    from objectives.checkpoints.weights import load_weights
    from objectives.training.evaluation import evaluate
    from objectives.training.loop import make_deterministic

    task, spec = planned.task, planned.spec
    make_deterministic(spec.threads)
    device = torch.device(spec.device)
    rows = rows.to(device)
    parameters = task.parameters_from(repeated.parameters(repeated.trial(winner.position)))
    prepared = task.prepare_evaluation(task.prepare(rows, parameters), parameters)
    scores = []
    for trial in repeated.table()[winner.position :: len(spec.enqueued)]:
        path = weights_path(repeated, trial)
        if path is None:
            continue  # it failed, or was never better than chance
        model = task.rebuild(parameters, prepared[:2]).to(device)
        model.load_state_dict(load_weights(path, trial.attributes["weights"]["digest"]))
        scores.append(evaluate(task, model, prepared, parameters).score)
    return scores
