"""What denoising autoencoders are shown: pictures with noise, holes, or grains of salt and pepper.

Shapes: n images of C channels, H rows and W columns, in 0…1.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from headstart.contracts import Draw

Corruption = Literal["gaussian", "masking", "salt_pepper"]


def corrupted(images: Tensor, kind: Corruption, amount: float, draw: Draw) -> Tensor:
    """The images disturbed: Gaussian noise of deviation `amount`, or that share of places blackened, or set to an end.

    Places are pixels in all their channels (Vincent et al. 2010, section 3.3). Numbers are drawn for the whole batch.
    """
    _, _, height, width = images.shape
    if kind == "gaussian":
        return (images + amount * draw.normal("noise", *images.shape[1:])).clamp(0, 1)
    hit = draw.uniform("where", 1, height, width) < amount
    if kind == "masking":
        return images.masked_fill(hit, 0.0)
    ends = (draw.uniform("which", 1, height, width) < 0.5).to(images.dtype)
    return torch.where(hit, ends, images)
