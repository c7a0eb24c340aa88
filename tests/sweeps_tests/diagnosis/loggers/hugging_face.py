"""Hugging Face: the `trainer_state.json` of a Trainer that evaluates in every epoch."""

import json
import sys
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

torch.manual_seed(0)
config = BertConfig(
    vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
)
words = torch.randint(20, (48, 6))
rows = [{"input_ids": row, "labels": (row[0] > 9).long()} for row in words]
trainer = Trainer(
    model=BertForSequenceClassification(config),
    args=TrainingArguments(
        output_dir=sys.argv[1],
        num_train_epochs=3,
        per_device_train_batch_size=16,
        eval_strategy="epoch",
        logging_strategy="epoch",
        save_strategy="no",
        report_to=[],
        disable_tqdm=True,
        use_cpu=True,
        learning_rate=0.01,
    ),
    train_dataset=rows[:32],
    eval_dataset=rows[32:],
    compute_metrics=lambda found: {"accuracy": float((found[0].argmax(1) == found[1]).mean())},
)
trainer.train()
trainer.save_state()
log = json.loads((Path(sys.argv[1]) / "trainer_state.json").read_text())["log_history"]
names = {"train_loss": "loss", "valid_loss": "eval_loss", "valid_score": "eval_accuracy"}
print(json.dumps([{ours: [each[name] for each in log if name in each] for ours, name in names.items()}]))
