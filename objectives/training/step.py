"""One optimiser step as a program. Its inputs come from a feed, and its figures go to a tally."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from objectives.rows.rows import Rows
from objectives.task import Task
from objectives.training.feed import Feed
from objectives.training.optimizers import state_tensors
from objectives.training.tally import Tally


class Step:
    """Takes a batch from the feed, makes a step, and adds to the tally."""

    def __init__(
        self,
        task: Task,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        parameters: Any,
        rows: Rows,
        feed: Feed,
        tally: Tally,
    ) -> None:
        self.task, self.model, self.optimizer, self.parameters = task, model, optimizer, parameters
        self.feed, self.tally = feed, tally
        self._rows = rows
        self.choose_weights()

    def choose_weights(self) -> None:
        """Find out which weights are trained. Called at the start of each round."""
        self._weights = [weight for weight in self.model.parameters() if weight.requires_grad]
        self._first_layer = [weight for weight in self._weights if weight.ndim > 1][:1]

    def __call__(self, is_sampled: bool) -> None:
        """Make the step. is_sampled: whether to add the gradient's norm to the tally."""
        batch = self.task.augment(self._rows[self.feed.next()], self.parameters)
        for weight in self._weights:
            weight.grad = None  # like optimizer.zero_grad, which takes an eighth of a small net's step
        self.tally.add_loss(self.take_gradient(batch))
        if is_sampled:
            for weight in self._first_layer:
                if weight.grad is not None:
                    self.tally.add_first_norm(weight.grad.norm())
        self._limit_gradient(is_sampled)
        self.optimizer.step()

    def _limit_gradient(self, is_sampled: bool) -> None:
        clip = self.parameters.gradient_clip
        if clip is not None:
            self.tally.add_norm(nn.utils.clip_grad_norm_(self._weights, clip))
        elif is_sampled:
            gradients = [weight.grad for weight in self._weights if weight.grad is not None]
            self.tally.add_norm(nn.utils.get_total_norm(gradients))

    def take_gradient(self, batch: Rows) -> Tensor:
        """Compute the gradient of the batch's mean loss, stored in each weight's `grad`. Returns that loss."""
        outputs = self.task.forward(self.model, batch)
        losses = self.task.losses(outputs, batch.targets, self.parameters)
        # Passes the gradient of the mean directly, so that the mean itself need not be in the graph.
        shares = losses.new_full(losses.shape, 1 / len(losses))
        if losses.is_cuda:
            torch.autograd.backward(losses, shares)
        else:  # The same bits. To check the shape of a given gradient, torch would import sympy, for half a second.
            torch.dot(losses.flatten(), shares.flatten()).backward()  # type: ignore[no-untyped-call]
        return losses.detach().mean()


class Changing:
    """Returns the tensors that a round changes. A recording needs them to keep their addresses.

    figures: the tensor into which a round's figures are copied; None before the first round.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, feed: Feed, tally: Tally) -> None:
        self._model, self._optimizer = model, optimizer
        self._feed, self._tally = feed, tally
        self.figures: Tensor | None = None

    def __call__(self) -> list[Tensor]:
        """The tensors, in a fixed order."""
        tensors = [*self._model.parameters(), *self._model.buffers(), *state_tensors(self._optimizer)]
        tensors += [*self._feed.tensors(), *self._tally.tensors()]
        return tensors if self.figures is None else [*tensors, self.figures]
