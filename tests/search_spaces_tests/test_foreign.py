"""Space files of other tools: one is read, others are told in our form; nothing is dropped without a word."""

from __future__ import annotations

import textwrap

import pytest

from search_spaces import SpaceError
from search_spaces.reader import parse_space

WANDB = """
    program: train.py
    method: bayes
    metric: {name: val_loss, goal: minimize}
    early_terminate: {type: hyperband, min_iter: 3}
    parameters:
      lr: {distribution: log_uniform_values, min: 1e-5, max: 1e-1}
      width: {min: 16, max: 512}
      dropout: {min: 0.0, max: 0.5}
      rate: {distribution: q_uniform, min: 0.0, max: 1.0, q: 0.25}
      optimizer: {values: [adam, sgd]}
      layers: {values: [[64, 64], [128]]}
      epochs: {value: 20}
"""


def read(text: str) -> dict[str, object]:
    return parse_space(textwrap.dedent(text), "space.yaml").to_dict()


def test_the_parameters_of_a_weights_and_biases_sweep_are_a_space() -> None:
    assert read(WANDB) == {
        "lr": {"low": 1e-5, "high": 0.1, "log": True},
        "width": {"low": 16, "high": 512},
        "dropout": {"low": 0.0, "high": 0.5},
        "rate": {"low": 0.0, "high": 1.0, "step": 0.25},
        "optimizer": {"choices": ["adam", "sgd"]},
        "layers": {"choices": {"[64, 64]": [64, 64], "[128]": [128]}},
        "epochs": 20,
    }


def test_what_of_it_is_not_used_is_said() -> None:
    note = parse_space(textwrap.dedent(WANDB), "space.yaml").note
    for word in ("method (the sampler)", "early_terminate (the stop rule)", "program (the launch)"):
        assert word in note
    weighed = "method: grid\nparameters: {x: {values: [1, 2], probabilities: [0.1, 0.9]}}"
    assert "probabilities of x" in parse_space(weighed, "space.yaml").note


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (
            "method: grid\nparameters: {x: {distribution: normal, mu: 0, sigma: 1}}",
            "x: normal without min and max",
        ),
        ("method: grid\nparameters: {x: {parameters: {y: {value: 1}}}}", "x: nested parameters"),
        ("method: grid\nparmeters: {}\nparameters: {x: {value: 1}}", "unknown key 'parmeters'"),
        ("parameters: {x: 1}\nrun: 5", "unknown key 'run'"),
        ("space: {x: 1}\nmethod: grid", "unknown key 'method'"),
    ],
)
def test_what_can_not_be_used_is_refused(text: str, why: str) -> None:
    with pytest.raises(SpaceError, match=why):
        read(text)


def test_values_are_choices() -> None:
    assert read("space: {batch_size: {values: [32, 64]}}") == {"batch_size": {"choices": [32, 64]}}


@pytest.mark.parametrize(
    "text",
    [
        "lr: {_type: loguniform, _value: [1e-5, 0.1]}\nopt: {_type: choice, _value: [adam, sgd]}",
        """
        kind: Experiment
        spec:
          parameters:
            - {name: lr, parameterType: double, feasibleSpace: {min: "1e-5", max: "0.1"}}
            - {name: opt, parameterType: categorical, feasibleSpace: {list: [adam, sgd]}}
        """,
        "hydra: {sweeper: {params: {lr: 'tag(log, interval(1e-5, 0.1))', opt: 'choice(adam, sgd)'}}}",
        "hyperparameters: {lr: {type: log, base: 10, minval: -5, maxval: -1}, opt: {type: categorical, vals: [adam, sgd]}}",
        "flags: {lr: 'loguniform[1e-5:0.1]', opt: [adam, sgd]}",
        "train: {flags: {lr: {min: 1e-5, max: 0.1}, opt: {choices: [adam, {value: sgd}]}}}",
        "- {model: mine, operations: {train: {flags: {lr: 'uniform[1e-5:0.1]', opt: [adam, sgd]}}}}",
    ],
)
def test_the_parameters_of_other_tools_are_told_in_our_form(text: str) -> None:
    with pytest.raises(SpaceError) as refusal:
        read(text)
    form = str(refusal.value).partition("our form:\n")[2]
    parameters = read(form)
    assert parameters["opt"] == {"choices": ["adam", "sgd"]}
    assert parameters["lr"] in ({"low": 1e-5, "high": 0.1}, {"low": 1e-5, "high": 0.1, "log": True})
