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
