"""Confirmation: the best few of a study trained again from fresh seeds, and the test split opened for the winner.

The best trial of a search is partly lucky. Its rivals are trained again under seeds (or folds) that they have in
common, ordered by their mean, and only then is the test split opened, once, on record, for the one that wins.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from objectives import DataError, Rows
from objectives.errors import ObjectiveError
from objectives.seeding import derive_seed
from search_spaces.points import with_fixed
from storage.confirmations import get_confirmations, put_confirmation, record_look
from storage.trials import TrialRow
from sweeps import paths
from sweeps.driver.results_folder import weights_path, write_best
from sweeps.errors import NoCompletedTrial, UsageError
from sweeps.launching import Watcher
from sweeps.pruning.rules import stands_alone
from sweeps.repeats.significance import SIGNIFICANCE, Spread, paired_p_value
from sweeps.settings import RunSettings
from sweeps.study.continuity import check_unchanged
from sweeps.study.planning import Planned, plan_again
from sweeps.study.stored_study import Study, load
from sweeps.sweep import Result, run_planned


@dataclass(frozen=True)
class Candidate:
    """One of the best trials of the search, trained again.

    trial: its number there. position: among the candidates, by its rank there. searched: its value there. values: of
    its repeats, None for one that failed. p_value: that it differs from the winner so much by chance; None for the
    winner itself, or where there are too few repeats to tell.
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
        """Whether its difference from the winner can't be told from chance."""
        return self.p_value is None or self.p_value > SIGNIFICANCE


@dataclass(frozen=True)
class Confirmed:
    """A confirmation that is complete: candidates from best to worst, and what the test split said of the first.

    look: which look at the test split it was, from 1; None where it stayed sealed. is_new: whether it was taken just
    now, or is what the record says of an earlier one.
    """

    study: Study
    repeated: Study
    candidates: list[Candidate]
    test: Spread | None
    look: int | None
    is_new: bool

    @property
    def winner(self) -> Candidate:
        """The candidate with the best mean."""
        return self.candidates[0]


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
    """Train the `top` trials of a study again, `seeds` times (and over `folds`); None while that is not complete.

    seeds: by default 5, or one a fold. sealed: leave the test split closed. Called again, it goes on where it was.
    """
    study = load(name, storage)
    repeats = (seeds or (1 if folds else 5)) * max(1, folds)
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
    plan.fold(now.task, now.splits, 0)  # refused now, not in each trial
    spec = dataclasses.replace(
        now.spec,
        data=dataclasses.replace(now.spec.data, plan=plan),
        sampler="list",
        enqueued=[with_fixed(study.spec.space, trial.params) for trial in ranked],
        repeats=repeats,
        # What is repeated is not to be halted for being behind.
        stop_rule=study.spec.stop_rule if stands_alone(study.spec.stop_rule) else "onset",
        seed=derive_seed(study.spec.seed, "confirm"),
    )
    return dataclasses.replace(now, spec=spec)


def _ordered(study: Study, repeated: Study, ranked: Sequence[TrialRow]) -> list[Candidate]:
    """The candidates from best to worst by mean, each compared with the best; those that only failed are left out."""
    trials = repeated.table()
    candidates = []
    for position, trial in enumerate(ranked):
        repeats = trials[position :: len(ranked)]
        values = tuple(None if each.state == "FAIL" else each.value for each in repeats)
        candidates.append(Candidate(trial.number, position, float(trial.value or 0.0), values))
    sign = -1.0 if study.spec.metric.direction == "maximize" else 1.0
    able = sorted((each for each in candidates if each.known), key=lambda each: sign * each.spread.mean)
    if not able:
        raise NoCompletedTrial(f"All repeats failed. To see why: sweep trials {repeated.name}")
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
    """Keep the order on record, open the test split for the winner unless that was done, and write best.yaml."""
    database, study_id, winner = study.database, study.row.study_id, candidates[0]
    known = next((c for c in get_confirmations(database, study_id) if c.name == repeated.name), None)
    record = _record(repeated, candidates)
    if known is not None and "test" in known.record:
        record["test"] = known.record["test"]
    put_confirmation(database, study_id, repeated.name, winner.trial, record)
    is_new = not sealed and "test" not in record
    if is_new:
        rows = _sealed_rows(planned, repeated)
        look = record_look(database, study_id, repeated.name)  # on record before anything is scored on them
        values = _scores_on(rows, repeated, planned, winner)
        record["test"] = {"look": look, "values": values, **_summary(values)}
        put_confirmation(database, study_id, repeated.name, winner.trial, record)
    told = study.confirmation()
    if told is None or told.name == repeated.name:
        write_best(study, study.trial(winner.trial), study.best_path)
    test = record.get("test")
    return Confirmed(
        study,
        repeated,
        candidates,
        None if test is None else Spread.of(test["values"]),
        None if test is None else int(test["look"]),
        is_new,
    )


def _record(repeated: Study, candidates: Sequence[Candidate]) -> dict[str, Any]:
    """What best.yaml says of a confirmation."""
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


def _sealed_rows(planned: Planned, repeated: Study) -> Rows:
    """The test split. Raises DataError where it can't be loaded, before a look at it is counted."""
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
    """The score on the sealed rows of the winner's models, one a repeat."""
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
            continue  # it failed, or never was better than chance
        model = task.rebuild(parameters, prepared[:2]).to(device)
        model.load_state_dict(load_weights(path, trial.attributes["weights"]["digest"]))
        scores.append(evaluate(task, model, prepared, parameters).score)
    return scores
