"""Checks of the rows: that no row is in two splits, and that labels belong to their rows."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import Counter

import torch
from torch import Tensor

from objectives.rows.rows import Splits
from objectives.seeding import derive_seed
from sweeps.guidance.bench import Bench
from sweeps.guidance.check import Check, failed, not_applicable, passed
from sweeps.trial.metric import Metric

LABEL_ROWS = 20_000  # the most rows that the check of labels trains on, repeated rows counted again
LABEL_STEPS = 400  # the most steps of this check
LEARNT = 0.2  # the training score has learnt something at this share of the way from chance to a score of 1
ROWS_A_CLASS = 12  # with fewer training rows for each class, validation rows may stay at chance


def splits(bench: Bench) -> Check:
    """Checks that no row is in both the training and the validation split. It does not read the test split."""
    train, valid = (_row_digests(rows.inputs) for rows in (bench.whole.train, bench.whole.valid))
    counts = Counter(train)
    twice = sum(count - 1 for count in counts.values()) / len(train)
    both = sum(row in counts for row in valid)
    if not both:
        return passed(
            "splits", f"None of {len(valid):,} validation rows is among the {len(train):,} training rows."
        )
    share = both / len(valid)
    said = f"{both:,} of {len(valid):,} validation rows are among the training rows"
    if share <= 2 * twice:
        return not_applicable(
            "splits", f"{said}, but as many rows repeat within the training split itself ({twice:.1%})."
        )
    return failed("splits", f"{said}.", both=both)


def labels(bench: Bench) -> Check:
    """Checks that the validation score beats chance after training on true labels, but not on shuffled labels."""
    targets = bench.splits.train.targets
    if targets.ndim != 1 or targets.is_floating_point() or len(torch.unique(targets)) < 2:
        return not_applicable("labels", "The targets are not labels of several classes.")
    task = bench.task
    metric = Metric(task.metric, task.direction, task.chance_score, len(bench.splits.valid))
    true_train, true_valid, rounds = _scores(bench, bench.splits, metric, None)
    if not metric.beats_chance(true_valid):
        room = metric.oriented(true_train) - metric.oriented(task.chance_score)
        enough = len(bench.splits.train) >= ROWS_A_CLASS * len(torch.unique(targets))
        learnt = enough and room > LEARNT * abs(1 - task.chance_score)
        said = (
            f"After {rounds} short rounds the score is {true_train:.3g} on training rows and {true_valid:.3g}, no more "
            "than chance, on validation rows"
        )
        if learnt:
            return failed("labels", f"{said}.", train=true_train, valid=true_valid)
        return not_applicable("labels", f"{said}: too little is learnt in this time to judge.")
    _, shuffled, _ = _scores(bench, _shuffled(bench), metric, rounds)
    said = (
        f"Validation {task.metric} after {rounds} short rounds: {true_valid:.3g} with the true labels, {shuffled:.3g} "
        f"with shuffled ones; chance is {task.chance_score:.3g}."
    )
    half_way = metric.oriented(true_valid + task.chance_score) / 2
    leaks = metric.beats_chance(shuffled) and metric.oriented(shuffled) > half_way
    return (failed if leaks else passed)("labels", said, true=true_valid, shuffled=shuffled)


def _scores(bench: Bench, part: Splits, metric: Metric, rounds: int | None) -> tuple[float, float, int]:
    """Training score, validation score and number of rounds.

    rounds: how many to train; None to train until the validation score clearly beats chance, or the limit is reached.
    """
    run = bench.run(splits=part, parameters=bench.changed(schedule="constant"))
    most = rounds or max(1, min(LABEL_STEPS, LABEL_ROWS // run.batch_size) // run.steps_per_round)
    clear = dataclasses.replace(metric, num_valid=max(1, metric.num_valid // 9))  # three times the margin
    done = 0
    while done < most:
        stride = min(8, most - done)
        for _ in range(stride - 1):
            run.train_round()
        latest = run.advance()
        done += stride
        if rounds is None and clear.beats_chance(latest.valid_score):
            break
    assert latest.train_score is not None
    return latest.train_score, latest.valid_score, done


def _shuffled(bench: Bench) -> Splits:
    generator = torch.Generator().manual_seed(derive_seed(bench.seed, "shuffled labels"))
    train = bench.splits.train
    order = torch.randperm(len(train), generator=generator)
    rows = dataclasses.replace(train, targets=train.targets[order])
    return dataclasses.replace(bench.splits, train=rows, digest=f"shuffled {bench.splits.digest}")


def _row_digests(inputs: Tensor) -> list[bytes]:
    """A digest of each row."""
    array = inputs.contiguous().reshape(len(inputs), -1).cpu().numpy()
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in array]
