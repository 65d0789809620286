"""Colour methods from the outside: one encoder for every verb, on the data's own items; grey pictures are refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

import headstart
from headstart.evaluation import features
from headstart.training import load_encoder, load_method

BOTH = ("colorization", "split_brain")


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    """80 pictures in colour of two classes."""
    made = np.random.default_rng(0)
    labels = np.arange(80) % 2
    items = made.integers(0, 120, (80, 16, 16, 3), dtype=np.uint8)
    items[labels == 1, :, :, 0] += 100
    path = tmp_path_factory.mktemp("colours") / "colours.npz"
    np.savez(path, images=items, labels=labels)
    return path


@pytest.fixture(scope="module", params=BOTH)
def trained(request, colours, tmp_path_factory):
    folder = tmp_path_factory.mktemp("colour") / request.param
    headstart.pretrain(request.param, colours, epochs=2, batch_size=20, out=folder)
    return folder


@pytest.mark.slow
def test_every_verb_takes_the_encoder(call, call_json, trained, colours, tmp_path):
    table = call_json("embed", trained, colours, "-o", tmp_path / "table.parquet")
    assert table["items"] == 80
    embedded = np.stack(pq.read_table(tmp_path / "table.parquet")["embedding"].to_numpy())
    encoder, description = load_encoder(trained)
    assert description["encoder"]["sight"] == ("lightness" if trained.name == "colorization" else "halves")
    data = headstart.load(colours)
    torch.testing.assert_close(torch.from_numpy(embedded), features(encoder, data.items), rtol=0, atol=0)
    trained_features = features(load_method(trained).encoder, data.items)
    torch.testing.assert_close(features(encoder, data.items), trained_features, rtol=0, atol=0)
    assert call_json("evaluate", trained, colours)["items"] > 0
    tuned = tmp_path / "tuned"
    code, _, err = call("finetune", trained, colours, "--train", "last-1", "--epochs", 1, "-o", tuned)
    assert code == 0, err
    assert call_json("predict", tuned, colours, "-o", tmp_path / "answers.csv")["items"] == 80


def test_what_comes_back_is_shown(call_json, trained, colours, tmp_path):
    found = call_json("reconstruct", trained, colours, "-o", tmp_path / "out")
    assert found["measure"] == "colour difference (CIE 1976)"
    assert 0 < found["error"] < 100
    text = Path(found["files"][0]).read_text(encoding="utf-8")
    assert ("as it was seen" in text) == (trained.name == "colorization")
    assert "Between two items" not in text
    method = load_method(trained)
    images = headstart.load(colours).items / 255  # too few for a test part
    with torch.no_grad():
        errors = method.reconstruct(images, None).errors
    assert found["error"] == pytest.approx(float(errors.mean()), rel=1e-5)


def test_a_run_can_be_gone_on_with_by_itself_and_by_others(call, trained, colours, tmp_path):
    for method in (trained.name, "simclr"):
        asked = ("pretrain", method, colours, "--init", trained, "--epochs", 1, "--batch-size", 20)
        code, _, err = call(*asked, "-o", tmp_path / method)
        assert code == 0, err
    other = next(name for name in BOTH if name != trained.name)
    code, _, err = call("pretrain", other, colours, "--init", trained, "--epochs", 1, "-o", tmp_path / other)
    assert code == 2
    assert "can't be shown" in err


@pytest.mark.parametrize("name", BOTH)
def test_grey_pictures_are_refused(call, name, tmp_path):
    code, _, err = call("pretrain", name, "digits", "-o", tmp_path / "run")
    assert code == 2
    assert f"{name} learns from colours, and these pictures are grey" in err
    grey = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 1), dtype=np.uint8).repeat(3, axis=3)
    np.save(tmp_path / "stored-as-rgb.npy", grey)
    code, _, err = call("pretrain", name, tmp_path / "stored-as-rgb.npy", "-o", tmp_path / "run")
    assert code == 2
    assert "these pictures are grey" in err
    assert not (tmp_path / "run").exists()
    grey[39, 15, 15, 0] ^= 1
    np.save(tmp_path / "one-colour.npy", grey)
    code, _, err = call("pretrain", name, tmp_path / "one-colour.npy", "--epochs", 1, "-o", tmp_path / "run")
    assert code == 0, err


@pytest.mark.parametrize("name", BOTH)
def test_networks_that_cannot_do_it_are_refused(call, colours, name, tmp_path):
    code, _, err = call("pretrain", name, colours, "--backbone", "mlp", "-o", tmp_path / "run")
    assert code == 2
    assert "--backbone cnn" in err
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_both_are_routes_of_a_comparison(colours, tmp_path):
    routes = ",".join(("raw", *BOTH))
    headstart.compare(colours, routes=routes, labels_per_class="5", epochs=1, out=tmp_path / "out")
    rows = json.loads((tmp_path / "out/leaderboard.json").read_text())["rows"]
    assert {row["route"]: row["state"] for row in rows} == dict.fromkeys(("raw", "random", *BOTH), "done")


def test_a_comparison_of_grey_pictures_is_refused_before_any_route(call, tmp_path):
    code, _, err = call(
        "compare", "digits", "--routes", "raw,colorization", "--labels-per-class", 5, "--epochs", 1,
        "-o", tmp_path / "out",
    )  # fmt: skip
    assert code == 2
    assert "grey" in err
    assert not (tmp_path / "out").exists()
