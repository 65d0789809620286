"""Which pixels of a picture are hidden: a box in the middle, boxes anywhere, a region of any shape, or a half.

Pathak et al. 2016, arXiv 1604.07379, section 3.3. Shapes: n images of C channels, H rows and W columns.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.backbones import Encoder
from headstart.contracts import Draw

Mask = Literal["block", "central", "free-form", "top", "bottom", "left", "right"]

BOXES = 4
"""Of `block`: "a number of smaller possibly overlapping" ones."""

COARSE = 4
"""Rows and columns of the noise whose hills are the regions of `free-form`."""


def hidden_pixels(kind: Mask, share: float, height: int, width: int, draw: Draw) -> Tensor:
    """bool n×H×W, true for what is hidden, which is a pixel at least.

    Args:
        kind: central: a box in the middle. block: boxes anywhere, which may overlap. free-form: an area of any shape.
            top, bottom, left, right: this half of the picture.
        share: Of the picture: what central and free-form hide, and block at most, as near as whole pixels come.
    """
    match kind:
        case "central":
            return _central(share, height, width, draw)
        case "block":
            return _blocks(share, height, width, draw)
        case "free-form":
            return _free_form(share, height, width, draw)
        case _:
            return _half(kind, height, width, draw)


def mean_colour(encoder: Encoder, images: Tensor) -> Tensor:
    """C×1×1 that hidden pixels are filled with: what the encoder takes for usual, and sees as 0.

    Of grey pictures before an encoder of colours it is the mean over these.
    """
    mean = encoder.mean
    return mean if len(mean) == images.shape[1] else mean.mean(dim=0, keepdim=True)


def _central(share: float, height: int, width: int, draw: Draw) -> Tensor:
    box = _box_sides(share, height, width)
    hidden = torch.zeros(height, width, dtype=torch.bool, device=draw.device)
    top, left = ((length - side) // 2 for length, side in zip((height, width), box, strict=True))
    hidden[top : top + box[0], left : left + box[1]] = True
    return hidden.expand(len(draw.part), -1, -1)


def _blocks(share: float, height: int, width: int, draw: Draw) -> Tensor:
    """Boxes of one shape, so that together they hide no more than the share."""
    box = _box_sides(share / BOXES, height, width)
    place = draw.uniform("place", BOXES, 2)
    inside = []
    for axis, length in enumerate((height, width)):
        start = (place[:, :, axis] * (length - box[axis] + 1)).floor()[:, :, None]
        along = torch.arange(length, device=draw.device)
        inside.append((along >= start) & (along < start + box[axis]))  # n×boxes×length
    rows, columns = inside
    return (rows[:, :, :, None] & columns[:, :, None, :]).any(dim=1)


def _free_form(share: float, height: int, width: int, draw: Draw) -> Tensor:
    """The highest places of smooth noise: regions of any shape, which have nothing to do with the picture's."""
    noise = F.interpolate(draw.normal("noise", 1, COARSE, COARSE), size=(height, width), mode="bicubic")
    heights = noise.flatten(1)
    count = min(max(round(share * height * width), 1), height * width - 1)
    highest = heights.topk(count, dim=1).indices
    return torch.zeros_like(heights, dtype=torch.bool).scatter(1, highest, True).view(-1, height, width)


def _half(kind: Mask, height: int, width: int, draw: Draw) -> Tensor:
    length = height if kind in ("top", "bottom") else width
    along = torch.arange(length, device=draw.device)
    half = along < (length + 1) // 2 if kind in ("top", "left") else along >= length // 2
    return (half[:, None] if kind in ("top", "bottom") else half).expand(len(draw.part), height, width)


def _box_sides(share: float, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of a box of the picture's proportions that has this share of it."""
    rows, columns = (min(max(round(length * share**0.5), 1), length) for length in (height, width))
    return rows, columns
