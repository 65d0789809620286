"""Pictures as they are, but for a mirror."""

from __future__ import annotations

import torch
from torch import Tensor

from headstart.contracts import Draw


def mirrored(images: Tensor, draw: Draw, views: str) -> Tensor:
    """n×C×H×W images, each other one with left and right exchanged, where its draw says so.

    Not with the views `glyphs`: a mirrored glyph is another one.
    """
    if views == "glyphs":
        return images
    return torch.where(draw.chance("flip", 0.5)[:, None, None, None], images.flip(3), images)
