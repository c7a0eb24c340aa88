"""PED-ANOVA as Optuna computes it, without the import of scikit-learn."""

from __future__ import annotations

import subprocess
import sys

FRESH = """
import sys, optuna, random
optuna.logging.set_verbosity(optuna.logging.ERROR)
study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
study.optimize(lambda trial: trial.suggest_float("x", 0, 1) ** 2 + trial.suggest_int("n", 1, 9) / 99, n_trials=40)
from sweeps.report.ped_anova import ped_anova
ours = ped_anova(study)
assert not {"sklearn", "scipy.stats"} & set(sys.modules)
from optuna.importance import FanovaImportanceEvaluator, PedAnovaImportanceEvaluator, get_param_importances
assert ours == get_param_importances(study, evaluator=PedAnovaImportanceEvaluator())
assert FanovaImportanceEvaluator().evaluate(study)
assert ped_anova(study) == ours
"""


def test_it_gives_optunas_shares_and_leaves_no_trace() -> None:
    subprocess.run([sys.executable, "-W", "ignore", "-c", FRESH], check=True)
