"""Training that goes on from an encoder which somebody else, or an earlier run, has trained."""

import json

import pytest
import torch
from safetensors.torch import save_file
from tiny import Tiny
from torchvision import models

import headstart
from headstart.data import load
from headstart.errors import InputError
from headstart.methods import METHODS, find_method
from headstart.training import Job, TrainSettings, load_encoder, run_job
from headstart.training.job import fingerprint

SHUFFLE = "shufflenet_v2_x0_5"
PARTICULAR = ("colorization", "ijepa", "mae", "split_brain")
"""Methods that need a network of one kind: a transformer, or convolutions alone."""


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of a small network's weights."""
    path = tmp_path_factory.mktemp("weights") / "shuffle.safetensors"
    save_file(models.shufflenet_v2_x0_5(weights=None).state_dict(), path)
    return str(path)


def pictures(channels, side=32):
    made = torch.Generator().manual_seed(0)
    items = torch.randint(256, (40, channels, side, side), generator=made, dtype=torch.uint8)
    return load((items, [0, 1] * 20))


def job(weights, channels=3, method=Tiny, **settings):
    chosen = TrainSettings(steps=2, batch_size=8, device="cpu", checkpoint_seconds=0)
    return Job(data=pictures(channels), method=method, init=weights, backbone=SHUFFLE, settings=chosen, **settings)


@pytest.mark.parametrize("channels", [1, 3])
def test_training_starts_from_the_weights_at_the_size_of_the_items(weights, channels, tmp_path, capsys):
    made = job(weights, channels).build().encoder
    assert made.shape == (3, 32, 32)
    assert made.decode is None
    torch.testing.assert_close(made.mean.flatten(), torch.tensor([0.485, 0.456, 0.406]))
    given = torch.nn.Module.state_dict(models.shufflenet_v2_x0_5(weights=None)).keys() - {"fc.weight", "fc.bias"}
    assert made.backbone.state_dict().keys() == given
    run_job(job(weights, channels), tmp_path / "run")
    encoder, description = load_encoder(tmp_path / "run")
    assert description["init"]["name"] == weights
    assert description["init"]["sha256"] == encoder.origin["sha256"]
    assert not torch.equal(encoder.backbone.conv5[0].weight, made.backbone.conv5[0].weight)
    said = capsys.readouterr().err
    assert "32×32 pixels" in said
    assert encoder(torch.rand(2, channels, 32, 32)).shape == (2, encoder.width)


def test_every_build_starts_from_the_same_weights_and_leaves_them_alone(weights):
    made = job(weights)
    first = made.build().encoder
    with torch.no_grad():
        first.backbone.conv5[0].weight.zero_()
    again = made.build().encoder
    assert again.training
    assert bool(again.backbone.conv5[0].weight.any())


@pytest.mark.parametrize("name", sorted(METHODS))
def test_every_method_goes_on_from_foreign_weights(weights, name):
    if name in PARTICULAR:
        with pytest.raises(InputError, match=SHUFFLE):
            job(weights, method=name).build()
        return
    method = job(weights, method=name).build()
    assert isinstance(method, find_method(name))
    assert next(method.encoder.parameters()).requires_grad or name in ("moco", "adabn")  # adabn trains nothing


def test_the_weights_decide_what_a_run_is_recognised_by(weights, tmp_path):
    made = job(weights)
    known = fingerprint(made, made.plan())
    assert known["init"].startswith(weights)
    other = str(tmp_path / "other.safetensors")
    save_file(models.shufflenet_v2_x0_5(weights=None).state_dict(), other)
    changed = job(other)
    assert fingerprint(changed, changed.plan())["init"] != known["init"]
    fresh = Job(data=pictures(3), method=Tiny, backbone=SHUFFLE)
    assert fingerprint(fresh, fresh.plan())["init"] is None


def test_a_run_is_gone_on_from_by_the_verb(tmp_path):
    headstart.pretrain("simclr", "digits", epochs=1, out=tmp_path / "first")
    headstart.pretrain("byol", "digits", init=str(tmp_path / "first"), epochs=1, out=tmp_path / "second")
    record = json.loads((tmp_path / "second" / "run.json").read_text())
    assert record["settings"]["init"].startswith(str(tmp_path / "first"))
    assert record["settings"]["backbone"] == "cnn"
    first, second = load_encoder(tmp_path / "first")[0], load_encoder(tmp_path / "second")[0]
    assert torch.equal(first.mean, second.mean)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"init": "nothing-like-it"}, "--init nothing-like-it is not known"),
        ({"init": "resnet18", "backbone": "cnn"}, "its own architecture"),
        ({"init": "weights.pt"}, "--backbone"),
        ({"backbone": "resnet18:IMAGENET1K_V1"}, "--init takes weights"),
    ],
)
def test_encoders_that_can_not_be_gone_on_from(tmp_path, settings, said):
    with pytest.raises(InputError, match=said):
        headstart.pretrain("simclr", "digits", epochs=1, out=tmp_path / "run", **settings)
    assert not (tmp_path / "run").exists()


def test_an_encoder_of_one_size_only_is_refused_with_that_size(tmp_path):
    """A transformer's places are counted: it takes pictures of its own size."""
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=48, patch_size=16
    )
    transformers.ViTModel(config).save_pretrained(tmp_path)
    wanted = Job(data=pictures(3), method=Tiny, init=str(tmp_path))
    with pytest.raises(InputError, match="--size 48"):
        wanted.build()
    with pytest.raises(InputError, match="channels"):
        Job(data=pictures(2, 48), method=Tiny, init=str(tmp_path)).build()
