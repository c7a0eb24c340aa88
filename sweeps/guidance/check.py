"""The result of a sanity check, and the usual cause of each failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Outcome = Literal["passed", "failed", "not_applicable"]

CAUSES = {
    "initial_loss": "weights that are drawn too large, inputs that are not scaled, or a loss that is no mean",
    "training_mode": "a call of eval() that is left in the forward pass, or a train() that does nothing",
    "gradients": "a detached tensor (.detach(), .item(), torch.no_grad), a layer that is not used, or dead units",
    "one_batch": "a layer that does not learn, a softmax before a loss that takes logits, or a rate that is far off",
    "evaluation_repeatable": "dropout or augmentation at evaluation, or statistics that are updated there",
    "evaluation_alone": "batch normalisation that uses the batch's own statistics at evaluation",
    "labels": "labels that are shuffled against their rows while loading, or targets that reach the model's input",
    "splits": "a row that is copied before the split, or a split that is drawn again with another seed",
    "repeatable": "a random generator that is not seeded from the trial's seed, or a global state that is kept",
    "seed": "a fixed seed in the code, such as torch.manual_seed(0) where the model is built",
    "resumable": "state outside of what is saved, such as a generator, a counter or a scheduler",
    "finite": "a division by zero, log of 0, or a loss that overflows",
    "step_time": "",
}


@dataclass(frozen=True)
class Check:
    """What one check found.

    name: a key of `CAUSES`. because: the evidence, as a sentence. evidence: the figures.
    """

    name: str
    outcome: Outcome
    because: str
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def cause(self) -> str | None:
        """The usual cause of a failure; None for what did not fail."""
        return CAUSES[self.name] if self.outcome == "failed" else None

    def record(self) -> dict[str, Any]:
        """The record with the keys of `-f json`."""
        record = asdict(self)
        return {"check": record.pop("name"), **record, "cause": self.cause}


def passed(name: str, because: str, **evidence: Any) -> Check:
    """A check that passed."""
    return Check(name, "passed", because, evidence)


def failed(name: str, because: str, **evidence: Any) -> Check:
    """A check that failed."""
    return Check(name, "failed", because, evidence)


def not_applicable(name: str, because: str) -> Check:
    """A check that can't be made for this task."""
    return Check(name, "not_applicable", because)
