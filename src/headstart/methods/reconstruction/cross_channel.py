"""What colorization and the split brain share: some channels of Lab, predicted from the last maps of a network.

Shapes: n pictures of H rows and W columns, K maps of h rows and w columns, C channels of Lab.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor, nn
from torch.nn import functional as F

from headstart.contracts import Facts
from headstart.errors import InputError
from headstart.methods.reconstruction.answers import Bins, Values

CELL = 4
"""Pixels a side of a cell that is asked about, or a little more (Zhang et al. 2016: 56×56 cells of 224×224)."""

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
    channels, height, width = maps
    layers: list[nn.Module] = []
    while CELL * height < size[0] or CELL * width < size[1] or not layers:
        larger = CELL * height < size[0] or CELL * width < size[1]
        layers += [nn.Upsample(scale_factor=2)] if larger else []
        layers += [nn.Conv2d(channels, HIDDEN, 3, padding=1), nn.ReLU(inplace=True)]
        channels, height, width = HIDDEN, 2 * height, 2 * width
    return nn.Sequential(*layers, nn.Conv2d(channels, outputs, 1))


def require_colours(facts: Facts, who: str) -> None:
    """Raises `InputError` naming `who` needs them, where the pictures are grey or have other channels than RGB."""
    if facts.grey:
        raise InputError(f"{who} learns from colours, and these pictures are grey: choose another method.")
    if facts.shape[0] != 3:
        raise InputError(
            f"{who} learns from red, green and blue, and these pictures have {facts.shape[0]} channels: "
            "choose another method."
        )
