"""The stop rules in an Optuna study of one's own: a network on noisy labels, halted where it begins to learn them."""

import optuna
import torch
from torch.nn.functional import cross_entropy

import sweeps

torch.manual_seed(0)
inputs = torch.randn(600, 20)
labels = ((inputs[:, :2].sum(1) + torch.randn(600)) > 0).long()
train, valid = slice(0, 100), slice(100, 600)


def objective(trial: optuna.Trial) -> float:
    width = trial.suggest_int("width", 8, 256, log=True)
    model = torch.nn.Sequential(torch.nn.Linear(20, width), torch.nn.ReLU(), torch.nn.Linear(width, 2))
    optimizer = torch.optim.Adam(model.parameters(), lr=trial.suggest_float("lr", 1e-3, 3e-2, log=True))
    best = 0.0
    for epoch in range(60):
        optimizer.zero_grad()
        cross_entropy(model(inputs[train]), labels[train]).backward()
        optimizer.step()
        figures = {}
        for name, rows in (("train", train), ("valid", valid)):
            logits = model(inputs[rows]).detach()
            figures[f"{name}_loss"] = cross_entropy(logits, labels[rows]).item()
            figures[f"{name}_score"] = (logits.argmax(1) == labels[rows]).float().mean().item()
        sweeps.report_round(trial, epoch, **figures)
        best = max(best, figures["valid_score"])
        if trial.should_prune():
            stop = study.pruner.verdict(study, trial)
            print(f"trial {trial.number} ends after {stop.round} rounds: {stop.reason}: {stop.because}")
            break
    return best  # not TrialPruned: what it reached before it overfitted counts


study = optuna.create_study(
    direction="maximize",
    pruner=sweeps.OverfittingPruner(60, valid_rows=500, chance=0.5),
    sampler=optuna.samplers.TPESampler(seed=0),
)
study.optimize(objective, n_trials=6)
print(f"best: {study.best_value:.3f} by {study.best_params}")
