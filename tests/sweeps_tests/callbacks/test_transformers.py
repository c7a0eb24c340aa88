"""Hugging Face's Trainer in a sweep, on a tiny random BERT."""

from __future__ import annotations

from tests.sweeps_tests.callbacks.conftest import Framework

LIBRARY = "transformers"
CODE = """
    import tempfile
    import sweeps
    import torch
    from sweeps.callbacks import TransformersCallback
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

    TOKENS = torch.randint(20, (48, 6), generator=torch.Generator().manual_seed(0))
    ROWS = [{"input_ids": row, "labels": (row[0] > 9).long()} for row in TOKENS]
    SMALL = {
        "vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 8,
        "max_position_embeddings": 8,
    }


    @sweeps.objective(
        space={"lr": sweeps.log(1e-3, 1e-1)}, metric="eval_accuracy", direction="maximize", rounds=3
    )
    def train(trial):
        callback = TransformersCallback(trial)
        with tempfile.TemporaryDirectory() as folder:
            trainer = Trainer(
                BertForSequenceClassification(BertConfig(**SMALL)),
                TrainingArguments(
                    folder, eval_strategy="epoch", save_strategy="no", logging_strategy="epoch", num_train_epochs=1000,
                    per_device_train_batch_size=16, learning_rate=trial.params["lr"], use_cpu=True, report_to="none",
                    seed=trial.seed % 2**32, disable_tqdm=True, dataloader_pin_memory=False,
                ),
                train_dataset=ROWS[:32],
                eval_dataset=ROWS[32:],
                compute_metrics=lambda told: {"accuracy": (told.predictions.argmax(1) == told.label_ids).mean()},
                callbacks=[callback],
            )
            trainer.train(resume_from_checkpoint=callback.checkpoint)
"""


def test_from_launch_to_confirmation(framework: Framework) -> None:
    framework.write(CODE)
    framework.launch("own", "-n", "2")
    rounds = framework.rounds("own")
    assert len(rounds) == 3  # of a thousand epochs: the halt was taken
    assert {"train_loss", "valid_loss", "learning_rate", "gradient_norm"} <= {
        name for name, value in rounds[0].items() if value is not None
    }
    assert "There is no test split" in framework.is_confirmed("own")


def test_a_trial_that_was_cut_off_continues_exactly(framework: Framework) -> None:
    framework.write(CODE)
    framework.launch("whole", "-n", "1")
    framework.cut_off("cut", "-n", "1", after=2)
    assert framework.seen == [(0, 1), (0, 2), (0, 3)]
    assert framework.table("cut") == framework.table("whole")
