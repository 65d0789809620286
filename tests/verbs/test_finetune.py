"""`headstart finetune`: the head, the last blocks or everything; what comes out, and every way to get it wrong."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torchvision import models

import headstart
from headstart.backbones import Encoder, Pixels
from headstart.data import decoding
from headstart.training import load_encoder, save_encoder
from headstart.training.places import pack, unpack

FIELDS = {"run", "steps", "resumed_from", "loss", "items_per_s", "state", "accuracy", "interval", "selected_on"}


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A SimCLR run of two epochs on digits."""
    folder = tmp_path_factory.mktemp("encoder") / "simclr"
    headstart.pretrain("simclr", "digits", epochs=2, out=folder)
    return folder


@pytest.fixture
def seeing(tmp_path):
    """A run whose encoder gives the middle 16×16 of pictures that are brought to 20 pixels, as it is."""
    how = {"mean": [0.5] * 3, "deviation": [0.5] * 3, "decode": 20, "resampling": "bicubic"}
    (tmp_path / "seeing").mkdir()
    save_encoder(tmp_path / "seeing", Encoder(Pixels(16), name="pixels", shape=(3, 16, 16), width=768, **how), {})
    return tmp_path / "seeing"


@pytest.fixture
def split_photos(tmp_path):
    """24 photos of 40×60 pixels in two classes, a third of them to be asked about."""
    made = np.random.default_rng(0)
    for number in range(24):
        folder = tmp_path / "photos" / ("test" if number % 3 == 0 else "train") / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(made.integers(0, 256, (40, 60, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    return tmp_path / "photos"


def tune(call_json, encoder, out, *more, data="digits"):
    epochs = () if "head" in more else ("--epochs", 3)
    return call_json("finetune", encoder, data, "--labels-per-class", 10, *epochs, "-o", out, *more)


@pytest.mark.parametrize("train", ["all", "last-1", "head"])
def test_a_network_is_judged_beside_its_head_alone(call_json, encoder, tmp_path, train):
    found = tune(call_json, encoder, tmp_path / "run", "--train", train)
    assert found.keys() >= FIELDS
    assert found["state"] == "done"
    assert found["items"] == 450
    assert 0.5 < found["interval"][0] <= found["accuracy"] <= found["interval"][1] <= 1
    assert 0 <= found["calibration_error"] < 0.3
    assert Path(found["report"]).exists()
    if train == "head":
        assert found["head_only"] is None
        assert found["selected_on"] == "train folds"
    else:
        assert found["selected_on"] == "20 of the 100 training labels"
        assert Path(found["head_only"]["run"]) == tmp_path / "run-head"
        assert found["head_only"]["accuracy"] > 0.5
        assert 0 < found["held_out_accuracy"] <= 1
    again = tune(call_json, encoder, tmp_path / "run", "--train", train)
    assert again["accuracy"] == found["accuracy"]
    assert again["calibration_error"] == found["calibration_error"]
    assert again["head_only"] == found["head_only"]


@pytest.mark.parametrize("train", ["last-1", "head"])
def test_the_report_has_accuracy_against_labels(call_json, encoder, tmp_path, train):
    found = tune(call_json, encoder, tmp_path / "run", "--train", train)
    curve = found["few_label"]
    # a fifth of the labels is held out where more than a head learns
    assert [row["labels_per_class"] for row in curve] == [1, 2, 5, "all"]
    for row in curve:
        assert row["interval"][0] <= row["accuracy"] <= row["interval"][1]
    head = found if train == "head" else found["head_only"]
    assert curve[-1]["accuracy"] == pytest.approx(head["accuracy"])
    assert json.loads((Path(head["run"]) / "run.json").read_text())["result"]["few_label"] == curve
    page = Path(found["report"]).read_text(encoding="utf-8")
    shown = page.partition('id="few-labels"')[2].partition("</section>")[0]
    assert shown.count("<circle") == 4
    assert shown.count("<tr>") == 5
    again = tune(call_json, encoder, tmp_path / "run", "--train", train)
    assert again["few_label"] == curve, "it isn't judged again"


def test_a_single_label_of_each_class_makes_no_curve(call_json, encoder, tmp_path):
    found = call_json("finetune", encoder, "digits", "--labels-per-class", 1, "--train", "head", "-o", tmp_path / "run")
    assert found["few_label"] == []
    assert "two of each class or more" in Path(found["report"]).read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", ["finetune", "embed", "evaluate", "predict"])
def test_photos_are_decoded_once_where_the_encoder_says_how(call, seeing, split_photos, tmp_path, monkeypatch, verb):
    names, decode = [], decoding.decode
    monkeypatch.setattr(decoding, "decode", lambda file, *how: names.append(file.id) or decode(file, *how))
    more = {"finetune": ("--train", "head"), "predict": ("-o", "answers.csv")}.get(verb, ())
    if verb == "predict":
        assert call("finetune", seeing, split_photos, "--train", "head", "-o", tmp_path / "head", "--no-cache")[0] == 0
        names.clear()
    monkeypatch.chdir(tmp_path)
    code, _, err = call(verb, tmp_path / "head" if verb == "predict" else seeing, split_photos, *more, "--no-cache")
    assert code == 0, err
    assert len(names) == len(set(names)) == 24
    assert "the short side to 20 pixels" in err


def test_adapters_are_merged_into_an_ordinary_encoder(call_json, encoder, tmp_path):
    found = tune(call_json, encoder, tmp_path / "run", "--lora", 2, "--lr", 0.02, "--patience", 9)
    *adapters, weight, bias = found["to_learn"]
    assert (weight, bias) == ("classifier.weight", "classifier.bias")
    assert len(adapters) == 8, "two for each of four convolutions"
    assert all(name.endswith((".up", ".down")) for name in adapters)
    before, _ = load_encoder(encoder)
    after, _ = load_encoder(found["run"])
    pairs = dict(after.named_parameters())
    moved = {name for name, value in before.named_parameters() if not torch.equal(value, pairs[name])}
    assert found["head_only"]["kept"] or moved == {name for name, value in pairs.items() if value.ndim > 1}
    said = call_json("predict", found["run"], "digits", "-o", tmp_path / "answers.csv", "--split", "test")
    assert said["items"] == 450
    again = tune(call_json, encoder, tmp_path / "run", "--lora", 2, "--lr", 0.02, "--patience", 9)
    assert again["accuracy"] == found["accuracy"]


def test_mixup_learns_from_mixed_views(call_json, encoder, tmp_path):
    plain = tune(call_json, encoder, tmp_path / "plain", "--seed", 3)
    found = tune(call_json, encoder, tmp_path / "mixed", "--seed", 3, "--mixup", 0.4)
    assert found["loss"] != plain["loss"]
    assert found["accuracy"] > 0.5


def test_a_head_learns_from_views_that_passed_the_body_once(call_json, encoder, tmp_path):
    plain = tune(call_json, encoder, tmp_path / "plain", "--train", "head")
    found = tune(call_json, encoder, tmp_path / "views", "--train", "head", "--cached-views", 3)
    assert found["accuracy"] > plain["accuracy"] - 0.05
    weights = [load_file(tmp_path / name / "classifier.safetensors")["weight"] for name in ("plain", "views")]
    assert not torch.equal(*weights)
    again = tune(call_json, encoder, tmp_path / "again", "--train", "head", "--cached-views", 3)
    assert again["accuracy"] == found["accuracy"]


def test_the_history_has_both_parts(call_json, encoder, tmp_path):
    found = tune(call_json, encoder, tmp_path / "run")
    assert [row["epoch"] for row in found["history"]] == [0, 1, 2, 3]
    assert found["history"][0]["loss"] is None
    assert found["history"][-1]["loss"] == pytest.approx(found["loss"])
    assert all(0 < row["held_out_accuracy"] <= 1 and row["held_out_loss"] > 0 for row in found["history"])
    assert found["last_epoch"] is None


def test_a_frozen_body_stays_bit_for_bit_and_everything_else_moves(call_json, encoder, tmp_path):
    before, _ = load_encoder(encoder)
    for train, moves in (("head", False), ("all", True)):
        faster = ("--lr", 0.01, "--patience", 9) if moves else ()
        found = tune(call_json, encoder, tmp_path / train, "--train", train, *faster)
        after, description = load_encoder(found["run"])
        pairs = zip(before.parameters(), after.parameters(), strict=True)
        kept = moves and found["head_only"]["kept"]
        assert any(not torch.equal(a, b) for a, b in pairs) == (moves and not kept)
        assert description["temperature"] > 0


def test_the_run_predicts_with_calibrated_probabilities(call_json, encoder, tmp_path):
    found = tune(call_json, encoder, tmp_path / "run")
    said = call_json("predict", found["run"], "digits", "-o", tmp_path / "answers.csv", "--split", "test")
    assert said["calibrated"] is True
    lines = (tmp_path / "answers.csv").read_text().splitlines()[1:]
    data = headstart.load("digits")
    index = data.indices("test")
    right = [line.split(",")[2] == name for line, name in zip(lines, data.label_names(index), strict=True)]
    assert np.mean(right) == pytest.approx(found["accuracy"])


def test_a_val_part_beside_a_test_part_chooses(encoder, tmp_path):
    data = headstart.load("digits")
    split = tuple("val" if n % 7 == 0 and part == "train" else part for n, part in enumerate(data.split))
    parted = replace(data, split=split)
    found = headstart.finetune(encoder, parted, labels_per_class=10, epochs=2, out=tmp_path / "run")
    assert found.selected_on == "val"
    learned = json.loads((tmp_path / "run/encoder.json").read_text())["data"]["learned_from"]
    assert not torch.isin(unpack(learned), parted.indices("val")).any()
    assert len(unpack(learned)) == 100


def test_draws_of_the_labels_differ_and_are_runs_of_their_own(call, call_json, encoder, tmp_path):
    first = tune(call_json, encoder, tmp_path / "run", "--train", "head")
    code, _, err = call(
        "finetune", encoder, "digits", "--labels-per-class", 10, "--train", "head", "--draw", 1,
        "-o", tmp_path / "run",
    )  # fmt: skip
    assert code == 2
    assert "other settings" in err
    second = tune(call_json, encoder, tmp_path / "other", "--train", "head", "--draw", 1)
    assert first["accuracy"] != second["accuracy"]


def test_photos_without_a_test_part_have_no_accuracy(call, run, photos, tmp_path):
    headstart.pretrain("simclr", photos, epochs=1, out=tmp_path / "simclr")
    code, out, err = call("finetune", tmp_path / "simclr", photos, "--train", "head", "-o", tmp_path / "run")
    assert code == 0
    assert "no test part to judge on: compare judges by cross-validation" in err
    assert err.count("cross-validation") == 1, "finetune has no such judging"
    assert "no test part" in out


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--train", "tail"), "choose head, all, or last-N"),
        (("--train", "last-40"), "last-1 to last-"),
        (("--labels-per-class", 5000), "has only"),
        (("--body-rate", 0), "--body-rate"),
        (("--smoothing", 1), "--smoothing"),
        (("--patience", 0), "--patience"),
        (("--views", "nothing"), "--views nothing"),
        (("--epochs", 0), "--epochs"),
        (("--mixup", 0), "--mixup"),
        (("--lora", 0), "--lora"),
        (("--draw", 3), "--draw 3 says which draw of --labels-per-class"),
        (("--lora", 2, "--train", "head"), "--lora is for a body that learns"),
        (("--mixup", 0.2, "--train", "head"), "--mixup is for a body that learns"),
        (("--smoothing", 0.3, "--train", "head"), "--smoothing is for a body that learns"),
        (("--body-rate", 0.5, "--train", "head"), "--body-rate is for a body that learns"),
        (("--no-balanced", "--train", "head"), "--no-balanced is for a body that learns"),
        (("--statistics", "batch", "--train", "head"), "--statistics is for a body that learns"),
        (("--patience", 2, "--train", "head"), "--patience is for a body that learns"),
        (("--views", "simclr", "--train", "head"), "--cached-views alone: give both"),
        (("--cached-views", 2), "give --train head"),
        (("--train", "head", "--lr", 0.1), "the head alone is solved"),
        (("--recipe", "fancy"), "tutorial"),
    ],
)
def test_settings_that_make_no_sense_are_refused(call, encoder, tmp_path, more, says):
    code, out, err = call("finetune", encoder, "digits", "-o", tmp_path / "run", *more)
    assert (code, out) == (2, "")
    assert says in err
    assert len(err.strip().splitlines()) <= 4
    assert not (tmp_path / "run").exists()
    assert not (tmp_path / "run-head").exists()


@pytest.mark.parametrize("recipe", ["default", "tutorial"])
def test_what_a_file_of_weights_leaves_open_is_said_once(call, split_photos, tmp_path, recipe):
    torch.save(models.squeezenet1_1(weights=None).state_dict(), tmp_path / "squeezenet.pt")
    code, _, err = call(
        "finetune", tmp_path / "squeezenet.pt", split_photos, "--backbone", "squeezenet1_1", "--recipe", recipe,
        "--size", 48, "--epochs", 1, "-o", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, err
    assert err.count("features don't need") == err.count("doesn't say how it wants to be shown") == 1


def test_data_without_labels_and_encoders_that_there_are_not_are_refused(call, encoder, tmp_path):
    np.save(tmp_path / "bare.npy", np.zeros((40, 8, 8), dtype=np.uint8))
    for arguments, says in (
        ((encoder, tmp_path / "bare.npy"), "labels"),
        (("no-such-encoder", "digits"), "no-such-encoder"),
    ):
        code, out, err = call("finetune", *arguments, "-o", tmp_path / "run")
        assert (code, out) == (2, "")
        assert says in err


def test_colour_pictures_do_not_go_into_an_encoder_of_grey_ones(call, encoder, tmp_path):
    rng = np.random.default_rng(0)
    np.savez(tmp_path / "c.npz", images=rng.integers(0, 255, (90, 8, 8, 3), dtype=np.uint8), labels=np.arange(90) % 2)
    code, _, err = call("finetune", encoder, tmp_path / "c.npz", "-o", tmp_path / "run")
    assert code == 2
    assert "grey" in err


def test_the_report_names_hard_classes_safely(call_json, photos, tmp_path):
    headstart.pretrain("simclr", photos, epochs=1, out=tmp_path / "simclr")
    found = call_json("finetune", tmp_path / "simclr", photos, "--epochs", 1, "-o", tmp_path / "run")
    page = Path(found["report"]).read_text(encoding="utf-8")
    assert "<b>bold" not in page
    assert "Held" in page or "held out" in page
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "done"


def test_test_items_that_the_encoder_learned_from_are_counted(call, encoder, tmp_path):
    shutil.copytree(encoder, tmp_path / "all")
    path = tmp_path / "all/encoder.json"
    about = json.loads(path.read_text())
    about["data"]["learned_from"] = pack(torch.arange(1797))
    path.write_text(json.dumps(about))
    for name, seen in ((encoder, False), (tmp_path / "all", True)):
        code, _, err = call("finetune", name, "digits", "--train", "head", "-o", tmp_path / f"run-{seen}")
        assert code == 0
        assert ("450 of the 450 test items are among those the encoder learned from" in err) is seen
