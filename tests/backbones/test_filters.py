"""The filters of the first layer are what it multiplies pictures by, and nothing else is called so."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from headstart.backbones import build_encoder, first_filters
from headstart.lab import as_grey


def build(backbone, shape):
    return build_encoder(backbone, shape, mean=[0.4] * shape[0], deviation=[0.2] * shape[0]).eval()


@pytest.mark.parametrize("shape", [(1, 12, 9), (3, 12, 9)])
@pytest.mark.parametrize("backbone", ["cnn", "mlp", "resnet18"])
def test_a_filter_is_what_the_first_layer_looks_for(backbone, shape):
    encoder = build(backbone, shape)
    filters = first_filters(encoder)
    seen = []
    kind = nn.Linear if backbone == "mlp" else nn.Conv2d
    first = next(module for module in encoder.backbone.modules() if isinstance(module, kind))
    first.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    images = torch.rand(2, *shape)
    encoder(images)
    normal = (images - 0.4) / 0.2
    if kind is nn.Linear:
        assert filters.shape[1:] == shape
        expected = F.conv2d(normal, filters)[:, :, 0, 0]
    else:
        expected = F.conv2d(normal, filters, stride=first.stride, padding=first.padding)
    torch.testing.assert_close(seen[0], expected, atol=1e-4, rtol=1e-4)
    assert not filters.requires_grad


@pytest.mark.parametrize("shape", [(1, 12, 9), (3, 12, 9)])
def test_each_neuron_of_patch_embeddings_is_a_filter(shape):
    encoder = build("vit", shape)
    images = torch.rand(2, *shape)
    filters, seen = first_filters(encoder), []
    encoder.backbone.embed.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    encoder(images)
    assert filters.shape == (128, shape[0], 2, 2)
    normal = F.pad((images - 0.4) / 0.2, (0, 1, 0, 0), mode="replicate")
    expected = F.conv2d(normal, filters, stride=2).flatten(2).transpose(1, 2)
    torch.testing.assert_close(seen[0], expected, atol=1e-4, rtol=1e-4)


def test_lightness_alone_is_looked_for_in_grey():
    """By how much the first layer's answers to two pictures differ, padding and means left out by that."""
    encoder = build_encoder("cnn", (3, 12, 9), mean=[0.2, 0.4, 0.6], deviation=[0.1, 0.2, 0.4]).eval()
    encoder.look("lightness")
    first, filters, seen = encoder.backbone.block1[0], first_filters(encoder), []
    first.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    images = torch.rand(2, 3, 12, 9)
    encoder(images)
    light = as_grey(images)[:, :1]
    assert filters.shape == (16, 1, 3, 3)
    expected = F.conv2d(light[:1] - light[1:], filters, stride=first.stride, padding=first.padding)
    torch.testing.assert_close(seen[0][:1] - seen[0][1:], expected, atol=1e-4, rtol=1e-4)


def test_of_halves_the_one_for_lightness_has_filters():
    encoder = build("cnn", (3, 12, 9))
    encoder.look("halves")
    assert torch.equal(first_filters(encoder), encoder.backbone.block1[0].lightness.weight)


@pytest.mark.parametrize(
    ("backbone", "shape"),
    [
        ("pixels", (3, 8, 8)),
        ("cnn", (5, 8, 8)),
        (nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3), nn.Flatten()), (3, 8, 8)),
        (nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(48, 4)), (3, 8, 8)),
        (nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(12, 4, 3), nn.Flatten()), (3, 8, 8)),
    ],
    ids=("no weights", "five channels", "a norm first", "pooled before", "rearranged before"),
)
def test_other_first_layers_have_none(backbone, shape):
    assert first_filters(build(backbone, shape)) is None
