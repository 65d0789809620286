"""Every verb does what it promises, from the command line and from Python alike."""

import csv
import io
import json
import re
import zipfile

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

import headstart
from headstart.backbones import build_encoder
from headstart.errors import InputError
from headstart.training import load_encoder, save_encoder
from headstart.verbs.pretrain import Pretrained


def test_pretrain_leaves_a_run_folder_and_says_how_it_went(call_json, tmp_path):
    found = call_json("pretrain", "moco", "digits", "--epochs", 1, "--queue", 64, "-o", tmp_path / "run")
    assert found["run"] == str(tmp_path / "run")
    assert (found["steps"], found["resumed_from"], found["state"]) == (10, 0, "done")
    assert found["items_per_s"] > 0
    written = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"run.json", "metrics.jsonl", "checkpoint.safetensors", "encoder.safetensors", "encoder.json"} <= written
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["settings"]["method_settings"]["queue"] == 64
    assert record["state"] == "done"


def test_a_methods_own_setting_is_never_taken_for_one_of_the_loop(call_json, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from headstart.methods.adaptation.dann import DANN\n"
        "from headstart.methods.joint_embedding.simclr import SimCLR\n\n\n"
        "class Mine(SimCLR):\n"
        "    def __init__(self, encoder, facts, *, steps: int = 1):\n"
        "        super().__init__(encoder, facts)\n\n\n"
        "class Moving(DANN):\n"
        "    def __init__(self, encoder, facts, *, momentum: float = 0.5):\n"
        "        super().__init__(encoder, facts)\n"
    )
    mine = f"{tmp_path}/mine.py:Mine"
    call_json("pretrain", mine, "digits", "--steps", 3, "--epochs", 1, "-o", tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert (record["settings"]["method_settings"], record["plan"]["steps"]) == ({"steps": 3}, 10)
    with pytest.raises(InputError, match="no-such-folder"):  # and not: --momentum 1.0 is out of range
        headstart.adapt(f"{tmp_path}/mine.py:Moving", "no-such-folder", "digits", momentum=1.0)


def test_the_same_command_again_says_that_it_is_done(call, run):
    code, out, err = call("pretrain", "simclr", "digits", "--epochs", 1, "-o", run)
    assert code == 0
    assert "done" in out + err


def test_a_folder_with_other_settings_is_never_touched(call, run):
    before = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
    code, _, err = call("pretrain", "simclr", "digits", "--epochs", 1, "--temperature", 0.1, "-o", run)
    assert code == 2
    assert "temperature" in err
    assert {path.name: path.stat().st_mtime_ns for path in run.iterdir()} == before


def test_without_out_the_new_run_gets_a_number(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call("pretrain", "simclr", "digits", "--epochs", 1)
    code, _, err = call("pretrain", "simclr", "digits", "--epochs", 1, "--seed", 1)
    assert code == 0
    assert (tmp_path / "runs/digits-simclr-2/encoder.safetensors").exists()
    assert "digits-simclr-2" in err


@pytest.mark.parametrize(("steps", "said"), [(0, "0 steps done"), (1, "1 step done"), (2, "2 steps done")])
def test_steps_are_counted_in_english(steps, said):
    done = Pretrained("run", steps, resumed_from=0, loss=None, items_per_s=1.0, state="done", collapsed=False)
    assert str(done).startswith(f"{said}, ")


def test_evaluate_gives_every_figure_with_its_interval(call_json, run):
    found = call_json("evaluate", run, "digits", "--labels-per-class", "1,5")
    assert found["items"] == 450
    assert found["knn"]["settings"]["k"] > 0
    for row in (found["linear"], found["knn"], *found["few_label"]):
        assert row["interval"][0] <= row["accuracy"] <= row["interval"][1]
    assert [row["labels_per_class"] for row in found["few_label"]] == [1, 5]
    assert found["health"]["rank_me"] > 1
    assert sum(map(sum, found["confusion"])) == 450


@pytest.mark.parametrize("layer", ["block2", "projection"])
def test_layers_can_be_judged_too(call_json, run, layer):
    assert call_json("evaluate", run, "digits", "--labels-per-class", "5", "--layer", layer)["layer"] == layer


@pytest.fixture
def few_digits(tmp_path):
    """300 of the digits, a third of them to judge by."""
    digits = headstart.load("digits")
    items, labels = digits.items[:300, 0].numpy(), digits.labels[:300].numpy()
    parts = {"x_train": items[:200], "y_train": labels[:200], "x_test": items[200:], "y_test": labels[200:]}
    np.savez(tmp_path / "few.npz", **parts)
    return tmp_path / "few.npz"


def test_all_layers_are_judged_as_each_is_alone(call_json, call, run, few_digits):
    asked = ("evaluate", run, few_digits, "--labels-per-class", "5")
    every = call_json(*asked, "--layer", "all")
    assert [row["layer"] for row in every["layers"]] == [*(f"block{n}" for n in range(1, 5)), "features", "projection"]
    assert [row["width"] for row in every["layers"]] == [16, 32, 64, 128, 512, 128]
    for row in every["layers"]:
        alone = call_json(*asked, *(("--layer", row["layer"]) if row["layer"] != "features" else ()))
        assert {head: row[head] for head in ("linear", "knn", "propagation")} == {
            head: alone[head] for head in ("linear", "knn", "propagation")
        }
        if row["layer"] == "features":
            assert {**every, "layers": [], "layer": None} == alone
    code, out, _ = call(*asked, "--layer", "all")
    assert code == 0
    table = [line.split() for line in out.splitlines()[-7:]]
    assert table[0] == ["layer", "width", "linear", "knn", "propagation"]
    for row, cells in zip(every["layers"], table[1:], strict=True):
        assert cells[:3] == [row["layer"], str(row["width"]), f"{100 * row['linear']['accuracy']:.1f}"]


def test_layers_of_what_has_no_projection_and_of_what_has_no_labels(call_json, few_digits, tmp_path):
    np.save(tmp_path / "bare.npy", np.load(few_digits)["x_train"])
    headstart.pretrain("autoencoder", tmp_path / "bare.npy", architecture="conv", epochs=1, out=tmp_path / "run")
    asked = ("--labels-per-class", "5", "--layer", "all")
    found = call_json("evaluate", tmp_path / "run", few_digits, *asked)
    widths = {row["layer"]: row["width"] for row in found["layers"]}
    assert widths == {"block1": 32, "block2": 64, "block3": 128, "features": 10}, "the last block gives the features"
    assert found["layers"][3]["linear"] == found["linear"]
    alone = call_json("evaluate", tmp_path / "run", few_digits, *asked[:-1], "middle")
    assert alone["linear"] == found["linear"]
    found = call_json("evaluate", tmp_path / "run", tmp_path / "bare.npy", *asked)
    assert found["layers"] == []


def test_filters_are_drawn_where_there_are_any(call, call_json, run, few_digits, tmp_path):
    asked = (few_digits, "--labels-per-class", "5", "--filters")
    found = call_json("evaluate", run, *asked, tmp_path / "filters.png")
    assert found["filters"] == str(tmp_path / "filters.png")
    encoder, _ = load_encoder(run)
    first = encoder.backbone.block1[0].weight[0, 0].detach()
    with Image.open(found["filters"]) as drawn:
        corners = [[drawn.getpixel((24 + 32 * column, 42 + 32 * row))[0] for column in range(3)] for row in range(3)]
    expected = 127.5 + 127.5 * first / first.abs().max()
    torch.testing.assert_close(torch.tensor(corners).float(), expected, rtol=0, atol=1)
    (tmp_path / "raw").mkdir()
    save_encoder(tmp_path / "raw", build_encoder("pixels", (1, 8, 8), mean=[0.5], deviation=[0.2]), {})
    code, _, err = call("evaluate", tmp_path / "raw", *asked, tmp_path / "none.png")
    assert code == 2
    assert "--filters" in err
    assert "can't be drawn" in err
    assert not (tmp_path / "none.png").exists()


def test_embed_writes_a_row_an_item_with_the_encoders_features(call_json, run, tmp_path):
    found = call_json("embed", run, "digits", "-o", tmp_path / "digits.parquet")
    table = pd.read_parquet(found["file"])
    assert list(table.columns) == ["id", "path", "label", "split", "embedding"]
    assert len(table) == found["items"] == 1797
    assert table["split"].value_counts().to_dict() == {"train": 1347, "test": 450}
    encoder, _ = load_encoder(run)
    data = headstart.load("digits")
    with torch.no_grad():
        expected = encoder.eval()(data.items[7:8].float() / 255)[0]
    torch.testing.assert_close(torch.tensor(table["embedding"][7]), expected, rtol=1e-4, atol=1e-4)


def test_compare_writes_what_programs_and_people_read(compared):
    board = json.loads((compared / "leaderboard.json").read_text())
    routes = {row["route"]: row for row in board["rows"]}
    assert set(routes) == {"raw", "random", "scratch", "pretrained", "simclr"}
    assert routes["pretrained"]["state"] == "left out"
    assert routes["pretrained"]["accuracy"] is None
    assert "pip install 'headstart[pretrained]'" in routes["pretrained"]["why"]
    assert board["advice"].startswith(f"pretrained was left out: {routes['pretrained']['why']}.")
    for row in board["rows"]:
        if row["accuracy"] is not None:
            assert row["interval"][0] <= row["accuracy"] <= row["interval"][1]
            assert row["draws"] == 10
            assert set(row["heads"]) >= {"linear", "knn", "propagation"}
    assert len(board["paired"]) == 2 * 6
    assert {pair["verdict"] for pair in board["paired"]} <= {"a", "b", "tie"}
    assert board["best"]["route"] != "scratch"
    assert board["best"]["run"] == str(compared / "best")
    rows = list(csv.DictReader((compared / "leaderboard.csv").open()))
    assert [row["route"] for row in rows] == [row["route"] for row in board["rows"]]
    assert {"scratch-seed0-k5-draw9", "simclr-seed0"} <= {path.name for path in (compared / "routes").iterdir()}


def test_the_winner_predicts(call_json, compared, tmp_path):
    found = call_json("predict", compared / "best", "digits", "--split", "test", "-o", tmp_path / "answers.csv")
    rows = list(csv.DictReader((tmp_path / "answers.csv").open()))
    assert len(rows) == found["items"] == 450
    data = headstart.load("digits")
    truth = data.label_names(data.indices("test"))
    right = sum(row["label"] == label for row, label in zip(rows, truth, strict=True)) / 450
    board = json.loads((compared / "leaderboard.json").read_text())
    best = next(r for r in board["rows"] if (r["route"], r["labels_per_class"]) == (board["best"]["route"], 5))
    assert right == pytest.approx(best["accuracy"], abs=0.1)
    assert all(0 <= float(row["probability"]) <= 1 for row in rows)


def test_the_winners_probabilities_mean_what_they_say(call_json, compared, tmp_path):
    found = call_json("predict", compared / "best", "digits", "--split", "test", "-o", tmp_path / "answers.csv")
    assert found["calibrated"]
    assert found["to_label"] == [], "all of digits has labels"
    rows = list(csv.DictReader((tmp_path / "answers.csv").open()))
    data = headstart.load("digits")
    truth = data.label_names(data.indices("test"))
    right = sum(row["label"] == label for row, label in zip(rows, truth, strict=True)) / 450
    assert sum(float(row["probability"]) for row in rows) / 450 == pytest.approx(right, abs=0.08)


def test_the_least_sure_items_without_a_label_come_next(call_json, compared, tmp_path):
    pictures = headstart.load("digits").items[:60].numpy()
    new = tmp_path / "new.npy"
    np.save(new, pictures)
    found = call_json("predict", compared / "best", new, "--least", 7, "-o", tmp_path / "answers.csv")
    rows = list(csv.DictReader((tmp_path / "answers.csv").open()))
    least = sorted(rows, key=lambda row: float(row["probability"]))[:7]
    assert [float(rows[int(one)]["probability"]) for one in found["to_label"]] == [
        float(row["probability"]) for row in least
    ]
    assert call_json("predict", compared / "best", new, "--least", 0, "-o", tmp_path / "a.csv")["to_label"] == []


def test_probabilities_without_a_temperature_are_said_to_be_so(call, call_json, tmp_path):
    headstart.compare("digits", routes="raw", labels_per_class="1", epochs=1, out=tmp_path / "out")
    assert not call_json("predict", tmp_path / "out", "digits", "-o", tmp_path / "a.csv")["calibrated"]
    assert "not calibrated" in call("predict", tmp_path / "out", "digits", "-o", tmp_path / "a.csv")[2]


def test_a_finished_comparison_is_read_and_not_made_again(call, compared, monkeypatch):
    monkeypatch.setattr("headstart.comparison.choosing.installed_packages", list)  # as it was made
    code, out, err = call(
        "compare", "digits", "--routes", "raw,random,scratch,pretrained,simclr", "--labels-per-class", "1,5",
        "--budget", "20s", "-o", compared,
    )  # fmt: skip
    assert code == 0
    assert "done already" in err
    assert "simclr" in out


def test_a_supervised_run_predicts_with_its_own_classifier(call_json, tmp_path):
    call_json("pretrain", "supervised", "digits", "--epochs", 3, "-o", tmp_path / "run")
    call_json("predict", tmp_path / "run", "digits", "--split", "test", "-o", tmp_path / "a.csv")
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    data = headstart.load("digits")
    truth = data.label_names(data.indices("test"))
    assert sum(row["label"] == label for row, label in zip(rows, truth, strict=True)) > 0.8 * 450


def test_look_shows_what_is_there(call_json, photos, hard_names, tmp_path):
    found = call_json("look", photos, "--views", "simclr", "-o", tmp_path / "look")
    assert found["items"] == 40
    assert found["classes"] == dict.fromkeys(sorted(hard_names), 8)
    page = (tmp_path / "look/look.html").read_text()
    assert "&lt;b&gt;bold &amp; co" in page
    assert "<b>bold" not in page
    assert (tmp_path / "look/items.png").read_bytes().startswith(b"\x89PNG")


def test_another_look_is_never_written_over(call, photos, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for flags, folder in (
        ((), "photos-look"),
        (("--items", 3), "photos-look-2"),
        (("--views", "simclr"), "photos-look"),
    ):
        code, out, err = call("look", photos, *flags)
        assert (code, out.rstrip().endswith(f"runs/{folder}/look.html")) == (0, True), err
        assert ("has another result of look" in err) == (folder != "photos-look")
    before = (tmp_path / "runs/photos-look/look.html").read_bytes()
    code, _, err = call("look", photos, "--size", 16, "--items", 3, "-o", "runs/photos-look")
    assert code == 2
    assert re.search(r"other settings: data \w+ \(there \w+\), --items 3 \(there 24\)", err)
    assert (tmp_path / "runs/photos-look/look.html").read_bytes() == before


def test_look_shows_views_where_only_test_items_have_labels(call_json, tmp_path):
    pictures = np.random.default_rng(0).integers(0, 256, (24, 8, 8), dtype=np.uint8)
    folder = tmp_path / "flat"
    for number, picture in enumerate(pictures):
        part = folder / ("train" if number % 2 else f"test/{'ab'[number // 2 % 2]}")
        part.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture).save(part / f"{number}.png")
    call_json("look", folder, "-o", tmp_path / "look")
    assert 'id="views"' in (tmp_path / "look/look.html").read_text()


def test_hard_names_go_through_a_whole_comparison_escaped(call_json, photos, hard_names, tmp_path):
    found = call_json(
        "compare", photos, "--routes", "raw,simclr", "--labels-per-class", "2", "--epochs", 1, "-o", tmp_path / "out"
    )
    assert set(found["data"]["classes"]) == set(hard_names)
    page = (tmp_path / "out/report.html").read_text()
    assert "<b>bold" not in page
    assert "émoji 🦊" in page
    call_json("predict", found["best"]["run"], photos, "-o", tmp_path / "answers.csv")
    rows = list(csv.DictReader((tmp_path / "answers.csv").open()))
    assert {row["label"] for row in rows} <= set(hard_names)


def test_methods_and_backbones_are_listed(call_json, call):
    methods = {row["name"]: row for row in call_json("methods")["methods"]}
    assert methods["simclr"]["family"] == "joint_embedding"
    assert methods["simclr"]["summary"]
    assert "resnet18" in call("backbones")[1]


def test_named_data_is_listed_with_what_is_here(call_json, call, tmp_path, monkeypatch):
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path))
    (tmp_path / "eurosat/2750").mkdir(parents=True)
    found = call_json("data")
    assert found["folder"] == str(tmp_path)
    states = {row["name"]: row["state"] for row in found["data"]}
    assert (states["digits"], states["eurosat"], states["cifar10"]) == ("bundled", "here", "to download")
    assert "--download, 170 MB" in call("data")[1]


def test_items_of_an_archive_say_where_they_lie(call_json, run, tmp_path):
    made = np.random.default_rng(0)
    with zipfile.ZipFile(tmp_path / "grey.zip", "w") as archive:
        for number in range(8):
            stream = io.BytesIO()
            Image.fromarray(made.integers(0, 256, (8, 8), dtype=np.uint8)).save(stream, "PNG")
            archive.writestr(f"grey/{number}.png", stream.getvalue())
    call_json("embed", run, tmp_path / "grey.zip", "-o", tmp_path / "grey.parquet")
    table = pd.read_parquet(tmp_path / "grey.parquet")
    assert table["path"][3] == f"{tmp_path}/grey.zip::grey/3.png"
    labels = table.assign(label=["a", "b"] * 4)
    labels.to_parquet(tmp_path / "labels.parquet")
    for key in ({}, {"path_column": "path"}, {"path_column": "id"}):
        assert headstart.load(tmp_path / "grey.zip", labels=tmp_path / "labels.parquet", **key).classes == ("a", "b")


@pytest.mark.parametrize(("name", "side"), [("squeezenet1_0", 224), ("cnn", 32), ("efficientnet-lite0", 224)])
def test_a_network_is_shown_with_its_head_reshaped(call_json, call, name, side):
    shown = call_json("backbones", name, "--classes", "3")
    assert shown["input"] == [3, side, side]
    assert shown["head_parameters"] == 3 * (shown["features"] + 1)
    assert shown["parameters"] > shown["head_parameters"]
    assert f"{shown['features']:,} features" in call("backbones", name, "--classes", "3")[1]


@pytest.mark.parametrize("train", ["head", "all"])
def test_the_parameters_to_learn_are_listed(call_json, call, train):
    from torchvision import models

    shown = call_json("backbones", "squeezenet", "--classes", "2", "--train", train)
    own = {name: value.numel() for name, value in models.squeezenet1_0(num_classes=2).named_parameters()}
    head = {name: count for name, count in own.items() if name.startswith("classifier")}
    assert shown["to_learn"] == (head if train == "head" else own)
    said = call("backbones", "squeezenet", "--classes", "2", "--train", train)[1]
    assert said.endswith("".join(f"\n  {name}  {count:,}" for name, count in shown["to_learn"].items()) + "\n")
    assert "Parameters to learn" not in call("backbones", "squeezenet")[1]


def test_python_and_the_command_line_give_the_same(call_json, run):
    from dataclasses import asdict

    here = asdict(headstart.evaluate(run, "digits", labels_per_class="5"))
    assert json.loads(json.dumps(here)) == call_json("evaluate", run, "digits", "--labels-per-class", "5")
