"""Colour from lightness and lightness from colour: targets pixel by pixel, formulas by hand, and nothing to peep at."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from headstart.backbones import build_encoder
from headstart.contracts import Batch, Draw, Facts, Part, Progress
from headstart.errors import InputError
from headstart.lab import as_grey, lab_to_rgb, rgb_to_lab
from headstart.methods import find_method
from headstart.methods.reconstruction.answers import Bins, colour_answer, gamut_bins, lightness_answer

SHAPE = (3, 16, 16)
BOTH = pytest.mark.parametrize("name", ["colorization", "split_brain"])


def build(name, shape=SHAPE, views="simclr", **settings):
    torch.manual_seed(0)
    encoder = build_encoder("cnn", shape, mean=(0.5,) * 3, deviation=(0.25,) * 3)
    return find_method(name)(encoder, Facts(items=100, shape=shape, views=views), **settings)


def items(count=6, shape=SHAPE, seed=0):
    return torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def shown(method, pictures, step=0):
    """The pictures of a method's view."""
    part = Part.whole(len(pictures))
    return method.views(Batch(pictures, torch.arange(len(pictures)), part), Draw(0, step, part))[0]


def distance(one, other):
    return math.dist(one.tolist(), other.tolist())


def encoded_by_hand(value, centres, sigma):
    """The share of each bin, and the nearest of all, of one value."""
    far = [distance(value, centre) for centre in centres]
    nearest = sorted(range(len(far)), key=far.__getitem__)[:5]
    raw = [math.exp(-(far[place] ** 2) / (2 * sigma**2)) for place in nearest]
    shares = torch.zeros(len(centres), dtype=torch.float64)
    for place, share in zip(nearest, raw, strict=True):
        shares[place] = share / sum(raw)
    return shares, nearest[0]


def weights_by_hand(counts, centres, sigma, uniform):
    """One over how often a bin's neighbourhood occurs, with mean 1."""
    often = (np.array(counts) + 1) / (np.array(counts) + 1).sum()
    bins, smooth = len(often), np.zeros(len(often))
    for one in range(bins):
        kernel = np.array([math.exp(-(distance(centres[one], other) ** 2) / (2 * sigma**2)) for other in centres])
        smooth += often[one] * kernel / kernel.sum()
    weights = 1 / ((1 - uniform) * smooth + uniform / bins)
    return torch.from_numpy(weights / (smooth * weights).sum())


def test_the_bins_are_the_points_of_the_grid_that_colours_are_nearest_to():
    color = pytest.importorskip("skimage.color", reason="scikit-image isn't installed")
    levels = np.arange(0, 256, 5) / 255
    lab = color.rgb2lab(np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(-1, 1, 3))
    reached = {tuple(point) for point in (10 * np.round(lab[:, 0, 1:] / 10)).astype(int)}
    ours = {tuple(point) for point in gamut_bins().int().tolist()}
    assert len(ours) == len(gamut_bins()) == 261
    assert reached <= ours
    assert len(ours - reached) <= 3, "those between the levels that were looked at"


def test_soft_encoding_of_each_place():
    answer = colour_answer("bins")
    values = 60 * torch.randn(2, 2, 3, 4, generator=torch.Generator().manual_seed(0))
    bins, shares = answer.encode(values)
    for n, row, column in np.ndindex(2, 3, 4):
        expected, nearest = encoded_by_hand(values[n, :, row, column], gamut_bins(), 5)
        found = torch.zeros(len(expected)).index_add(0, bins[n, :, row, column], shares[n, :, row, column])
        torch.testing.assert_close(found.double(), expected, rtol=0, atol=1e-5)
        assert int(bins[n, 0, row, column]) == nearest


def test_lightness_lies_between_its_bins():
    answer = lightness_answer("bins")
    bins, shares = answer.encode(torch.tensor([0.0, 37.5, 100.0]).view(1, 1, 1, 3))
    assert bins[0, 0, 0].tolist() == [0, 37, 99]
    mean = (answer.centres[bins[..., 1], 0] * shares[..., 1]).sum(dim=1)
    assert float(mean) == pytest.approx(37.5, abs=1e-4)


@pytest.mark.parametrize("uniform", [0.1, 0.5, 1.0])
def test_rare_colours_weigh_more_as_the_formula_says(uniform):
    answer = colour_answer("bins", uniform)
    answer.counts.copy_(torch.randint(0, 50, answer.counts.shape).square())
    expected = weights_by_hand(answer.counts.tolist(), gamut_bins(), 5, uniform)
    torch.testing.assert_close(answer.weights().double(), expected, rtol=1e-4, atol=0)
    assert bool((answer.weights() == answer.weights()[0]).all()) is (uniform == 1)


def test_the_annealed_mean_of_each_place():
    answer = colour_answer("bins")
    logits = 3 * torch.randn(1, answer.width, 2, 3)
    found = answer.decode(logits)
    for row, column in np.ndindex(2, 3):
        shares = logits[0, :, row, column].double().softmax(dim=0)
        annealed = torch.exp(shares.log() / 0.38) / torch.exp(shares.log() / 0.38).sum()
        expected = sum(share * centre for share, centre in zip(annealed, gamut_bins().double(), strict=True))
        torch.testing.assert_close(found[0, :, row, column].double(), expected, rtol=0, atol=1e-3)


def cells_by_hand(lab, rows, columns):
    """The mean of every cell of one picture C×H×W, pixel by pixel."""
    height, width = lab.shape[1] // rows, lab.shape[2] // columns
    means = torch.zeros(lab.shape[0], rows, columns, dtype=torch.float64)
    for y, x in np.ndindex(*lab.shape[1:]):
        means[:, y // height, x // width] += lab[:, y, x].double() / (height * width)
    return means


def lab_by_scikit_image(images):
    color = pytest.importorskip("skimage.color", reason="scikit-image isn't installed")
    return torch.from_numpy(color.rgb2lab(images.double().numpy(), channel_axis=1))


@pytest.mark.parametrize("target", ["bins", "regression"])
def test_the_loss_of_colorization_pixel_by_pixel(target):
    method = build("colorization", target=target).train()
    images = shown(method, items(2))
    with torch.no_grad():
        said = method.colours.decoder(method.maps.of(method.encoder, images)).double()
    losses = []
    weights = weights_by_hand([0] * 261, gamut_bins(), 5, 0.5)
    for n, lab in enumerate(lab_by_scikit_image(images)):
        cells = cells_by_hand(lab[1:], *said.shape[2:])
        for row, column in np.ndindex(*said.shape[2:]):
            answer, truth = said[n, :, row, column], cells[:, row, column]
            if target == "regression":
                losses.append(0.5 * (answer - truth / 110).square().sum())
            else:
                shares, nearest = encoded_by_hand(truth, gamut_bins(), 5)
                losses.append(-weights[nearest] * (shares * answer.log_softmax(dim=0)).sum())
    found = method.loss((images,), Progress(0, 1))["loss"]
    torch.testing.assert_close(found.double(), torch.stack(losses).mean(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("target", ["bins", "regression"])
def test_the_loss_of_the_split_brain_pixel_by_pixel(target):
    method = build("split_brain", target=target).train()
    images = shown(method, items(2))
    with torch.no_grad():
        maps = method.maps.of(method.encoder, images)
        half = maps.shape[1] // 2
        colours = method.colours.decoder(maps[:, :half]).double()
        lightness = method.lightness.decoder(maps[:, half:]).double()
    steps = torch.arange(0.5, 100)[:, None]
    sums = {"colours": [], "lightness": []}
    for n, lab in enumerate(lab_by_scikit_image(images)):
        cells = cells_by_hand(lab, *colours.shape[2:])
        for row, column in np.ndindex(*colours.shape[2:]):
            for name, said, truth, centres, scale in (
                ("colours", colours, cells[1:], gamut_bins(), 110),
                ("lightness", lightness, cells[:1], steps, 100),
            ):
                answer, value = said[n, :, row, column], truth[:, row, column]
                if target == "regression":
                    sums[name].append(0.5 * (answer - value / scale).square().sum())
                else:
                    shares, _ = encoded_by_hand(value, centres, 5 if name == "colours" else 0.5)
                    sums[name].append(-(shares * answer.log_softmax(dim=0)).sum())
    found = method.loss((images,), Progress(0, 1))
    for name, losses in sums.items():
        torch.testing.assert_close(found[name].double(), torch.stack(losses).mean(), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found["loss"], found["colours"] + found["lightness"])


def test_after_an_epoch_the_counts_are_those_of_the_data():
    method = build("colorization", views="glyphs").train()
    pictures = items(8)
    for start in (0, 4):
        method.loss((shown(method, pictures[start : start + 4]),), Progress(0, 1))
        method.after_step(Progress(0, 1))
    counts = torch.zeros(261, dtype=torch.int64)
    for lab in lab_by_scikit_image(pictures / 255):
        for place in cells_by_hand(lab[1:], 4, 4).flatten(1).T:
            counts[encoded_by_hand(place, gamut_bins(), 5)[1]] += 1
    assert torch.equal(method.colours.answer.counts, counts)
    method.eval().loss((shown(method, pictures),), Progress(0, 1))
    method.after_step(Progress(0, 1))
    assert torch.equal(method.colours.answer.counts, counts), "only training counts"


@BOTH
def test_pictures_are_mirrored_where_a_mirror_image_means_the_same(name):
    pictures = items(16)
    plain = pictures / 255
    assert torch.equal(shown(build(name, views="glyphs"), pictures), plain)
    found = shown(build(name), pictures)
    same = torch.tensor([torch.equal(one, other) for one, other in zip(found, plain, strict=True)])
    assert 0 < int(same.sum()) < 16
    assert torch.equal(found[~same], plain[~same].flip(3))


@BOTH
@pytest.mark.parametrize("shape", [(3, 16, 16), (3, 30, 21)])
def test_what_is_given_back(name, shape):
    method = build(name, shape).eval()
    images = items(3, shape) / 255
    with torch.no_grad():
        made = method.reconstruct(images, Draw(0, 0, Part.whole(3)))
    assert made.given.shape == made.seen.shape == images.shape
    assert made.errors.shape == (3,)
    if name == "colorization":
        assert torch.equal(made.seen, as_grey(images))
    else:
        assert torch.equal(made.seen, images)
    lab = rgb_to_lab(images)
    maps = method.maps.of(method.encoder, images)
    half = maps.shape[1] // 2
    with torch.no_grad():
        if name == "colorization":
            said = torch.cat([lab[:, :1], method.colours(maps)], dim=1)
        else:
            said = torch.cat([method.lightness(maps[:, half:]), method.colours(maps[:, :half])], dim=1)
    torch.testing.assert_close(made.given, lab_to_rgb(said))
    torch.testing.assert_close(made.errors, (said - lab).square().sum(dim=1).sqrt().mean(dim=(1, 2)))


def one_lightness(count, side=8):
    """Plain pictures of 8 hues and one lightness, and which hue each has."""
    hues = torch.arange(count) % 8
    angle = 2 * math.pi * hues / 8
    lab = torch.stack([torch.full_like(angle, 65.0), 25 * angle.cos(), 25 * angle.sin()], dim=1)
    return lab_to_rgb(lab[:, :, None, None].expand(-1, -1, side, side)), hues


def test_colours_of_one_lightness_look_alike_to_colorization_and_are_guessed():
    images, hues = one_lightness(64)
    assert len(rgb_to_lab(images)[:, 1:, 0, 0].round().unique(dim=0)) == 8
    method = build("colorization", (3, 8, 8), uniform=1.0).train()
    optimizer = torch.optim.AdamW(method.parameters(), lr=5e-3)
    for step in range(80):
        loss = method.loss((images,), Progress(step, 80))["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    method.eval()
    with torch.no_grad():
        features = method.encoder(images)
        given = method.colours(method.maps.of(method.encoder, images))
    assert torch.equal(features, features[:1].expand_as(features))
    assert torch.equal(given, given[:1].expand_as(given))
    truth = rgb_to_lab(images)[:, 1:, 4, 4]
    nearest = torch.cdist(given[:, :, 4, 4], truth[:8]).argmin(dim=1)
    assert float((nearest == hues).float().mean()) == 1 / 8
    entropy = math.log(8)
    assert float(loss.detach()) > entropy - 0.01, "no better than who knows how frequent each colour is"


def accuracy(seen, answers):
    """Of the nearest neighbour among the first half, for the second."""
    half = len(seen) // 2
    found = torch.cdist(seen[half:, None], seen[:half, None]).argmin(dim=1)
    return float((answers[:half][found] == answers[half:]).float().mean())


def test_the_last_digits_of_lightness_do_not_name_the_colour():
    """16 colours that are one grey in eight bits: the unrounded lightness tells them all apart, the rounded none."""
    levels = torch.arange(0, 256, dtype=torch.float64) / 255
    every = torch.cartesian_prod(levels[::5], levels[::5], levels[::5])[..., None, None]
    alike = every[(as_grey(every)[:, 0, 0, 0] * 255).round() == 128]
    colours = alike[torch.linspace(0, len(alike) - 1, 16).long()]
    answers = torch.arange(16).repeat(20)[torch.randperm(320, generator=torch.Generator().manual_seed(0))]
    pictures = colours[answers]
    lightness = rgb_to_lab(pictures)[:, 0, 0, 0]
    assert float(lightness.max() - lightness.min()) < 0.5
    assert accuracy(lightness, answers) == 1
    assert accuracy(as_grey(pictures)[:, 0, 0, 0], answers) < 0.15  # chance: 0.06


def test_what_rounding_leaves_of_grey_does_not_name_its_lightness():
    """Of greys, unrounded a and b are multiples of lightness, which the half that sees colours would have to say."""
    levels = torch.randint(0, 256, (2000,), generator=torch.Generator().manual_seed(0)).double() / 255
    greys = levels[:, None, None, None].expand(-1, 3, 1, 1)
    answers = (levels * 7.999).long()
    assert accuracy(1e4 * rgb_to_lab(greys)[:, 2, 0, 0], answers) > 0.9
    encoder = build("split_brain").encoder
    colours = encoder._seen(greys)[:, 1:]
    assert torch.equal(colours, colours[:1].expand_as(colours))


def test_each_half_of_the_split_brain_is_blind_to_what_it_has_to_say():
    method = build("split_brain").train()
    method.loss((shown(method, items()),), Progress(0, 1))
    method.eval()
    images, _ = one_lightness(8, 16)
    with torch.no_grad():
        said = method.colours.decoder(method.maps.of(method.encoder, images)[:, :64])
    assert torch.equal(said, said[:1].expand_as(said)), "one lightness, eight colours"
    greys = torch.linspace(0, 1, 8)[:, None, None, None].expand(-1, *SHAPE)
    with torch.no_grad():
        said = method.lightness.decoder(method.maps.of(method.encoder, greys)[:, 64:])
    assert torch.equal(said, said[:1].expand_as(said)), "no colour, eight lightnesses"


@BOTH
def test_each_loss_falls(name):
    """What can be learned is: colours that go with lightness."""
    level = torch.randint(0, 2, (32, 1, 1, 1), generator=torch.Generator().manual_seed(0))
    lab = torch.where(
        level == 1, torch.tensor([70.0, 30, 20])[:, None, None], torch.tensor([40.0, -20, 0])[:, None, None]
    )
    images = lab_to_rgb(lab.expand(-1, -1, 8, 8))
    method = build(name, (3, 8, 8)).train()
    optimizer = torch.optim.AdamW(method.parameters(), lr=5e-3)
    for step in range(80):
        losses = method.loss((images,), Progress(step, 80))
        optimizer.zero_grad()
        losses["loss"].backward()
        optimizer.step()
    with torch.no_grad():
        made = method.eval().reconstruct(images, Draw(0, 0, Part.whole(32)))
    assert float(made.errors.max()) < 8, "the two colours are 59 apart"


@BOTH
@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"shape": (1, 16, 16), "grey": True}, "grey"),
        ({"shape": SHAPE, "grey": True}, "grey"),
        ({"shape": (4, 16, 16)}, "4 channels"),
    ],
)
def test_pictures_without_colours_are_refused(name, facts, says):
    encoder = build_encoder(
        "cnn", facts["shape"], mean=(0.5,) * facts["shape"][0], deviation=(0.25,) * facts["shape"][0]
    )
    with pytest.raises(InputError, match=f"{name} learns from .*{says}"):
        find_method(name)(encoder, Facts(items=100, **facts))


def test_bins_without_a_neighbour_to_share_with_stay_finite():
    answer = Bins(torch.arange(0.0, 60, 10)[:, None], 10, uniform=0.5).train()
    logits = torch.randn(1, 6, 2, 2, requires_grad=True)
    answer.loss(logits, torch.full((1, 1, 2, 2), 1e4)).backward()
    assert bool(torch.isfinite(logits.grad).all())


def test_weights_are_those_of_cross_entropy_where_all_weigh_alike():
    answer = Bins(torch.arange(0.0, 1000, 100)[:, None], 1, uniform=1.0)
    logits = torch.randn(2, 10, 3, 3)
    places = torch.randint(0, 10, (2, 3, 3))
    found = answer.loss(logits, 100.0 * places[:, None])
    torch.testing.assert_close(found, F.cross_entropy(logits, places))
