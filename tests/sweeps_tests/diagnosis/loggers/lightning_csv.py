"""Lightning: `CSVLogger`, three epochs with a validation each, and a final test."""

import json
import sys

import torch
from lightning import LightningModule, Trainer, seed_everything
from lightning.pytorch.loggers import CSVLogger
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset


class Tiny(LightningModule):
    def __init__(self):
        super().__init__()
        self.net = torch.nn.Linear(4, 2)
        self.said = {"train_loss": [], "valid_loss": [], "valid_score": []}

    def training_step(self, batch, index):
        loss = functional.cross_entropy(self.net(batch[0]), batch[1])
        self.log("train_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch, index):
        output = self.net(batch[0])
        self.log("val_loss", functional.cross_entropy(output, batch[1]))
        self.log("val_acc", (output.argmax(1) == batch[1]).float().mean())

    def test_step(self, batch, index):
        self.log("test_loss", functional.cross_entropy(self.net(batch[0]), batch[1]))

    def on_train_epoch_end(self):
        metrics = self.trainer.callback_metrics
        for ours, name in {
            "train_loss": "train_loss",
            "valid_loss": "val_loss",
            "valid_score": "val_acc",
        }.items():
            self.said[ours].append(float(metrics[name]))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.05)


seed_everything(0)
inputs = torch.randn(64, 4)
loader = DataLoader(TensorDataset(inputs, (inputs[:, 0] > 0).long()), batch_size=16)
trainer = Trainer(
    max_epochs=3,
    accelerator="cpu",
    logger=CSVLogger(sys.argv[1], name=None, version=""),
    enable_progress_bar=False,
    enable_model_summary=False,
    enable_checkpointing=False,
    num_sanity_val_steps=2,
    log_every_n_steps=1,
)
model = Tiny()
trainer.fit(model, loader, loader)
trainer.test(model, loader, verbose=False)
print(json.dumps([model.said]))
