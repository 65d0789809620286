"""The raw picture as its own representation: what every trained one has to beat."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F


class Pixels(nn.Module):
    """n×C×H×W → n×D pixels, of pictures averaged down to `side` rows and columns where they are larger."""

    def __init__(self, side: int = 32) -> None:
        super().__init__()
        self.side = side

    def forward(self, images: Tensor) -> Tensor:
        """The pixels in one row an image."""
        height, width = (min(self.side, length) for length in images.shape[-2:])
        if (height, width) != tuple(images.shape[-2:]):
            images = F.adaptive_avg_pool2d(images, (height, width))
        return images.flatten(1)
