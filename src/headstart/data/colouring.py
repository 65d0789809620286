"""Pictures with another number of channels: grey repeated, or colours weighed by their luminance.

Shapes: N items of C channels.
"""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK = 256
LUMINANCE = (0.299, 0.587, 0.114)
"""Of red, green and blue (ITU-R BT.601), as Pillow makes grey of colour."""


def with_channels(items: Tensor, channels: int) -> Tensor:
    """uint8 N×`channels`×H×W of N×C×H×W: itself, one channel repeated (a view), or three made grey.

    Raises `ValueError` for other numbers of channels.
    """
    found = items.shape[1]
    if found in (1, channels):
        return items.expand(-1, channels, -1, -1)
    if (found, channels) != (3, 1):
        raise ValueError(f"{found} channels can't become {channels}")
    weights = torch.tensor(LUMINANCE).view(1, 3, 1, 1)
    parts = ((part.float() * weights).sum(dim=1, keepdim=True) for part in torch.split(items, CHUNK))
    return torch.cat([part.round_().byte() for part in parts])
