"""The small vision transformer against timm's, with patches and positions by hand, and parts of pictures alone."""

import math
from itertools import product

import pytest
import timm
import torch

from headstart.backbones import ViT, build_encoder, patches_of, picture_of, positions
from headstart.backbones.vit import patch_side


def small(depth=2):
    torch.manual_seed(0)
    return ViT(3, 4, width=16, depth=depth, heads=2).eval()


def by_hand(image, side):
    """The patches of one image, pixel by pixel; beyond its rims its last pixels go on."""
    channels, height, width = image.shape

    def pixel(channel, row, column):
        return float(image[channel, min(row, height - 1), min(column, width - 1)])

    corners = product(range(0, height, side), range(0, width, side))
    inside = list(product(range(channels), range(side), range(side)))
    return torch.tensor([[pixel(c, top + row, left + column) for c, row, column in inside] for top, left in corners])


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 12), (2, 9, 14)])
def test_patches_pixel_by_pixel_and_back(shape):
    images = torch.rand(3, *shape)
    patches = patches_of(images, 4)
    assert torch.equal(patches, torch.stack([by_hand(image, 4) for image in images]))
    assert torch.equal(picture_of(patches, shape), images)


def test_positions_by_the_formula():
    rows, columns, width = 3, 5, 16
    made = positions(rows, columns, width)
    for row in range(rows):
        for column in range(columns):
            for number in range(width):
                place = column if number < width // 2 else row
                within = number % (width // 2)
                angle = place / 10000 ** (within % (width // 4) / (width // 4))
                wave = math.sin(angle) if within < width // 4 else math.cos(angle)
                assert float(made[row * columns + column, number]) == pytest.approx(wave, abs=1e-5)


def test_it_is_timms_network():
    ours = small()
    theirs = timm.models.VisionTransformer(
        img_size=16, patch_size=4, embed_dim=16, depth=2, num_heads=2, class_token=False, global_pool="avg",
        fc_norm=False, num_classes=0,
    ).eval()  # fmt: skip
    parts = {"qkv": "attn.qkv", "out": "attn.proj", "mlp.0": "mlp.fc1", "mlp.2": "mlp.fc2"}
    state = {"pos_embed": positions(4, 4, 16)[None]}
    for name, value in ours.state_dict().items():
        if name.startswith("embed"):
            state[f"patch_embed.proj.{name[6:]}"] = value.reshape(-1, 3, 4, 4) if value.ndim == 2 else value
        elif name.startswith("block"):
            block, _, rest = name.partition(".")
            part, _, kind = rest.rpartition(".")
            state[f"blocks.{int(block[5:]) - 1}.{parts.get(part, part)}.{kind}"] = value
        else:
            state[name] = value
    theirs.load_state_dict(state)
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(ours.tokens(images), theirs.forward_features(images), rtol=1e-5, atol=1e-5)
        torch.testing.assert_close(ours.tokens(images).mean(dim=1), theirs(images), rtol=1e-5, atol=1e-5)


def test_features_are_the_means_of_the_quarters():
    network, images = small(), torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        tokens = network.tokens(images).view(2, 2, 2, 2, 2, 16)  # item, half, row, half, column, feature
        expected = torch.stack([tokens[:, down, :, across].mean(dim=(1, 2)) for down in (0, 1) for across in (0, 1)], 2)
        torch.testing.assert_close(network(images), expected.flatten(1))


def test_some_patches_alone_are_as_if_there_were_no_others():
    network, images = small(), torch.randn(3, 3, 16, 16)
    places = torch.stack([torch.randperm(16)[:5] for _ in range(3)])
    with torch.no_grad():
        found = network.tokens(images, places)
        changed = patches_of(images, 4)
        for item, shown in enumerate(places):
            unseen = [place for place in range(16) if place not in shown.tolist()]
            changed[item, unseen] = 7.0
        again = network.tokens(picture_of(changed, (3, 16, 16)), places)
        everything = network.tokens(images, torch.arange(16).flip(0).expand(3, -1))
        torch.testing.assert_close(everything.flip(1), network.tokens(images), rtol=1e-5, atol=1e-5)
    assert torch.equal(found, again)
    assert not torch.allclose(found, network.tokens(images).take_along_dim(places[:, :, None], dim=1), atol=1e-3)


def test_what_is_not_there_is_looked_at_by_none():
    network, images = small(), torch.randn(2, 3, 16, 16)
    places = torch.tensor([[3, 7, 9, 0], [2, 5, 6, 15]])
    there = torch.tensor([[True, True, True, False], [True, True, True, True]])
    with torch.no_grad():
        found = network.tokens(images, places, there)
        torch.testing.assert_close(found[:1, :3], network.tokens(images[:1], places[:1, :3]), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(found[1:], network.tokens(images[1:], places[1:]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("shape", "side"),
    [
        ((2, 2), 2),
        ((8, 8), 2),
        ((28, 28), 4),
        ((32, 32), 4),
        ((32, 96), 4),
        ((64, 64), 8),
        ((96, 96), 8),
        ((224, 224), 16),
    ],
)
def test_patches_suit_the_size(shape, side):
    assert patch_side(*shape) == side


def test_it_takes_pictures_of_other_sizes_and_its_blocks_have_names():
    encoder = build_encoder("vit", (1, 28, 28), mean=[0.3], deviation=[0.2]).eval()
    assert encoder.layers() == ["embed", "block1", "block2", "block3", "block4", "norm"]
    with torch.no_grad():
        for side in (3, 20, 28, 41):
            assert encoder(torch.rand(2, 1, side, side)).shape == (2, encoder.width)
