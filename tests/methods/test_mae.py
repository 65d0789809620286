"""Masked autoencoders: an exact share hidden, targets pixel by pixel, the authors' loss, and nothing that leaks."""

import pytest
import torch
from test_contract import ITEMS, SHAPE, batch, build
from test_contract import shown as views_of
from torch import nn

from headstart.backbones import ViT, build_encoder, patches_of
from headstart.contracts import Batch, Draw, Facts, Part, Progress
from headstart.errors import InputError
from headstart.methods import find_method
from headstart.methods.transformer import tokens_of

START = Progress(0, 100)
NOISE = 32


def shown(method, step=0):
    return views_of(method, Draw(0, step, Part.whole(ITEMS)))


def of_shape(shape, **settings):
    torch.manual_seed(0)
    encoder = build_encoder("vit", shape, mean=[0.5] * shape[0], deviation=[0.3] * shape[0])
    return find_method("mae")(encoder, Facts(items=100, shape=shape, views="glyphs"), **settings)


@pytest.mark.parametrize(
    ("shape", "ratio", "patches", "hidden"),
    [((1, 8, 8), 0.75, 16, 12), ((3, 32, 32), 0.75, 64, 48), ((1, 28, 28), 0.75, 49, 37), ((1, 8, 8), 0.5, 16, 8)],
)
def test_of_every_picture_exactly_the_share_is_hidden(shape, ratio, patches, hidden):
    method = of_shape(shape, mask_ratio=ratio)
    part = Part.whole(50)
    items = torch.randint(0, 256, (50, *shape), dtype=torch.uint8)
    images, order = method.views(Batch(items, torch.arange(50), part), Draw(0, 0, part))
    assert torch.equal(order.sort(dim=1).values, torch.arange(patches).expand(50, -1))
    assert method.predicted(images, order).shape == (50, hidden, shape[0] * method.patch**2)
    assert tokens_of(method.encoder, images, order[:, : method.shown]).shape[1] == patches - hidden
    often = torch.zeros(patches).index_add(0, order[:, method.shown :].flatten(), torch.ones(50 * hidden))
    assert (often - 50 * ratio).abs().max() < 5 * (50 * ratio * (1 - ratio)) ** 0.5, "anywhere alike"


@pytest.mark.parametrize("normalise", [True, False])
def test_the_loss_pixel_by_pixel(normalise):
    method = build("mae", normalise=normalise).eval()
    images, order = shown(method)
    predicted = method.predicted(images, order)
    of_patches = []
    for item in range(ITEMS):
        for number, place in enumerate(order[item, 4:].tolist()):
            top, left = 2 * (place // 4), 2 * (place % 4)
            patch = images[item, 0, top : top + 2, left : left + 2].flatten()
            if normalise:
                patch = (patch - patch.mean()) / (patch.var() + 1e-6).sqrt()
            of_patches.append(sum((predicted[item, number] - patch) ** 2) / 4)
    found = method.loss((images, order), START)["loss"]
    torch.testing.assert_close(found, torch.stack(of_patches).mean())


@pytest.mark.parametrize("normalise", [True, False])
def test_the_loss_is_transformers_own(normalise):
    transformers = pytest.importorskip("transformers")
    few = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    config = transformers.ViTMAEConfig(
        **few, **{f"decoder_{name}": number for name, number in few.items()},
        image_size=8, patch_size=2, num_channels=1, norm_pix_loss=normalise,
    )  # fmt: skip
    theirs = transformers.ViTMAEForPreTraining(config)
    method = build("mae", normalise=normalise).eval()
    images, order = shown(method)
    hidden = order[:, 4:]
    with torch.no_grad():
        found = theirs(images, noise=Draw(0, 0, Part.whole(ITEMS)).uniform("order", 16))
        assert torch.equal(found.mask, torch.zeros(ITEMS, 16).scatter(1, hidden, 1.0))
        method.predicted = lambda *_: found.logits.take_along_dim(hidden[:, :, None], dim=1)
        torch.testing.assert_close(method.loss((images, order), START)["loss"], found.loss)


def test_the_decoder_sees_all_places_in_their_order():
    """As the authors have it: tokens and mask tokens put back into the order of the picture."""
    method = build("mae").eval()
    images, order = shown(method)
    decoder = method.decoder
    tokens = decoder.narrow(tokens_of(method.encoder, images, order[:, :4]))
    rows = []
    for item in range(ITEMS):
        row = decoder.mask_token.repeat(16, 1)
        for number, place in enumerate(order[item, :4].tolist()):
            row[place] = tokens[item, number]
        rows.append(row)
    whole = torch.stack(rows) + decoder.where
    for block in decoder.blocks:
        whole = block(whole)
    expected = decoder.predict(decoder.norm(whole)).take_along_dim(order[:, 4:, None], dim=1)
    torch.testing.assert_close(method.predicted(images, order), expected, rtol=1e-4, atol=1e-5)


def test_what_comes_back_has_its_own_light_again():
    method = build("mae").eval()
    images, draw = batch().items / 255, Draw(0, 0, Part.whole(ITEMS))
    with torch.no_grad():
        made = method.reconstruct(images, draw)
        order = method.order(draw)
        predicted = method.predicted(images, order)
        torch.testing.assert_close(made.errors.mean(), method.loss((images, order), START)["loss"])
    before, seen, after = (patches_of(one, 2) for one in (images, made.seen, made.given))
    for item in range(ITEMS):
        for place in order[item, :4].tolist():
            assert torch.equal(after[item, place], before[item, place])
            assert torch.equal(seen[item, place], before[item, place])
        for number, place in enumerate(order[item, 4:].tolist()):
            patch = before[item, place]
            expected = predicted[item, number] * (patch.var() + 1e-6).sqrt() + patch.mean()
            torch.testing.assert_close(after[item, place], expected.clamp(0, 1), rtol=1e-4, atol=1e-5)
            assert (seen[item, place] == 0.5).all()


def test_hidden_pixels_have_no_part_in_what_is_predicted():
    method = build("mae")
    images, order = shown(method)
    images.requires_grad_(True)
    method.predicted(images, order).square().sum().backward()
    moved = patches_of(images.grad, 2).abs().sum(dim=2)
    assert (moved.take_along_dim(order[:, 4:], dim=1) == 0).all()
    assert (moved.take_along_dim(order[:, :4], dim=1) > 0).all()


def noise_loss(peek):
    """The loss at the end of training on pictures of noise, new ones at every step; `peek` shows what is hidden."""
    torch.manual_seed(0)
    encoder = build_encoder(ViT(1, 2, width=32, depth=1), SHAPE, mean=[0.5], deviation=[0.3])
    method = find_method("mae")(encoder, Facts(items=100, shape=SHAPE, views="glyphs"), decoder_width=32)
    if peek:
        end = nn.Sequential(method.decoder.narrow, method.decoder.norm, method.decoder.predict)
        method.predicted = lambda images, order: end(tokens_of(encoder, images, order[:, method.shown :]))
    optimizer = torch.optim.AdamW(method.parameters(), lr=3e-3)
    losses = []
    for step in range(80):
        made = torch.Generator().manual_seed(step)
        items = torch.randint(0, 256, (NOISE, *SHAPE), dtype=torch.uint8, generator=made)
        part = Part.whole(NOISE)
        loss = method.loss(method.views(Batch(items, torch.arange(NOISE), part), Draw(0, step, part)), START)["loss"]
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return sum(losses[-20:]) / 20


def test_of_noise_nothing_can_be_given_back():
    """Of four numbers with mean 0 and deviation 1 the mean square is three quarters: that is chance."""
    assert noise_loss(peek=False) > 0.745
    assert noise_loss(peek=True) < 0.5


def test_neighbours_light_is_no_help():
    """Pictures that are nothing but light, even in every patch: normalised, there is nothing left to be right about."""
    items = (torch.randint(0, 256, (ITEMS, 1, 4, 4), dtype=torch.uint8)).repeat_interleave(2, 2).repeat_interleave(2, 3)
    method, part = build("mae"), Part.whole(ITEMS)
    images, _ = method.views(Batch(items, torch.arange(ITEMS), part), Draw(0, 0, part))
    mean, deviation = method.light(patches_of(images, 2))
    assert ((patches_of(images, 2) - mean) / deviation).abs().max() < 1e-3


@pytest.mark.parametrize("ratio", [0.01, 0.99])
def test_a_ratio_that_hides_nothing_or_all_is_refused(ratio):
    with pytest.raises(InputError, match=r"--mask-ratio .* of 16 patches"):
        build("mae", mask_ratio=ratio)


@pytest.mark.parametrize(("name", "setting"), [("mae", "decoder_width"), ("ijepa", "predictor_width")])
def test_widths_that_heads_cannot_share_are_refused(name, setting):
    with pytest.raises(InputError, match=f"--{setting.replace('_', '-')} 66: choose a multiple of 4"):
        build(name, **{setting: 66})


def test_orders_differ_by_item_and_step_and_not_by_the_number_of_processes():
    method = build("mae")
    whole = method.order(Draw(0, 3, Part.whole(20)))
    assert len(torch.unique(whole, dim=0)) > 15
    assert not torch.equal(whole, method.order(Draw(0, 4, Part.whole(20))))
    halves = [method.order(Draw(0, 3, Part(start, start + 10, 20))) for start in (0, 10)]
    assert torch.equal(whole, torch.cat(halves))


@pytest.mark.parametrize("name", ["mae", "ijepa"])
def test_other_networks_are_refused(name):
    encoder = build_encoder("cnn", SHAPE, mean=[0.5], deviation=[0.3])
    with pytest.raises(InputError, match=f"{name} .* cnn .*\n.*--backbone vit"):
        find_method(name)(encoder, Facts(items=100, shape=SHAPE))
