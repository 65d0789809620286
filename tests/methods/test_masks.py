"""What is hidden of pictures, pixel by pixel against slow ways of saying the same."""

import math
from typing import get_args

import pytest
import torch
from torch.nn import functional as F

from headstart.contracts import Draw, Part
from headstart.methods.reconstruction.masks import BOXES, COARSE, Mask, hidden_pixels

ITEMS = 40


def hidden(kind, share=0.25, height=12, width=20, step=0, part=None):
    return hidden_pixels(kind, share, height, width, Draw(0, step, part or Part.whole(ITEMS)))


def box(top, left, rows, columns, height=12, width=20):
    """One box, pixel by pixel."""
    made = torch.zeros(height, width, dtype=torch.bool)
    for row in range(top, top + rows):
        for column in range(left, left + columns):
            made[row, column] = True
    return made


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("top", box(0, 0, 6, 20)),
        ("bottom", box(6, 0, 6, 20)),
        ("left", box(0, 0, 12, 10)),
        ("right", box(0, 10, 12, 10)),
        ("central", box(3, 5, 6, 10)),
    ],
    ids=str,
)
def test_halves_and_the_middle(kind, expected):
    assert torch.equal(hidden(kind), expected.expand(ITEMS, -1, -1))


def test_blocks_are_boxes_anywhere():
    found = hidden("block")
    place = Draw(0, 0, Part.whole(ITEMS)).uniform("place", BOXES, 2).tolist()
    for item in range(ITEMS):
        expected = torch.zeros(12, 20, dtype=torch.bool)
        for down, across in place[item]:
            expected |= box(math.floor(down * (12 - 3 + 1)), math.floor(across * (20 - 5 + 1)), 3, 5)
        assert torch.equal(found[item], expected)
    assert found.flatten(1).float().mean(dim=1).max() <= 0.25
    often = torch.cat([hidden("block", step=step) for step in range(30)])
    assert often.any(dim=0).all(), "every place is hidden of some"


@pytest.mark.parametrize("share", [0.1, 0.25, 0.6])
def test_free_forms_are_the_hills_of_smooth_noise_and_hide_their_share_exactly(share):
    found = hidden("free-form", share)
    noise = Draw(0, 0, Part.whole(ITEMS)).normal("noise", 1, COARSE, COARSE)
    heights = F.interpolate(noise, size=(12, 20), mode="bicubic")[:, 0]
    for item in range(ITEMS):
        level = sorted(heights[item].flatten().tolist(), reverse=True)[round(share * 240) - 1]
        assert torch.equal(found[item], heights[item] >= level)
        assert int(found[item].sum()) == round(share * 240)


@pytest.mark.parametrize("kind", get_args(Mask))
def test_every_kind_hides_something_of_the_smallest_pictures(kind):
    for height, width in ((2, 2), (1, 3), (5, 2)):
        assert hidden(kind, 0.1, height, width).flatten(1).any(dim=1).all()


@pytest.mark.parametrize("kind", ["block", "free-form"])
def test_masks_differ_by_item_and_step_and_not_by_the_number_of_processes(kind):
    whole = hidden(kind)
    assert len(torch.unique(whole.flatten(1), dim=0)) > ITEMS / 2
    assert not torch.equal(whole, hidden(kind, step=1))
    halves = [hidden(kind, part=Part(start, start + ITEMS // 2, ITEMS)) for start in (0, ITEMS // 2)]
    assert torch.equal(whole, torch.cat(halves))
