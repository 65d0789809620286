"""Patches of pictures: cut out by the batch, and with what would give the answer away taken off them.

Shapes: n items of C channels, k patches an item, S pixels a side of a patch.
"""

from __future__ import annotations

import torch
from torch import Tensor

from headstart.contracts import Draw

SMALLEST = 6
"""Pixels a side below which a patch shows too little to be recognised."""

FLAT = 1 / 255
"""Deviation, in 0…1, up to which a patch is called flat: the noise in it is not blown up to a picture."""

GREEN_MAGENTA = (-1.0, 2.0, -1.0)
"""The axis of colours along which a lens drags pictures apart (Doersch et al. 2015, section 3.1)."""


def cut(images: Tensor, top: Tensor, left: Tensor, size: int) -> Tensor:
    """n×k×C×S×S patches of n×C×H×W images, whose upper left corners are int64 n×k×C, or n×k×1 for all channels."""
    along = torch.arange(size, device=images.device)
    items = torch.arange(len(images), device=images.device)[:, None, None, None, None]
    channels = torch.arange(images.shape[1], device=images.device)[:, None, None]
    rows, columns = top[..., None, None] + along[:, None], left[..., None, None] + along
    return images[items, channels, rows, columns]


def standardised(patches: Tensor) -> Tensor:
    """Every channel of every patch (…×C×S×S) with mean 0 and deviation 1; what is flat stays flat."""
    deviation, mean = torch.std_mean(patches, dim=(-2, -1), keepdim=True, correction=0)
    return (patches - mean) / deviation.clamp_min(FLAT)


def one_channel(patches: Tensor, draw: Draw) -> Tensor:
    """n×k×3×S×S patches of which only one channel is left, drawn for each and shown as grey; others are left alone.

    The paper puts noise into the channels it drops (section 3.1). In grey nothing more is seen, and it is how encoders
    are shown grey pictures later.
    """
    if patches.shape[2] != 3:
        return patches
    kept = draw.integers("channel", 3, patches.shape[1])
    return patches.take_along_dim(kept[:, :, None, None, None], dim=2).expand_as(patches)


def without_green_magenta(patches: Tensor) -> Tensor:
    """n×k×3×S×S patches without their part along `GREEN_MAGENTA` (section 3.1); others are left alone."""
    if patches.shape[2] != 3:
        return patches
    axis = patches.new_tensor(GREEN_MAGENTA)
    projection = torch.eye(3, device=patches.device) - torch.outer(axis, axis) / axis.square().sum()
    return torch.einsum("cd,nkdhw->nkchw", projection, patches).clamp(0, 1)
