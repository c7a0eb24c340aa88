"""The ordinary training script with plain Optuna."""

import optuna
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def load_rows():
    inputs, targets = load_digits(return_X_y=True)
    order = torch.randperm(len(targets), generator=torch.Generator().manual_seed(0))
    inputs = torch.tensor(inputs, dtype=torch.float32)[order] / 16
    targets = torch.tensor(targets)[order]
    return TensorDataset(inputs[:1200], targets[:1200]), TensorDataset(inputs[1200:], targets[1200:])


class Net(nn.Module):
    def __init__(self, width, dropout):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, 10))

    def forward(self, inputs):
        return self.net(inputs)


def train_one_epoch(model, loader, optimizer):
    model.train()
    total = 0.0
    for inputs, targets in loader:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(inputs), targets)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(targets)
    return total / len(loader.dataset)


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    loss = correct = 0.0
    for inputs, targets in loader:
        outputs = model(inputs)
        loss += nn.functional.cross_entropy(outputs, targets, reduction="sum").item()
        correct += (outputs.argmax(dim=1) == targets).sum().item()
    return loss / len(loader.dataset), correct / len(loader.dataset)


def main(trial, epochs=20):
    lr = trial.suggest_float("lr", 1e-4, 1e-1, log=True)
    width = trial.suggest_int("width", 16, 256, log=True)
    dropout = trial.suggest_float("dropout", 0.0, 0.6)
    torch.manual_seed(trial.number)
    best = 0.0
    train_rows, valid_rows = load_rows()
    train_loader = DataLoader(train_rows, batch_size=64, shuffle=True)
    valid_loader = DataLoader(valid_rows, batch_size=256)
    model = Net(width, dropout)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for epoch in range(epochs):
        train_loss = train_one_epoch(model, train_loader, optimizer)
        valid_loss, accuracy = evaluate(model, valid_loader)
        scheduler.step()
        print(f"epoch {epoch}: training loss {train_loss:.3f}, validation {valid_loss:.3f}, {accuracy:.3f}")
        if accuracy > best:
            best = accuracy
            torch.save(model.state_dict(), f"trial-{trial.number}.pt")
        trial.report(accuracy, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return best


if __name__ == "__main__":
    sampler, pruner = optuna.samplers.TPESampler(seed=0), optuna.pruners.MedianPruner()
    where = {"study_name": "mine", "storage": "sqlite:///mine.db", "load_if_exists": True}
    study = optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner, **where)
    study.optimize(main, n_trials=20)
    print(study.best_trial.value, study.best_trial.params)
