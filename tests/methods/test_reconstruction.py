"""Autoencoders: the tutorial's layers, losses by hand, and a corruption that is what it says."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from headstart.backbones import build_encoder
from headstart.contracts import Batch, Draw, Facts, Part, Progress
from headstart.methods import find_method
from headstart.methods.reconstruction.corruption import corrupted
from headstart.methods.reconstruction.networks import DenseEncoder
from headstart.methods.reconstruction.variational import kl_divergence

SHAPE = (1, 28, 28)


def build(name, shape=SHAPE, **settings):
    torch.manual_seed(0)
    encoder = build_encoder("cnn", shape, mean=(0.3,) * shape[0], deviation=(0.2,) * shape[0])
    return find_method(name)(encoder, Facts(items=100, shape=shape), **settings)


def batch(shape=SHAPE, count=8):
    items = torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    return Batch(items, torch.arange(count), Part.whole(count))


def drawn(step=0, count=8):
    return Draw(0, step, Part.whole(count))


def test_without_options_it_is_the_classic_one():
    method = build("autoencoder")
    layers = [one for one in method.modules() if isinstance(one, nn.Linear)]
    widths = [(one.in_features, one.out_features) for one in layers]
    assert widths == [(784, 128), (128, 128), (128, 10), (10, 128), (128, 128), (128, 784)]
    assert sum(isinstance(one, nn.ReLU) for one in method.modules()) == 4
    assert isinstance(method.encoder.backbone.middle, nn.Linear), "nothing after the latent numbers"
    assert method.encoder.width == 10
    images = batch().items / 255
    torch.testing.assert_close(method.encoder(images), method.encoder.backbone(images), rtol=0, atol=0)


@pytest.mark.parametrize(("architecture", "blocks"), [("mlp", 2), ("conv", 3)])
def test_every_hidden_layer_can_be_looked_at(architecture, blocks):
    encoder = build("autoencoder", architecture=architecture).encoder
    assert encoder.layers() == [*(f"block{number}" for number in range(1, blocks + 1)), "middle"]


def test_numbers_are_drawn_from_the_first_layer_to_the_last():
    torch.manual_seed(0)
    expected = [nn.Linear(12, 5), nn.Linear(5, 5), nn.Linear(5, 3)]
    torch.manual_seed(0)
    network = DenseEncoder(12, 5, 2, 3)
    found = [one for one in network.modules() if isinstance(one, nn.Linear)]
    for one, other in zip(expected, found, strict=True):
        assert torch.equal(one.weight, other.weight)
        assert torch.equal(one.bias, other.bias)
    images = torch.rand(4, 3, 2, 2)
    by_hand = expected[2](expected[1](expected[0](images.flatten(1)).relu()).relu())
    torch.testing.assert_close(network(images), by_hand, rtol=0, atol=0)


@pytest.mark.parametrize("architecture", ["mlp", "conv", "backbone"])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 9, 14)])
@pytest.mark.parametrize("name", ["autoencoder", "variational", "denoising"])
def test_what_is_given_back_has_the_shape_of_what_went_in(name, shape, architecture):
    method = build(name, shape, architecture=architecture).eval()
    images = batch(shape).items / 255
    with torch.no_grad():
        made = method.reconstruct(images, drawn())
    assert made.given.shape == made.seen.shape == images.shape
    assert float(made.given.min()) >= 0
    assert float(made.given.max()) <= 1
    assert method.encoder(images).shape == (8, method.encoder.width)


def test_the_loss_is_the_error_of_what_is_given_back():
    method = build("autoencoder").eval()
    views = method.views(batch(), drawn())
    loss = method.loss(views, Progress(0, 1))["loss"]
    made = method.reconstruct(views[0], drawn())
    torch.testing.assert_close(loss, made.errors.mean())
    torch.testing.assert_close(loss, F.binary_cross_entropy(made.given, views[0]))


def test_the_divergence_is_that_of_torch_distributions():
    mean, log_variance = torch.randn(2, 6, 5)
    normal = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    theirs = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0.0, 1.0)).sum(dim=1)
    torch.testing.assert_close(kl_divergence(mean, log_variance), theirs)


@pytest.mark.parametrize("architecture", ["mlp", "conv", "backbone"])
def test_the_bound_by_hand(architecture):
    method = build("variational", weight=0.7, architecture=architecture).eval()
    images, noise = method.views(batch(), drawn())
    mean, log_variance = method.distribution(images)
    torch.testing.assert_close(mean, method.encoder(images))
    pixels = method.decode(mean + torch.exp(log_variance / 2) * noise)
    expected = F.binary_cross_entropy(pixels, images) + 0.7 * kl_divergence(mean, log_variance).mean() / 784
    found = method.loss((images, noise), Progress(0, 1))
    torch.testing.assert_close(found["loss"], expected)
    torch.testing.assert_close(found["loss"], found["error"] + 0.7 * found["divergence"])


def test_denoising_is_judged_on_the_clean_picture():
    method = build("denoising", noise="salt_pepper", amount=0.5).eval()
    disturbed, images = method.views(batch(), drawn(3))
    assert not torch.equal(images, disturbed)
    loss = method.loss((disturbed, images), Progress(0, 1))["loss"]
    torch.testing.assert_close(loss, F.binary_cross_entropy(method.decode(method.encoder(disturbed)), images))


def test_corruptions_are_what_they_say():
    images = torch.full((400, 3, 10, 10), 0.6)
    masked = corrupted(images, "masking", 0.3, drawn(count=400))
    hit = (masked == 0).any(dim=1)
    assert torch.equal(hit, (masked == 0).all(dim=1)), "a place in all its channels"
    assert hit.float().mean() == pytest.approx(0.3, abs=0.01)
    salted = corrupted(images, "salt_pepper", 0.3, drawn(count=400))
    assert (salted == 0).float().mean() == pytest.approx(0.15, abs=0.01)
    assert (salted == 1).float().mean() == pytest.approx(0.15, abs=0.01)
    noisy = corrupted(torch.full((400, 1, 20, 20), 0.5), "gaussian", 0.1, drawn(count=400))
    assert float(noisy.std()) == pytest.approx(0.1, rel=0.02)
    assert float(noisy.mean()) == pytest.approx(0.5, abs=0.002)


def test_two_processes_disturb_as_one_does():
    images = torch.rand(8, 1, 6, 6)
    whole = corrupted(images, "masking", 0.3, drawn())
    halves = [
        corrupted(images[start : start + 4], "masking", 0.3, Draw(0, 0, Part(start, start + 4, 8))) for start in (0, 4)
    ]
    assert torch.equal(whole, torch.cat(halves))
