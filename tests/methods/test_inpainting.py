"""Inpainting: the loss by hand, both sides of the critic, and nothing to be had from what is hidden."""

import copy

import pytest
import torch
from test_contract import ITEMS, SHAPE, batch, build
from test_contract import shown as views_of
from torch import nn
from torch.nn import functional as F

from headstart.backbones import build_encoder
from headstart.contracts import Batch, Draw, Facts, Part, Progress
from headstart.methods import find_method
from headstart.methods.reconstruction.networks import ConvDecoder, ConvEncoder, channels_for

START = Progress(0, 100)


def shown(method, step=0):
    return views_of(method, Draw(0, step, Part.whole(ITEMS)))


@pytest.mark.parametrize("mask", ["block", "free-form", "central", "left"])
def test_hidden_pixels_are_the_mean_colour_and_all_others_as_they_were(mask):
    method = build("inpainting", mask=mask)
    seen, images, hidden = shown(method)
    assert torch.equal(images, batch().items / 255)
    for item in range(ITEMS):
        for row in range(SHAPE[1]):
            for column in range(SHAPE[2]):
                expected = 0.5 if hidden[item, row, column] else float(images[item, 0, row, column])
                assert float(seen[item, 0, row, column]) == expected


@pytest.mark.parametrize("rim", [0, 1])
def test_the_loss_pixel_by_pixel(rim):
    method = build("inpainting", rim=rim).eval()
    seen, images, hidden = shown(method)
    given = method.given(seen)
    of_items = []
    for item in range(ITEMS):
        total = weights = 0.0
        for row in range(8):
            for column in range(8):
                near = hidden[item, max(row - rim, 0) : row + rim + 1, max(column - rim, 0) : column + rim + 1].any()
                weight = 1 if hidden[item, row, column] else 10 if near else 0
                total += weight * float(given.detach()[item, 0, row, column] - images[item, 0, row, column]) ** 2
                weights += weight
        of_items.append(total / weights)
    found = method.loss((seen, images, hidden), START)["loss"]
    assert found.item() == pytest.approx(sum(of_items) / ITEMS, rel=1e-4)


def test_the_critic_learns_what_its_opponent_unlearns():
    """Equation 2 in two steps, each side with a loss of its own, against the one loss that is minimised."""
    weight = 0.3
    method = build("inpainting", adversarial=weight).eval()
    views = seen, images, hidden = shown(method)
    found = method.loss(views, START)
    found["loss"].backward()
    apart = copy.deepcopy(method)
    apart.zero_grad()

    def cross_entropy(network, pictures, answer):
        return F.binary_cross_entropy_with_logits(network(pictures), torch.full((ITEMS, 1), answer)) / 2

    completed = torch.where(hidden[:, None], apart.given(seen), images)
    learned = cross_entropy(apart.critic, images, 1.0) + cross_entropy(apart.critic, completed.detach(), 0.0)
    learned.backward()
    frozen = copy.deepcopy(apart.critic).requires_grad_(False)
    error = apart.errors(apart.given(seen), images, hidden).mean()
    unlearned = (1 - weight) * error - weight * cross_entropy(frozen, completed, 0.0)
    unlearned.backward()
    for (name, ours), theirs in zip(method.named_parameters(), apart.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-7, msg=name)
    torch.testing.assert_close(found["critic"], learned)
    torch.testing.assert_close(found["error"], error)


def test_what_comes_back_is_the_picture_with_its_hole_filled():
    method = build("inpainting", mask="top").eval()
    images = batch().items / 255
    with torch.no_grad():
        made = method.reconstruct(images, Draw(0, 0, Part.whole(ITEMS)))
        given = method.given(made.seen)
    assert torch.equal(made.given[:, :, 4:], images[:, :, 4:])
    assert torch.equal(made.given[:, :, :4], given[:, :, :4].clamp(0, 1))
    assert (made.seen[:, :, :4] == 0.5).all()
    torch.testing.assert_close(made.errors, (given - images)[:, :, :4].square().mean(dim=(1, 2, 3)))


@pytest.mark.parametrize("views", ["glyphs", "simclr"])
def test_photographs_are_cropped_and_mirrored_and_glyphs_are_not(views):
    encoder = build_encoder("cnn", (3, 8, 8), mean=[0.5] * 3, deviation=[0.3] * 3)
    method = find_method("inpainting")(encoder, Facts(items=100, shape=(3, 8, 8), views=views))
    items = torch.randint(0, 256, (ITEMS, 3, 8, 8), dtype=torch.uint8)
    _, images, _ = method.views(Batch(items, torch.arange(ITEMS), Part.whole(ITEMS)), Draw(0, 0, Part.whole(ITEMS)))
    assert torch.equal(images, items / 255) == (views == "glyphs")


def test_an_encoder_of_colours_takes_grey_pictures():
    encoder = build_encoder("cnn", (3, 8, 8), mean=(0.2, 0.4, 0.6), deviation=[0.3] * 3)
    method = find_method("inpainting")(encoder, Facts(items=100, shape=SHAPE, views="glyphs"))
    seen, images, hidden = shown(method)
    assert seen.shape == images.shape
    assert float(seen[:, 0][hidden].mean()) == pytest.approx(0.4)
    assert torch.isfinite(method.loss((seen, images, hidden), START)["loss"])


def test_large_pictures_are_halved_more_often():
    shape = (3, 224, 200)
    channels = channels_for(shape)
    assert channels == (32, 64, 128, 256, 256)
    assert channels_for((1, 28, 28)) == channels_for((1, 8, 8)) == (32, 64)
    with torch.device("meta"):
        assert ConvDecoder(7, shape, 5, channels)(torch.empty(2, 7)).shape == (2, *shape)
        critic = ConvEncoder(shape, 5, 1, channels)
        assert critic(torch.empty(2, *shape)).shape == (2, 1)
    assert sum(parameter.numel() for parameter in critic.parameters()) < 2e6


def noise_loss(method, peek):
    """The loss at the end of training on pictures of noise, new ones at every step; `peek` lets the hidden be seen."""
    optimizer = torch.optim.Adam(method.parameters(), lr=3e-3)
    losses = []
    for step in range(150):
        made = torch.Generator().manual_seed(step)
        items = torch.randint(0, 2, (64, 1, 8, 8), dtype=torch.uint8, generator=made) * 255
        part = Part.whole(64)
        seen, images, hidden = method.views(Batch(items, torch.arange(64), part), Draw(0, step, part))
        loss = method.loss((images if peek else seen, images, hidden), START)["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return sum(losses[-20:]) / 20


def noise_method(mask):
    torch.manual_seed(0)
    encoder = build_encoder(nn.Sequential(nn.Flatten(), nn.Linear(64, 256)), SHAPE, mean=[0.5], deviation=[0.5])
    return find_method("inpainting")(encoder, Facts(items=100, shape=SHAPE, views="glyphs"), mask=mask, hidden=128)


@pytest.mark.parametrize("mask", ["block", "top"])
def test_of_noise_nothing_can_be_given_back(mask):
    """Pixels that tell nothing of each other leave only what leaks: chance is their variance, a quarter."""
    assert noise_loss(noise_method(mask), peek=False) > 0.245
    assert noise_loss(noise_method(mask), peek=True) < 0.2
