"""Plain Optuna, as its PyTorch example and its page on parallel runs show it.

    python -m benchmarks.peers.optuna_peer PROBLEM --log FILE [--trials 20] [--seed 0]

TPE and MedianPruner with Optuna's defaults, a DataLoader, and one process a core; all of them work on one study in a
journal file. Each process trains on one thread.
"""

from __future__ import annotations

import multiprocessing
import tempfile
from pathlib import Path

import optuna
import torch
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from benchmarks.peers.plain_loop import epochs
from benchmarks.peers.problem import PROBLEMS, WORKERS
from benchmarks.peers.round_log import RoundLog, run_script
from search_spaces.suggest import suggest


def work(name: str, trials: int, seed: int, log: RoundLog, journal: Path) -> None:
    """One process: trials of the study until it has enough."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    space = PROBLEMS[name].space

    def objective(trial: optuna.Trial) -> float:
        score = 0.0
        for epoch, score in enumerate(epochs(name, suggest(space, trial))):
            log.add(str(trial.number), score)
            trial.report(score, epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return score

    study = optuna.create_study(
        study_name=name,
        storage=JournalStorage(JournalFileBackend(str(journal))),
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=seed),
        pruner=optuna.pruners.MedianPruner(),
        load_if_exists=True,
    )
    enough = optuna.study.MaxTrialsCallback(trials, states=None)
    study.optimize(objective, n_trials=trials, callbacks=[enough])


def search(name: str, trials: int, seed: int, log: RoundLog) -> None:
    """A process a core; the samplers of two processes must not propose the same points, so their seeds differ."""
    with tempfile.TemporaryDirectory() as folder:
        journal = Path(folder) / "journal.log"
        given = [(name, trials, WORKERS * seed + number, log, journal) for number in range(WORKERS)]
        spawn = multiprocessing.get_context("spawn")
        others = [spawn.Process(target=work, args=each) for each in given[1:]]
        for process in others:
            process.start()
        work(*given[0])
        for process in others:
            process.join()


if __name__ == "__main__":
    run_script(search, __doc__)
