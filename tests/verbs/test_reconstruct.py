"""`headstart reconstruct`: errors, pictures, a page; and every way to get it wrong."""

import base64
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont
from torch.nn import functional as F

import headstart
from headstart.training import load_method


@pytest.fixture(scope="module", params=["autoencoder", "variational", "denoising"])
def trained(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reconstruct") / request.param
    headstart.pretrain(request.param, "digits", epochs=2, out=folder)
    return folder


def test_errors_and_pictures(call_json, trained, tmp_path):
    found = call_json("reconstruct", trained, "digits", "-o", tmp_path / "out", "--items", 4)
    assert found["items"] == 450
    assert found["measure"] == "binary cross-entropy"
    assert 0.1 < found["error"] < 0.7
    page, drawn = (Path(file) for file in found["files"])
    text = page.read_text(encoding="utf-8")
    for heading in ("The first", "Best", "Typical", "Worst", "Between two items"):
        assert heading in text
    assert ("as it was seen" in text) == (trained.name == "denoising")
    assert_same_pictures(drawn, text, kinds=3 if trained.name == "denoising" else 2)
    again = call_json("reconstruct", trained, "digits", "-o", tmp_path / "again", "--items", 4)
    assert again["error"] == found["error"], "what is disturbed is drawn from a fixed seed"
    assert (tmp_path / "again/reconstruct.html").read_text() == text


def test_what_another_network_gave_back_is_never_written_over(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed in (0, 1):
        headstart.pretrain("autoencoder", "digits", steps=1, seed=seed, out=tmp_path / f"run{seed}")
    asked = ("digits", "--items", 1, "--steps", 0)
    for seed, folder in ((0, "digits-reconstruct"), (1, "digits-reconstruct-2"), (0, "digits-reconstruct")):
        code, out, err = call("reconstruct", f"run{seed}", *asked)
        assert (code, out.rstrip().endswith(f"runs/{folder}/reconstruct.html")) == (0, True), err
    before = (tmp_path / "runs/digits-reconstruct/reconstruct.html").read_bytes()
    code, _, err = call("reconstruct", "run0", "digits", "--items", 2, "-o", "runs/digits-reconstruct")
    assert code == 2
    assert "other settings: --items 2 (there 1), --steps 8 (there 0)" in err
    assert (tmp_path / "runs/digits-reconstruct/reconstruct.html").read_bytes() == before


def assert_same_pictures(drawn, text, kinds):
    """The PNG has the first four items of the page: class, error, and the pictures one below the other."""
    shown = text[text.index("The first") : text.index("Best")]
    sheet = Image.open(drawn)
    assert sheet.size == (4 * 104 + 8, 2 * 18 + kinds * 104 + 8)
    sources = re.findall(r"base64,([^\"]+)", shown)
    texts = zip(re.findall(r'class="class">(\d)<', shown), re.findall(r"<small>([\d.]+)<", shown), strict=True)
    for column, lines in enumerate(texts):
        left = 8 + column * 104
        for line, said in enumerate(lines):
            written = Image.new("RGB", (96, 18), "white")
            ImageDraw.Draw(written).text((0, 0), said, "black", ImageFont.load_default(12))
            assert np.array_equal(sheet.crop((left, 8 + 18 * line, left + 96, 26 + 18 * line)), written)
        for row in range(kinds):
            small = Image.open(io.BytesIO(base64.b64decode(sources[column * kinds + row])))
            cell = sheet.crop((left, 44 + 104 * row, left + 96, 140 + 104 * row)).convert("L")
            assert np.array_equal(cell, np.kron(np.asarray(small), np.ones((12, 12), dtype=np.uint8)))


def test_the_error_by_hand(tmp_path):
    headstart.pretrain("autoencoder", "digits", epochs=1, latent=3, out=tmp_path / "run")
    data = headstart.load("digits")
    method = load_method(tmp_path / "run")
    images = data.take(data.indices("test")).float() / 255
    with torch.no_grad():
        given = method.decode(method.encoder(images))
    found = headstart.reconstruct(tmp_path / "run", "digits", out=tmp_path / "out")
    assert found.error == pytest.approx(float(F.binary_cross_entropy(given, images)), abs=1e-6)


def test_an_autoencoder_is_a_route_of_a_comparison(tmp_path):
    found = headstart.compare(
        "digits", routes="raw,autoencoder", labels_per_class="5", epochs=2, out=tmp_path / "out", backbone="mlp"
    )
    assert {row["route"]: row["state"] for row in found.rows} == {
        "raw": "done",
        "random": "done",
        "autoencoder": "done",
    }
    text = Path(found.report).read_text(encoding="utf-8")
    part = given_back(text)
    assert part.count("<h3>") == 5
    errors = [float(error) for error in re.findall(r"<small>([\d.]+)</small>", part)]
    titles = re.findall(r'<span class="class">(\d)<br>', part)
    assert len(errors) == len(titles) == 4 * 3
    method, data = load_method(tmp_path / "out/routes/autoencoder-seed0"), headstart.load("digits")
    test = data.indices("test")
    images = data.take(test).float() / 255
    with torch.no_grad():
        wrong = F.binary_cross_entropy(method.decode(method.encoder(images)), images, reduction="none").mean((1, 2, 3))
    for title, error in zip(titles, errors, strict=True):
        same = data.labels[test] == int(title)
        assert float((wrong[same] - error).abs().min()) < 1e-4
    assert "the first 64 of 128, 8×8" in text[text.index('id="filters"') :]


def test_the_report_of_a_comparison_shows_what_reconstruct_shows(tmp_path):
    some = headstart.load("digits").items[:120]
    found = headstart.compare(some, routes="raw,mae", epochs=1, out=tmp_path / "out")
    headstart.reconstruct(tmp_path / "out/routes/mae-seed0", some, out=tmp_path / "given")
    report, page = (
        given_back(path.read_text(encoding="utf-8"))
        for path in (Path(found.report), tmp_path / "given/reconstruct.html")
    )
    strips = report.partition("</summary>")[2].partition("</details>")[0]
    assert strips.count("as it was seen") == 4 * 3 * 2, "as text and title of a picture"
    assert "they have their own again" in strips
    assert page.endswith(strips)


def given_back(text):
    """The section of a page that shows what was given back."""
    return text[text.index('id="given-back"') :].partition("</section>")[0]


def test_named_networks_are_taken_or_refused(call, tmp_path):
    code, _, err = call("pretrain", "autoencoder", "digits", "--backbone", "mlp", "-o", tmp_path / "run")
    assert code == 2
    assert "--architecture backbone" in err
    asked = ("--backbone", "mlp", "--architecture", "backbone", "--epochs", 1)
    code, _, _ = call("pretrain", "autoencoder", "digits", *asked, "-o", tmp_path / "run")
    assert code == 0
    assert load_method(tmp_path / "run").encoder.name == "mlp"


@pytest.mark.parametrize("setting", ["--latent", "--hidden"])
def test_a_width_of_nothing_is_refused(call, tmp_path, setting):
    code, _, err = call("pretrain", "autoencoder", "digits", setting, 0, "-o", tmp_path / "run")
    assert code == 2
    assert setting in err
    assert not (tmp_path / "run").exists()


def test_a_method_that_gives_nothing_back_is_refused(call, run, tmp_path):
    code, _, err = call("reconstruct", run, "digits", "-o", tmp_path / "out")
    assert code == 2
    assert "gives no pictures back" in err


def test_items_of_another_shape_are_refused(call, tmp_path):
    headstart.pretrain("autoencoder", "digits", epochs=1, out=tmp_path / "run")
    np.save(tmp_path / "colour.npy", np.zeros((40, 8, 8, 3), dtype=np.uint8))
    code, _, err = call("reconstruct", tmp_path / "run", tmp_path / "colour.npy", "-o", tmp_path / "out")
    assert code == 2
    assert "grey" in err
    rng = np.random.default_rng(0)
    np.save(tmp_path / "wide.npy", rng.integers(0, 255, (40, 8, 12), dtype=np.uint8))
    np.save(tmp_path / "high.npy", rng.integers(0, 255, (40, 12, 8), dtype=np.uint8))
    headstart.pretrain("autoencoder", tmp_path / "wide.npy", epochs=1, out=tmp_path / "of-wide")
    code, _, err = call("reconstruct", tmp_path / "of-wide", tmp_path / "high.npy", "-o", tmp_path / "out")
    assert code == 2
    assert "1×12×8" in err
    assert "1×8×12" in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("name", "chance"), [("inpainting", 0.3), ("mae", 1.1)])
def test_what_was_hidden_is_shown_with_what_came_back(call, name, chance, tmp_path):
    headstart.pretrain(name, "digits", epochs=1, out=tmp_path / "run")
    code, out, err = call("reconstruct", tmp_path / "run", "digits", "-o", tmp_path / "out", "--items", 1, "--json")
    assert code == 0
    found = json.loads(out)
    assert found["measure"] == load_method(tmp_path / "run").measure
    assert 0 < found["error"] < chance
    page = Path(found["files"][0]).read_text(encoding="utf-8")
    assert "as it was seen" in page
    assert "Between two items" not in page
    for told in (page, err):
        assert ("they have their own again" in told) == (name == "mae")


@pytest.mark.parametrize("method", ["mae", "ijepa"])
def test_methods_that_show_patches_learn_a_transformer_and_refuse_others(call, method, tmp_path):
    code, _, err = call("pretrain", method, "digits", "--backbone", "cnn", "-o", tmp_path / "run")
    assert code == 2
    assert "--backbone vit" in err
    assert err.strip().splitlines()[-2].startswith(f"{method} shows its network some patches"), "two plain lines"
    assert not (tmp_path / "run").exists()
    code, _, _ = call("pretrain", method, "digits", "--epochs", 1, "-o", tmp_path / "run")
    assert code == 0
    assert load_method(tmp_path / "run").encoder.name == "vit"
    code, out, err = call("evaluate", tmp_path / "run", "digits", "--layer", "block2", "--labels-per-class", 5)
    assert code == 0, err
    assert "layer block2" in out


def test_a_run_of_these_goes_on_from_another(tmp_path):
    items = tmp_path / "items.npy"
    np.save(items, np.random.default_rng(0).integers(0, 255, (80, 8, 8), dtype=np.uint8))
    headstart.pretrain("mae", items, epochs=1, out=tmp_path / "first")
    found = headstart.pretrain("ijepa", items, init=str(tmp_path / "first"), epochs=1, out=tmp_path / "second")
    assert found.state == "done"
    assert load_method(tmp_path / "second").encoder.name == "vit"
