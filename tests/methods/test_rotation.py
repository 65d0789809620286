"""Rotation: turns pixel by pixel, and nothing but the picture to tell them apart by."""

from __future__ import annotations

import torch

from headstart.backbones import build_encoder
from headstart.contracts import Batch, Draw, Facts, Part
from headstart.methods import find_method
from headstart.methods.pretext.rotation import square, turned


def by_hand(image, turns):
    """A quarter against the clock: what was at the right end of the top row comes to the left end."""
    side = image.shape[-1]
    for _ in range(turns):
        moved = torch.empty_like(image)
        for row in range(side):
            for column in range(side):
                moved[:, side - 1 - column, row] = image[:, row, column]
        image = moved
    return image


def test_turns_pixel_by_pixel():
    images = torch.rand(3, 2, 5, 5)
    made = turned(images)
    for number, image in enumerate(images):
        for turns in range(4):
            assert torch.equal(made[3 * turns + number], by_hand(image, turns))


def test_answers_belong_to_their_pictures_and_mirrors_depend_on_the_views():
    items = torch.randint(0, 256, (6, 3, 8, 8), dtype=torch.uint8)
    batch = Batch(items, torch.arange(6), Part.whole(6))
    for views, flips in (("glyphs", False), ("simclr", True)):
        encoder = build_encoder("cnn", (3, 8, 8), mean=(0.5,) * 3, deviation=(0.3,) * 3)
        method = find_method("rotation")(encoder, Facts(items=100, shape=(3, 8, 8), views=views))
        images, turns = method.views(batch, Draw(0, 0, Part.whole(6)))
        assert images.shape == (24, 3, 8, 8)
        upright = images[turns == 0]
        assert torch.equal(images, turned(upright))
        same = (upright == items.float() / 255).flatten(1).all(dim=1)
        assert bool(same.all()) is not flips


def test_pixels_without_their_places_say_nothing_of_the_turn():
    """The shortcut of other rotations is what interpolation does to pixels; quarter turns leave every one as it is."""
    images = torch.rand(64, 1, 9, 9)
    made = turned(images).flatten(1).sort(dim=1).values.unflatten(0, (4, 64))
    for turns in range(1, 4):
        assert torch.equal(made[0], made[turns])


def test_the_middle_of_a_wide_picture_is_turned():
    images = torch.rand(2, 1, 4, 8)
    assert torch.equal(square(images), images[..., 2:6])
