"""Tasks whose targets are classes: cross-entropy on logits, scored by accuracy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from objectives.task import Task

if TYPE_CHECKING:
    from torch import Tensor


class ClassificationTask(Task):
    """A task whose model gives a logit for each class: outputs (rows, classes), targets int64 (rows,)."""

    def losses(self, outputs: Tensor, targets: Tensor, parameters: Any) -> Tensor:
        """Cross-entropy on logits, in nats."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs, targets, reduction="none")

    def scores(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """1 for each row whose largest logit is that of the target class, else 0."""
        return outputs.argmax(dim=1) == targets
