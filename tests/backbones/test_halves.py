"""What an encoder is shown of colour pictures, the halves of a network, and its last maps."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from headstart.backbones import build_encoder, last_maps, rebuild_encoder
from headstart.errors import InputError
from headstart.lab import as_grey, as_lab_bytes, lab_to_rgb

SHAPE = (3, 32, 32)


def build(name="cnn", shape=SHAPE):
    return build_encoder(name, shape, mean=(0.5,) * 3, deviation=(0.25,) * 3).eval()


def pictures(count=4):
    """In Lab: soft colours, so that some parts can change and stay those of a screen; whole numbers in eight bits."""
    made = torch.Generator().manual_seed(0)
    steps = torch.randint(0, 30, (count, 3, 4, 4), generator=made) + torch.tensor([130, -15, -15]).view(3, 1, 1)
    return (steps / torch.tensor([2.55, 1, 1]).view(3, 1, 1)).repeat_interleave(8, 2).repeat_interleave(8, 3)


def test_lightness_alone():
    plain = build()
    encoder = build()
    encoder.look("lightness")
    images = lab_to_rgb(pictures())
    assert torch.equal(encoder(images), plain(as_grey(images)))
    assert not torch.equal(encoder(images), plain(images))
    assert torch.equal(encoder(as_grey(images)[:, :1]), encoder(images)), "grey pictures stay as they are"


@pytest.mark.parametrize("name", ["cnn", "resnet18", "efficientnet_b0"])
def test_halves_are_shown_one_part_each(name):
    torch.manual_seed(0)
    encoder = build(name)
    width = encoder.width
    encoder.look("halves")
    for norm in encoder.modules():
        if isinstance(norm, nn.BatchNorm2d):
            norm.momentum = 1.0
    encoder.train()(lab_to_rgb(pictures(16)))  # statistics with which features differ
    encoder.eval()
    lab, other = pictures()[:2], pictures()[2:]
    others = torch.cat([lab[:, :1], other[:, 1:]], dim=1)
    first, second = (encoder(lab_to_rgb(of)) for of in (lab, others))
    assert first.shape == (2, width)
    assert torch.equal(*(as_lab_bytes(lab_to_rgb(of))[:, 0] for of in (lab, others)))
    torch.testing.assert_close(first[:, : width // 2], second[:, : width // 2])
    assert not torch.allclose(first[:, width // 2 :], second[:, width // 2 :])
    darker = torch.cat([lab[:, :1] - 10 / 2.55, lab[:, 1:]], dim=1)
    third = encoder(lab_to_rgb(darker))
    assert torch.equal(*(as_lab_bytes(lab_to_rgb(of))[:, 1:] for of in (lab, darker)))
    torch.testing.assert_close(first[:, width // 2 :], third[:, width // 2 :])
    assert not torch.allclose(first[:, : width // 2], third[:, : width // 2])


def test_a_half_keeps_its_weights_and_drops_what_led_across():
    before = build().backbone.block2[0].weight.clone()  # [32, 16, 3, 3]
    encoder = build()
    encoder.look("halves")
    after = encoder.backbone.block2[0].weight
    assert after.shape == (32, 8, 3, 3)
    torch.testing.assert_close(after[:16], 2**0.5 * before[:16, :8])
    torch.testing.assert_close(after[16:], 2**0.5 * before[16:, 8:])
    count = sum(p.numel() for p in encoder.parameters())
    assert count < 0.55 * sum(p.numel() for p in build().parameters())


@pytest.mark.parametrize("name", ["mlp", "vgg11", "vit_b_16", "shufflenet_v2_x0_5"])
def test_what_mixes_all_channels_is_refused(name):
    encoder = build(name)
    with pytest.raises(InputError, match="two halves"):
        encoder.look("halves")


@pytest.mark.parametrize("sight", ["lightness", "halves"])
def test_a_description_remembers_it(sight):
    encoder = build()
    encoder.use_norm("group")
    encoder.look(sight)
    again = rebuild_encoder(encoder.describe())
    again.load_state_dict(encoder.state_dict())
    images = torch.rand(3, 3, 32, 32)
    assert torch.equal(encoder(images), again.eval()(images))
    assert again.describe() == encoder.describe()


def test_one_sight_for_good():
    encoder = build()
    encoder.look("lightness")
    encoder.look("lightness")
    with pytest.raises(InputError, match="lightness"):
        encoder.look("halves")


@pytest.mark.parametrize(
    ("name", "layer", "shape"),
    [("cnn", "block4", (128, 4, 4)), ("resnet18", "layer4", (512, 4, 4)), ("densenet121", "features", (1024, 2, 2))],
)
def test_the_last_maps_are_what_the_features_are_means_of(name, layer, shape):
    size = 64 if name == "densenet121" else 32
    encoder = build(name, (3, size, size))
    found = last_maps(encoder)
    assert found.layer == layer
    images = torch.rand(2, 3, size, size)
    maps = found.of(encoder, images)
    assert maps.shape[1:] == found.shape
    if name != "cnn":
        torch.testing.assert_close(maps.mean(dim=(2, 3)), encoder(images))
    else:
        torch.testing.assert_close(nn.functional.avg_pool2d(maps, 2).flatten(1), encoder(images))
    assert not encoder.backbone.get_submodule(layer)._forward_hooks


@pytest.mark.parametrize("name", ["mlp", "vgg11", "vit_b_16"])
def test_networks_without_maps_at_their_end_are_refused(name):
    with pytest.raises(InputError, match="--backbone cnn"):
        last_maps(build(name))


def test_a_single_cell_says_nothing_of_places():
    with pytest.raises(InputError, match=r"single cell of pictures of 8×8.*larger --size, or choose --backbone cnn\."):
        last_maps(build("resnet18", (3, 8, 8)))
