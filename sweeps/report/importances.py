"""Which searched parameters matter for reaching the best scores: Optuna's PED-ANOVA over a study's completed trials.

Watanabe, Bansal and Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces",
IJCAI 2023. fANOVA, Optuna's default, needs seconds for 1,000 trials; this needs milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from storage.trials import TrialRow
from sweeps.study.stored_study import Study

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

FEWEST_TRIALS = 10  # with fewer trials, an importance means nothing


def importances(study: Study, ranked: Sequence[TrialRow]) -> dict[str, float]:
    """The importance of each searched parameter, the largest first; they add up to 1. Empty for too few trials.

    ranked: the completed trials. A parameter that only some trials have is measured among those.
    """
    if len(ranked) < FEWEST_TRIALS:
        return {}
    import optuna

    from sweeps.report.ped_anova import ped_anova

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    mirror = optuna.create_study(direction=study.spec.metric.direction)
    mirror.add_trials(_asked(study, ranked) if study.spec.is_open else [_frozen(study, t) for t in ranked])
    found = ped_anova(mirror)
    return dict(sorted(found.items(), key=lambda item: -item[1])) if any(found.values()) else {}


def _frozen(study: Study, trial: TrialRow) -> FrozenTrial:
    """The trial as Optuna has it, with its searched parameters."""
    from optuna.trial import TrialState, create_trial

    from search_spaces.suggest import distributions

    of_chosen = distributions(study.spec.space, study.spec.point_of(trial.params))
    return create_trial(
        state=TrialState.COMPLETE,
        value=trial.value,
        params={name: trial.params[name] for name in of_chosen},
        distributions=of_chosen,
    )


def _asked(study: Study, ranked: Sequence[TrialRow]) -> list[FrozenTrial]:
    """The `ranked` trials as Optuna's storage has them: only it has the search ranges of an Optuna objective."""
    numbers = {trial.number for trial in ranked}
    stored = study.database.optuna.get_all_trials(study.row.study_id, deepcopy=False)
    return [trial for trial in stored if trial.number in numbers]
