"""Optuna's example of a PyTorch objective, written anew on scikit-learn's digits: the network is searched, too."""

import optuna
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

EPOCHS, BATCH_SIZE, CLASSES = 5, 128, 10


def define_model(trial):
    num_layers = trial.suggest_int("n_layers", 1, 3)
    layers, in_features = [], 64
    for index in range(num_layers):
        out_features = trial.suggest_int(f"n_units_l{index}", 4, 128)
        layers += [nn.Linear(in_features, out_features), nn.ReLU()]
        layers.append(nn.Dropout(trial.suggest_float(f"dropout_l{index}", 0.2, 0.5)))
        in_features = out_features
    return nn.Sequential(*layers, nn.Linear(in_features, CLASSES))


def get_loaders():
    inputs, targets = load_digits(return_X_y=True)
    rows = torch.tensor(inputs, dtype=torch.float32) / 16, torch.tensor(targets)
    train, valid = (
        TensorDataset(*(each[part] for each in rows)) for part in (slice(1400), slice(1400, None))
    )
    return DataLoader(train, BATCH_SIZE, shuffle=True), DataLoader(valid, BATCH_SIZE)


def objective(trial):
    model = define_model(trial)
    optimizer_name = trial.suggest_categorical("optimizer", ["Adam", "RMSprop", "SGD"])
    lr = trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    optimizer = getattr(torch.optim, optimizer_name)(model.parameters(), lr=lr)
    train_loader, valid_loader = get_loaders()

    for epoch in range(EPOCHS):
        model.train()
        for inputs, targets in train_loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()

        model.eval()
        correct = 0
        with torch.no_grad():
            for inputs, targets in valid_loader:
                correct += (model(inputs).argmax(dim=1) == targets).sum().item()
        accuracy = correct / len(valid_loader.dataset)

        trial.report(accuracy, epoch)
        if trial.should_prune():
            raise optuna.exceptions.TrialPruned()

    return accuracy


if __name__ == "__main__":
    study = optuna.create_study(direction="maximize")
    study.optimize(objective, n_trials=100, timeout=600)
    print("Best trial:", study.best_trial.value, study.best_trial.params)
