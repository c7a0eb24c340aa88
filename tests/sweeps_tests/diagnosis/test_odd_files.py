"""Files of learning curves as people keep them: each is read as the same three rounds, or refused with a remedy."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from sweeps.diagnosis.curve_files.reading import CurveFile, read_curves
from sweeps.diagnosis.labels import diagnose
from sweeps.errors import UsageError

KERAS = "epoch,loss,val_loss\n0,1.2,1.1\n1,1.0,.95\n2,.8,.9\n"
LONGER = "epoch,loss,lr,val_loss\n0,1.2,.1,1.1\n1,1.0,.1,.95\n2,.8,.1,.9\n"
LOSSES = {"loss": [1.2, 1.0, 0.8], "val_loss": [1.1, 0.95, 0.9]}
PAIRS = list(zip(*LOSSES.values(), strict=True))
SPLIT = "epoch,phase,loss\n" + "".join(f"{n},train,{t}\n{n},val,{v}\n" for n, (t, v) in enumerate(PAIRS))
LONG = "step,metric,value\n" + "".join(
    f"{n},{name},{values[n]}\n" for name, values in LOSSES.items() for n in range(3)
)
HEADER, _, ROWS = KERAS.partition("\n")
FILES: dict[str, str | bytes] = {
    "comments.csv": f"# my run\n# lr .1\n{KERAS}",
    "savetxt.txt": f"# epoch loss val_loss\n{ROWS.replace(',', ' ')}",
    "excel.csv": "sep=;\n" + KERAS.replace(",", ";"),
    "printed.txt": "epoch   loss  val_loss\n" + ROWS.replace(",", "    "),
    "markdown.md": "| epoch | loss | val_loss |\n|---|:---:|---|\n"
    + "".join(f"| {line.replace(',', ' | ')} |\n" for line in ROWS.splitlines()),
    "quoted commas.csv": 'epoch,loss,val_loss\n0,"1,2","1,1"\n1,"1,0","0,95"\n2,"0,8","0,9"\n',
    "utf16 without a mark.csv": KERAS.encode("utf-16-le"),
    "utf16 big.csv": KERAS.encode("utf-16-be"),
    "utf32.csv": KERAS.encode("utf-32"),
    "zeros after a crash.csv": KERAS.encode() + bytes(512),
    "cut off.csv": f"{KERAS}3,.7",
    "arrays.csv": "epoch,loss,val_loss\n0,[1.2],np.float64(1.1)\n1,[1.0],array(0.95)\n2,[[.8]],tensor(.9)\n",
    "fortran.csv": KERAS.replace(".95", "9.5D-1"),
    "newest first.csv": f"{HEADER}\n" + "".join(line + "\n" for line in reversed(ROWS.splitlines())),
    "hyphens.csv": KERAS.replace("loss,val_loss", "train-loss,val-loss"),
    "plural.csv": KERAS.replace("loss,val_loss", "train_losses,val_losses"),
    "tr and te.csv": KERAS.replace("loss,val_loss", "tr_loss,te_loss"),
    "LightGBM.csv": KERAS.replace("loss,val_loss", "training's logloss,valid_0's logloss"),
    "split.csv": SPLIT,
    "long.csv": LONG,
    "pandas.json": json.dumps({name: dict(enumerate(values)) for name, values in LOSSES.items()}),
    "index.json": json.dumps({n: {"loss": t, "val_loss": v} for n, (t, v) in enumerate(PAIRS)}),
    "history.json": json.dumps({"history": LOSSES, "params": {"epochs": 3}, "epoch": [0, 1, 2]}),
    "xgboost.json": json.dumps(
        {"train": {"logloss": LOSSES["loss"]}, "valid": {"logloss": LOSSES["val_loss"]}}
    ),
    "nested.json": json.dumps([{"train": {"loss": t}, "eval": {"loss": v}} for t, v in PAIRS]),
}


def read(folder: Path, content: str | bytes, name: str = "log.csv") -> CurveFile:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_curves(path)


@pytest.mark.parametrize("name", FILES)
def test_a_table_is_read_however_it_is_written(tmp_path: Path, name: str) -> None:
    (named,) = read(tmp_path, FILES[name], name).curves
    assert named.curve.valid_loss == pytest.approx(LOSSES["val_loss"])
    assert named.curve.train_loss == pytest.approx(LOSSES["loss"])


@pytest.mark.parametrize(("first", "second"), [(KERAS, LONGER), (LONGER, KERAS)], ids=["more", "fewer"])
def test_a_log_goes_on_with_other_columns_below_another_header(
    tmp_path: Path, first: str, second: str
) -> None:
    found = read(tmp_path, first + second)
    assert [named.curve.valid_loss.tolist() for named in found.curves] == [LOSSES["val_loss"]] * 2


def test_thousands_are_told_from_decimals_by_their_commas(tmp_path: Path) -> None:
    found = read(tmp_path, 'epoch,val_mae\n0,"63,000.5"\n1,"41,200.0"\n2,"998.5"\n')
    assert found.curves[0].curve.valid_score.tolist() == [-63000.5, -41200.0, -998.5]
    found = read(tmp_path, "epoch;val_mae\n0;63.000,5\n1;41.200,0\n2;998,5\n")
    assert found.curves[0].curve.valid_score.tolist() == [-63000.5, -41200.0, -998.5]


def test_a_line_that_is_cut_off_is_left_out_and_named(tmp_path: Path) -> None:
    assert (
        "Line 5 is not used, because it is the last one and incomplete."
        in read(tmp_path, FILES["cut off.csv"]).notes
    )


ALTERNATING = "_step,train/loss,val/loss\n" + "".join(
    f"{2 * n},{t},nan\n{2 * n + 1},nan,{v}\n" for n, (t, v) in enumerate(PAIRS * 2)
)


def test_nan_in_every_second_row_is_not_measured(tmp_path: Path) -> None:
    found = read(tmp_path, ALTERNATING)
    assert diagnose(found.curves[0].curve, 12, found.metric).label != "diverged"
    assert any("counts as not measured" in note for note in found.notes)


def test_nan_up_to_the_end_of_a_run_is_a_divergence_though_another_run_follows(tmp_path: Path) -> None:
    lost = "".join(f"{n},{'nan,nan' if n > 1 else '1,1'}\n" for n in range(9))
    found = read(tmp_path, f"{HEADER}\n{lost}{KERAS}")
    assert math.isnan(found.curves[0].curve.train_loss[-1])
    assert diagnose(found.curves[0].curve, 9, found.metric).label == "diverged"


DIRECTIONS = {
    "epoch,train_loss,valid_loss,dice_multi,time\n0,1.2,1.1,.5,01:02\n1,1,1,.6,01:02\n": "maximize",
    "iter,training's l2,valid_0's l2\n0,3,3.1\n1,2,2.2\n": "minimize",
    "epoch,loss,val_loss,val_word_error_rate\n0,3,3.1,.9\n1,2,2.2,.8\n": "minimize",
    "epoch,train_drop,val_drop\n" + "".join(f"{n},{9 - n},{10 - n}\n" for n in range(6)): "minimize",
}


@pytest.mark.parametrize("text", DIRECTIONS, ids=["fastai", "LightGBM", "words", "training score"])
def test_the_direction_is_told_by_words_or_by_training(tmp_path: Path, text: str) -> None:
    assert read(tmp_path, text).metric.direction == DIRECTIONS[text]


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "longer.csv": (
        KERAS + "0,1.2,.1,1.1\n",
        "log.csv:5: this line has 4 fields, but the header has 3 names. If a run was continued with other columns",
    ),
    "Excel": (b"PK\x03\x04" + bytes(40), "an Excel workbook or a NumPy archive, not a table of rounds"),
    "pickle": (b"\x80\x04\x95" + bytes(40), "a pickled object"),
    "LFS": ("version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "page": ("<!DOCTYPE html><html>404</html>", "Download the raw file."),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_told_with_a_remedy(tmp_path: Path, name: str) -> None:
    content, message = REFUSED[name]
    with pytest.raises(UsageError) as refusal:
        read(tmp_path, content)
    assert message in str(refusal.value)


def test_columns_of_different_length_are_named_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"loss 4, val_loss 3.*null for a round without one"):
        read(tmp_path, json.dumps({**LOSSES, "loss": [1, 2, 3, 4]}), "log.json")
