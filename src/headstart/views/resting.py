"""The view without chance: what features are made of once training is over."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.nn import functional as F

from headstart.views.view import as_float


def plain(items: Tensor, shape: Sequence[int] | None = None) -> Tensor:
    """float32 N×C×h×w in 0…1 of uint8 N×C×H×W; resized (bilinear, antialiased) where `shape` (C, h, w) differs."""
    images = as_float(items)
    if shape is None or tuple(images.shape[-2:]) == tuple(shape[-2:]):
        return images
    return F.interpolate(images, size=tuple(shape[-2:]), mode="bilinear", antialias=True).clamp_(0, 1)


def framed(items: Tensor, side: int, decode: int, mode: str) -> Tensor:
    """float32 N×C×side×side in 0…1: as networks are shown pictures that came with a preprocessing of their own.

    Of pictures at least that large the short side is brought to `decode`, then the middle is kept; smaller ones are
    enlarged whole, since nothing of them is to spare. Items are uint8, or floats in 0…1; `mode` is bilinear or bicubic.
    """
    shortest = min(items.shape[-2:])
    square = _middle(items, shortest)
    wanted = decode if shortest >= side else side
    if shortest == wanted:
        return as_float(_middle(square, side))
    resized = F.interpolate(as_float(square), size=(wanted, wanted), mode=mode, antialias=True)
    return _middle(resized, side).clamp(0, 1)


def _middle(items: Tensor, side: int) -> Tensor:
    """The middle of pictures at least that large, as torchvision and timm crop it."""
    top, left = (round((length - side) / 2) for length in items.shape[-2:])
    return items[..., top : top + side, left : left + side]
