"""A Lightning module in a sweep."""

from __future__ import annotations

import pytest
import torch

import objectives
from tests.sweeps_tests.callbacks.conftest import Framework

LIBRARY = "lightning"
CODE = """
    import logging
    import lightning
    import sweeps
    import torch
    from sweeps.callbacks import LightningCallback
    from torch.utils.data import DataLoader, TensorDataset

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    INPUTS = torch.randn(96, 4, generator=torch.Generator().manual_seed(0))
    ROWS = TensorDataset(INPUTS, (INPUTS[:, 0] * INPUTS[:, 1] > 0).long())


    class Net(lightning.LightningModule):
        def __init__(self, lr):
            super().__init__()
            self.lr = lr
            self.net = torch.nn.Sequential(
                torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(8, 2)
            )

        def training_step(self, batch, index):
            loss = torch.nn.functional.cross_entropy(self.net(batch[0]), batch[1])
            self.log("train_loss", loss, on_epoch=True, on_step=False)
            return loss

        def validation_step(self, batch, index):
            outputs = self.net(batch[0])
            self.log("val_loss", torch.nn.functional.cross_entropy(outputs, batch[1]))
            self.log("val_acc", (outputs.argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self):
            optimizer = torch.optim.Adam(self.parameters(), self.lr)
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, 0.9)]


    @sweeps.objective(space={"lr": sweeps.log(1e-3, 1e-1)}, metric="val_acc", direction="maximize", rounds=4)
    def train(trial):
        callback = LightningCallback(trial)
        trainer = lightning.Trainer(
            max_epochs=1000, callbacks=[callback], accelerator="cpu", logger=False, enable_checkpointing=False,
            enable_progress_bar=False, enable_model_summary=False,
        )
        loaders = DataLoader(ROWS, 32, sampler=torch.utils.data.RandomSampler(range(64))), DataLoader(ROWS, 96)
        trainer.fit(Net(trial.params["lr"]), *loaders, ckpt_path=callback.checkpoint)
"""
# Lightning's advice on workers of loaders; what it calls of torch.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*does not have many workers"),
]


def test_from_launch_to_confirmation(framework: Framework) -> None:
    framework.write(CODE)
    framework.launch("own", "-n", "2")
    assert len(framework.rounds("own")) == 4  # of a thousand epochs: the halt was taken
    assert framework.rounds("own")[0]["train_loss"] > 0
    assert "There is no test split" in framework.is_confirmed("own")
    weights = objectives.load_model(framework.best("own"))["model"]
    assert isinstance(weights["net.0.weight"], torch.Tensor)


def test_a_trial_that_was_cut_off_continues_exactly(framework: Framework) -> None:
    framework.write(CODE)
    framework.launch("whole", "-n", "2")
    framework.cut_off("cut", "-n", "2", after=3)
    assert framework.seen[:4] == [(0, 1), (0, 2), (0, 3), (0, 4)]
    assert framework.table("cut") == framework.table("whole")
