"""Keras: `CSVLogger`, three epochs, and two more after a restart that appends to the file."""

import json
import os
import sys
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import keras
import numpy as np

keras.utils.set_random_seed(0)
inputs = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
targets = (inputs[:, 0] > 0).astype("float32")
path = Path(sys.argv[1]) / "log.csv"
said = []
for epochs, append in ((3, False), (2, True)):
    model = keras.Sequential([keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    history = model.fit(
        inputs,
        targets,
        epochs=epochs,
        validation_split=0.25,
        verbose=0,
        callbacks=[keras.callbacks.CSVLogger(path, append=append)],
    ).history
    names = {"train_loss": "loss", "valid_loss": "val_loss", "valid_score": "val_accuracy"}
    said.append({ours: [float(value) for value in history[name]] for ours, name in names.items()})
print(json.dumps(said))
