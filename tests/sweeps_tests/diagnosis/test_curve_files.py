"""Files of learning curves: what loggers write is read without an option, and what was taken for what is told."""

from __future__ import annotations

import gzip
import json
import math
import struct
from pathlib import Path

import pytest
from tensorboardX import SummaryWriter

from sweeps.diagnosis.curve_files import text_files
from sweeps.diagnosis.curve_files.reading import CurveFile, read_curves
from sweeps.diagnosis.plot import has_own_losses
from sweeps.errors import UsageError

KERAS = "epoch,accuracy,loss,val_accuracy,val_loss\n0,.5,1.2,.52,1.1\n1,.6,1.0,.6,.95\n2,.7,.8,.66,.9\n"
LIGHTNING = (
    "epoch,step,train_loss,train_acc,val_acc,val_loss,lr-Adam\n0,49,1.2,.5,,,.001\n0,49,,,.52,1.1,\n"
    "1,99,1.0,.6,,,.001\n1,99,,,.6,.95,\n2,149,.8,.7,,,.001\n2,149,,,.66,.9,\n"
)
ULTRALYTICS = (
    "      epoch,  train/box_loss,  train/cls_loss,  metrics/precision(B),  metrics/mAP50-95(B),  val/box_loss,"
    "  val/cls_loss,   lr/pg0\n     0,  .6, .6,  .4,  .52,  .5, .6, .01\n     1,  .5, .5,  .5,  .6,  .5, .45, .01\n"
    "     2,  .4, .4,  .55,  .66,  .45, .45, .01\n"
)
FASTAI = (
    "epoch,train_loss,valid_loss,accuracy,time\n0,1.2,1.1,.52,00:12\n1,1.0,.95,.6,00:12\n2,.8,.9,.66,00:11\n"
)
HISTORY = (
    "_step,_runtime,_timestamp,epoch,train/loss,eval/loss,eval/accuracy\n0,1,9,0,1.2,,\n1,2,9,0,,1.1,.52\n"
    "2,3,9,1,1.0,,\n3,4,9,1,,.95,.6\n4,5,9,2,.8,,\n5,6,9,2,,.9,.66\n"
)
STATE = {
    "log_history": [
        each
        for epoch, (train, valid, score) in enumerate([(1.2, 1.1, 0.52), (1.0, 0.95, 0.6), (0.8, 0.9, 0.66)])
        for each in (
            {"epoch": epoch + 1.0, "step": 500 * (epoch + 1), "loss": train, "learning_rate": 1e-5},
            {"epoch": epoch + 1.0, "step": 500 * (epoch + 1), "eval_loss": valid, "eval_f1": score},
        )
    ]
    + [{"epoch": 3.0, "step": 1500, "train_loss": 1.0, "train_runtime": 60.0}]
}
WRITTEN = {
    "keras.csv": KERAS,
    "lightning/metrics.csv": LIGHTNING,
    "results.csv": ULTRALYTICS,
    "fastai.csv": FASTAI,
    "wandb.csv": HISTORY,
    "trainer_state.json": json.dumps(STATE),
    "semicolons.csv": KERAS.replace(",", ";").replace(".", ","),
    "tabs.tsv": KERAS.replace(",", "\t"),
    "bom.csv": "\ufeff" + KERAS,
    "tensors.csv": KERAS.replace("1.1\n", "tensor(1.1)\n").replace(
        "1.2,", "\"tensor(1.2, device='cuda:0')\","
    ),
}


def read(folder: Path, text: str, name: str = "log.csv", **how: str) -> CurveFile:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return read_curves(path, columns=how)


@pytest.mark.parametrize("name", WRITTEN)
def test_what_loggers_write_is_read_without_an_option(tmp_path: Path, name: str) -> None:
    found = read(tmp_path, WRITTEN[name], name)
    (named,) = found.curves
    assert named.curve.valid_loss == pytest.approx([1.1, 0.95, 0.9])
    assert named.curve.train_loss == pytest.approx([1.2, 1.0, 0.8])
    assert named.curve.valid_score == pytest.approx([0.52, 0.6, 0.66])
    assert found.metric.direction == "maximize"
    assert "valid_loss = " in found.notes[0] or "fastai" in name


def test_event_files_of_tensorboard_are_read(tmp_path: Path) -> None:
    for split, losses in (("train", [1.2, 1.0, 0.8]), ("validation", [1.1, 0.95, 0.9])):
        with SummaryWriter(str(tmp_path / "run" / split)) as writer:
            for step, loss in enumerate(losses):
                writer.add_scalar("epoch_loss", loss, step)
    (named,) = read_curves(tmp_path / "run").curves
    assert named.name == "run"
    assert named.curve.valid_loss == pytest.approx([1.1, 0.95, 0.9])
    assert named.curve.train_loss == pytest.approx([1.2, 1.0, 0.8])


@pytest.mark.parametrize("again", [KERAS, KERAS.partition("\n")[2]], ids=["with its header", "without"])
def test_a_log_appended_after_a_restart_holds_two_runs(tmp_path: Path, again: str) -> None:
    found = read(tmp_path, KERAS + again)
    assert [named.name for named in found.curves] == ["log:1", "log:2"]
    assert [len(named.curve) for named in found.curves] == [3, 3]


def test_a_run_that_went_on_from_a_checkpoint_is_one(tmp_path: Path) -> None:
    (named,) = read(tmp_path, KERAS + "1,.61,1.0,.6,.94\n2,.7,.8,.7,.8\n3,.7,.8,.7,.7\n").curves
    assert named.curve.valid_loss.tolist() == [1.1, 0.94, 0.8, 0.7]


def test_steps_are_rounds_and_keep_their_numbers(tmp_path: Path) -> None:
    (named,) = read(tmp_path, "step,loss,eval_loss\n500,1.5,1.4\n1000,1.2,1.2\n1500,1.0,1.1\n").curves
    assert named.curve.numbers.tolist() == [500, 1000, 1500]


def test_an_epoch_that_is_validated_twice_is_told_by_its_steps(tmp_path: Path) -> None:
    (named,) = read(tmp_path, "epoch,step,val_loss\n0,50,1.2\n0,100,1.1\n1,150,1.0\n1,200,.9\n").curves
    assert named.curve.numbers.tolist() == [50, 100, 150, 200]


def test_validation_in_every_second_epoch_is_not_measured_in_between(tmp_path: Path) -> None:
    (named,) = read(tmp_path, "epoch,loss,val_loss\n0,1,1\n1,.9,\n2,.8,.9\n3,.7,\n4,.6,.8\n").curves
    assert named.curve.valid_measured.tolist() == [True, False, True, False, True]
    assert named.curve.train_measured.all()


def test_per_cent_signs_are_read_and_an_error_rate_is_minimised(tmp_path: Path) -> None:
    found = read(tmp_path, "epoch,loss,val_loss,val_wer\n1,2,2,51.5%\n2,1.5,1.6,40.5%\n")
    assert found.metric.direction == "minimize"
    assert found.curves[0].curve.valid_score.tolist() == [-51.5, -40.5]


def test_charts_of_weights_and_biases_hold_a_run_a_column(tmp_path: Path) -> None:
    header = '"Step","a - val_loss","a - val_loss__MIN","b - val_loss","b - val_loss__MIN"\n'
    found = read(tmp_path, f"{header}1,1,1,2,2\n2,.9,.9,1.5,1.5\n3,,,1.2,1.2\n")
    assert {named.name: named.curve.valid_loss.tolist() for named in found.curves} == {
        "a": [1.0, 0.9],
        "b": [2.0, 1.5, 1.2],
    }


def test_columns_may_be_named_where_they_can_not_be_guessed(tmp_path: Path) -> None:
    found = read(tmp_path, "it,l,v\n1,1.0,1.1\n2,.9,1.0\n", train_loss="l", valid_loss="v", round="it")
    assert found.curves[0].curve.valid_loss.tolist() == [1.1, 1.0]
    assert found.notes[0].endswith("round = it, train_loss = l, valid_loss = v.")


def test_a_packed_file_in_another_encoding_is_read(tmp_path: Path) -> None:
    (tmp_path / "log.csv.gz").write_bytes(gzip.compress(KERAS.encode("utf-16")))
    (named,) = read_curves(tmp_path / "log.csv.gz").curves
    assert len(named.curve) == 3


def test_nan_is_measured_and_an_empty_cell_is_not(tmp_path: Path) -> None:
    (named,) = read(tmp_path, "epoch,loss,val_loss\n0,1,1\n1,nan,inf\n2,NA,\n3,.5,.5\n").curves
    assert named.curve.train_measured.tolist() == [True, True, True]  # a round without any figure is none
    assert math.isnan(named.curve.train_loss[1])
    assert math.isinf(named.curve.valid_loss[1])


REFUSED = {
    "only training": (
        "epoch,loss,accuracy\n1,.5,.4\n2,.6,.5\n",
        "no validation loss and no validation score",
    ),
    "nothing known": ("it,l,vl\n1,.5,.4\n", "--columns valid_loss=NAME"),
    "no header": ("1,.5,.4\n2,.4,.3\n", "the first line holds numbers"),
    "text": ("epoch,val_loss\n1,.5\n2,low\n", "log.csv:3: val_loss: 'low' is not a number"),
    "no round": ("epoch,val_loss\n1,.6\n,.5\n", "log.csv:3: the round is empty"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_read_is_told_with_a_remedy(tmp_path: Path, name: str) -> None:
    text, message = REFUSED[name]
    with pytest.raises(UsageError) as refusal:
        read(tmp_path, text)
    assert message in str(refusal.value)


def test_columns_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no such column; did you mean .val_loss."):
        read(tmp_path, KERAS, valid_loss="val_los")
    with pytest.raises(UsageError, match="there is no such figure; did you mean 'valid_loss'"):
        read(tmp_path, KERAS, valid_los="val_loss")


def test_a_run_without_validation_figures_is_left_out_and_named(tmp_path: Path) -> None:
    found = read(tmp_path, KERAS + "0,.5,1.2,,\n1,.6,1.0,,\n")
    assert [named.name for named in found.curves] == ["log:1"]
    assert found.notes[-1] == "Not used, because no round has a validation figure: log:2."


STEPS_IN_EPOCHS = "epoch,step,loss,val_loss\n1,0,2,2.1\n1,500,1.8,1.9\n2,0,1.6,1.8\n2,500,1.4,1.7\n"


def test_steps_that_begin_again_in_every_epoch_are_rounds_of_one_run(tmp_path: Path) -> None:
    found = read(tmp_path, STEPS_IN_EPOCHS)
    (named,) = found.curves
    assert named.curve.valid_loss.tolist() == [2.1, 1.9, 1.8, 1.7]
    assert "round = epoch/step" in found.notes[0]


def test_steps_in_epochs_of_an_appended_run_begin_a_run(tmp_path: Path) -> None:
    found = read(tmp_path, STEPS_IN_EPOCHS + STEPS_IN_EPOCHS.partition("\n")[2])
    assert [named.curve.numbers.tolist() for named in found.curves] == [[1, 2, 3, 4], [1, 2, 3, 4]]


@pytest.mark.parametrize(("scores", "direction"), [("9754", "minimize"), ("4579", "maximize")])
def test_a_score_of_an_unusual_name_is_taken_to_improve_while_the_loss_falls(
    tmp_path: Path, scores: str, direction: str
) -> None:
    rows = "".join(f"{row},{1 - row / 10},{1.1 - row / 10},.{score}\n" for row, score in enumerate(scores))
    found = read(tmp_path, f"epoch,train_loss,val_loss,val_per\n{rows}")
    assert found.metric.direction == direction
    assert "while the loss falls (--direction changes that)" in found.notes[1]


def test_a_score_without_a_loss_is_drawn_alone(tmp_path: Path) -> None:
    found = read(tmp_path, "epoch,val_acc\n0,.5\n1,.6\n2,.7\n3,.72\n")
    assert not has_own_losses(found.curves[0].curve)
    both = read(tmp_path, KERAS)
    assert has_own_losses(both.curves[0].curve)


def test_the_evaluation_of_the_finished_model_is_no_round(tmp_path: Path) -> None:
    header = "epoch,step,test_loss,train_loss,val_acc,val_loss\n"
    rounds = "0,49,,.6,,\n0,50,,,.97,.07\n1,99,,.1,,\n1,100,,,.98,.05\n"
    found = read(tmp_path, f"{header}{rounds}2,101,,,.99,.01\n2,101,.03,,,\n")
    assert found.curves[0].curve.valid_loss.tolist() == [0.07, 0.05]
    assert found.notes[-1] == "Round 2 of log is not used, because it belongs to the final test."


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", "[" * 200_000 + "]" * 200_000, "this JSON can't be read: maximum recursion depth"),
        (
            "a.jsonl",
            '{"round": 1}\n' + '{"a":' * 100_000 + "1" + "}" * 100_000,
            "a.jsonl:2: this is not valid JSON: maximum",
        ),
        (
            "a.json",
            f'[{{"round": {"9" * 5000}, "val_loss": 1}}]',
            "this JSON can't be read: Exceeds the limit",
        ),
        (
            "a.jsonl",
            '{"round": 1, "val_loss": 1}\n{"round": 2, "val_lo',
            "a.jsonl:2: this is not valid JSON: Unterminated",
        ),
        ("a.db", "", "a.db: no round is stored there"),
        ("a.db", "no database" * 100, "can't be read as an Optuna database: "),
    ],
)
def test_what_a_hostile_file_holds_is_told_and_it_stays_as_it_is(
    tmp_path: Path, name: str, content: str, told: str
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(UsageError, match=told):
        read_curves(path)
    assert path.read_text() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_number_too_large_for_a_float_is_infinite(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"round": k, "val_loss": 10**400 if k == 2 else 0.5} for k in (1, 2, 3)]))
    assert math.isinf(read_curves(path).curves[0].curve.valid_loss[1])


def test_a_compressed_file_is_unpacked_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "MOST_BYTES", 1 << 20)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"epoch,val_loss\n" + b"1,0.5\n" * 300_000))
    with pytest.raises(UsageError, match="holds more than 1 MiB of text"):
        read_curves(path)


def test_a_damaged_event_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "events.out.tfevents.1"
    path.write_bytes(struct.pack("<Q", 40) + bytes(4) + b"\xff" * 40 + bytes(4))
    with pytest.raises(UsageError, match="is no event file, or damaged"):
        read_curves(path)


def test_a_password_of_a_database_is_not_shown() -> None:
    with pytest.raises(UsageError) as refused:
        read_curves("postgresql+psycopg://me:s3cret@127.0.0.1:1/studies")
    assert "s3cret" not in str(refused.value)
