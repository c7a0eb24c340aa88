"""Code of other kinds than a classifier: its metric, from launch to replay and confirmation.

Boosting without torch, Lightning and Hugging Face's Trainer stand in `tests/sweeps_tests/callbacks`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sweeps_tests.conftest import Said, Sweep
from tests.sweeps_tests.own_code.conftest import Write

Launch = Callable[..., Said]
REGRESSION = """
    import numpy as np
    import sweeps
    from sklearn.ensemble import GradientBoostingRegressor

    INPUTS = np.random.default_rng(0).normal(size=(150, 4))
    TARGETS = INPUTS[:, 0] * INPUTS[:, 1] + 0.1 * INPUTS[:, 2]

    def rmse(model, rows):
        return np.sqrt(np.mean((model.predict(INPUTS[rows]) - TARGETS[rows]) ** 2))

    @sweeps.objective(
        space={"learning_rate": sweeps.log(0.01, 0.5), "max_depth": (1, 4)}, metric="rmse", direction="minimize", rounds=5
    )
    def train(trial):
        model = GradientBoostingRegressor(**trial.params, warm_start=True, random_state=trial.seed % 2**32)
        for round in trial.rounds():
            model.set_params(n_estimators=5 * (round + 1)).fit(INPUTS[:100], TARGETS[:100])
            trial.report(rmse=rmse(model, slice(100, 150)), train_rmse=rmse(model, slice(100)))
"""
TOKENS = """
    import math
    import sweeps
    import torch

    TEXT = "the cat sat on the mat and the dog sat on the log " * 12
    WORDS = sorted(set(TEXT))
    TOKENS = torch.tensor([WORDS.index(letter) for letter in TEXT])

    @sweeps.objective(
        space={"lr": sweeps.log(1e-3, 1e-1), "width": [8, 16]}, metric="perplexity", direction="minimize", rounds=4,
        chance=len(WORDS),
    )
    def train(trial):
        embedding = torch.nn.Embedding(len(WORDS), trial.params["width"])
        model = torch.nn.Sequential(embedding, torch.nn.Linear(trial.params["width"], len(WORDS)))
        optimizer = torch.optim.Adam(model.parameters(), trial.params["lr"])
        trial.restore(model=model, optimizer=optimizer)

        def loss(part):
            return torch.nn.functional.cross_entropy(model(part[:-1]), part[1:])

        for epoch in trial.rounds():
            optimizer.zero_grad()
            train_loss = loss(TOKENS[:400])
            train_loss.backward()
            optimizer.step()
            valid_loss = loss(TOKENS[400:500]).item()
            trial.report(perplexity=math.exp(valid_loss), valid_loss=valid_loss, train_loss=train_loss)
            trial.save(model=model, optimizer=optimizer)

    @train.test
    def test(trial):
        saved = trial.restore()["model"]
        logits = saved["0.weight"][TOKENS[500:-1]] @ saved["1.weight"].T + saved["1.bias"]
        return math.exp(torch.nn.functional.cross_entropy(logits, TOKENS[501:]))
"""


@pytest.mark.parametrize(("code", "metric"), [(REGRESSION, "rmse"), (TOKENS, "perplexity")])
def test_a_metric_that_is_minimised(
    code: str, metric: str, sweep: Sweep, write: Write, tmp_path: Path
) -> None:
    path, out = write(code), tmp_path / "out"
    said = sweep("launch", path, "-n", "3", "--study", "own", "--runner", "inline", "--out", out).err
    assert f"minimizes {metric}" in said
    assert f"rounds are equal; {metric}" in sweep("replay", out / "best.yaml").err
    confirmed = sweep("confirm", "own", "--top", "2", "--seeds", "2", "--runner", "inline").err
    assert ("Test perplexity of trial" if metric == "perplexity" else "There is no test split") in confirmed


def test_the_ordinary_script_of_the_examples_is_swept(sweep: Sweep, tmp_path: Path) -> None:
    script = Path(__file__).parents[3] / "examples" / "plain" / "train_swept.py"
    out = tmp_path / "out"
    sweep("launch", script, "-n", "2", "--rounds", "2", "--out", out, "--runner", "inline")
    assert "All 2 rounds are equal; accuracy" in sweep("replay", out / "best.yaml").err


CALLED = {
    "a partial": "import functools\ndef f(trial, k): return k\ntrain = DECLARED(functools.partial(f, k=1))\n",
    "an object": "class T:\n    def __call__(self, trial): return 1\ntrain = DECLARED(T())\n",
    "an Optuna partial": "import functools\ndef f(trial, k): return trial.suggest_float('x', 0, k)\n"
    "objective = functools.partial(f, k=1)\n",
    "an Optuna object": "class T:\n    def __call__(self, trial): return trial.suggest_float('x', 0, 1)\n"
    "objective = T()\n",
}


@pytest.mark.parametrize("kind", CALLED)
def test_what_is_called_like_a_function_is_one(launch_own: Launch, write: Write, kind: str) -> None:
    declared = "sweeps.objective(space={'x': (0.0, 1.0)}, metric='f1', direction='maximize')"
    path = write(f"import sweeps\nDECLARED = {declared}\n{CALLED[kind]}")
    assert "2 trials (2 finished)" in launch_own(path, "-n", "2").err
