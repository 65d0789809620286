"""Some channels of Lab, predicted from the last maps of a network.

Shapes: n pictures of H rows and W columns, K maps of h rows and w columns, C channels of Lab.
"""

from __future__ import annotations

import math
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from headstart.contracts import Facts
from headstart.methods.reconstruction.answers import Bins, Values

CELL = 4
"""Pixels a side at most of a cell that is asked about (Zhang et al. 2016: 56×56 cells of 224×224)."""

HIDDEN = 128

Channels = Literal["lightness", "colour"]
PLACES = {"lightness": slice(0, 1), "colour": slice(1, 3)}


class Prediction(nn.Module):
    """Says the lightness, or a and b, of every cell of a picture; the mean over a cell is the truth."""

    def __init__(self, channels: Channels, answer: Bins | Values, maps: tuple[int, int, int], facts: Facts) -> None:
        """Of pictures as in `facts`, from `maps` (K, h, w) of a network."""
        super().__init__()
        self.channels, self.answer = PLACES[channels], answer
        self.size = facts.shape[1:]
        self.decoder = decoder(maps, self.size, answer.width)

    def loss(self, maps: Tensor, lab: Tensor) -> Tensor:
        """How wrong the answer from n×K×h×w maps is for pictures in Lab."""
        said = self.decoder(maps)
        found: Tensor = self.answer.loss(said, F.adaptive_avg_pool2d(lab[:, self.channels], said.shape[2:]))
        return found

    def forward(self, maps: Tensor) -> Tensor:
        """n×C×H×W: the channels that are predicted, smoothly between the cells."""
        said = self.answer.decode(self.decoder(maps))
        return F.interpolate(said, size=self.size, mode="bilinear")


def decoder(maps: tuple[int, int, int], size: tuple[int, ...], outputs: int) -> nn.Sequential:
    """n×K×h×w maps → n×Q×r×c: cells are doubled, each time with a convolution, until they are small enough."""
    channels, *cells = maps
    longest = max(pixels / (CELL * count) for pixels, count in zip(size, cells, strict=True))
    layers: list[nn.Module] = []
    for _ in range(max(0, math.ceil(math.log2(longest)))):
        layers += [nn.Upsample(scale_factor=2), nn.Conv2d(channels, HIDDEN, 3, padding=1), nn.ReLU(inplace=True)]
        channels = HIDDEN
    return nn.Sequential(*layers, nn.Conv2d(channels, outputs, 1))
