"""Encoders and decoders that mirror each other, for pictures to be squeezed through a narrow middle.

Shapes: n images of C channels, H rows and W columns; K latent numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import prod

from torch import Tensor, nn
from torch.nn import functional as F

CHANNELS = (32, 64)
"""Of the convolutions, each of which halves rows and columns."""


class DenseEncoder(nn.Module):
    """n×C×H×W → n×K: hidden layers with ReLU, and none after the latent numbers."""

    def __init__(self, numbers: int, hidden: int = 128, depth: int = 2, latent: int = 10) -> None:
        super().__init__()
        self.numbers, self.hidden, self.depth, self.latent = numbers, hidden, depth, latent
        self.body = nn.Sequential(nn.Flatten(), *_dense([numbers, *[hidden] * depth]))
        self.middle = nn.Linear(hidden if depth else numbers, latent)

    def forward(self, images: Tensor) -> Tensor:
        """The latent numbers."""
        latent: Tensor = self.middle(self.body(images))
        return latent


class DenseDecoder(nn.Module):
    """n×K → n×C×H×W logits, through the encoder's layers the other way round."""

    def __init__(self, latent: int, shape: Sequence[int], hidden: int = 128, depth: int = 2) -> None:
        super().__init__()
        self.shape = tuple(shape)
        layers = _dense([latent, *[hidden] * depth])
        self.body = nn.Sequential(*layers, nn.Linear(hidden if depth else latent, prod(shape)))

    def forward(self, latent: Tensor) -> Tensor:
        """Logits of the pixels."""
        logits: Tensor = self.body(latent)
        return logits.view(-1, *self.shape)


class ConvEncoder(nn.Module):
    """n×C×H×W → n×K: two convolutions that halve the picture, a hidden layer, and the latent numbers."""

    def __init__(self, shape: Sequence[int], hidden: int = 128, latent: int = 10) -> None:
        super().__init__()
        self.shape, self.hidden, self.latent = list(shape), hidden, latent
        before, layers = int(shape[0]), []
        for width in CHANNELS:
            layers += [nn.Conv2d(before, width, 3, stride=2, padding=1), nn.ReLU(inplace=True)]
            before = width
        _, height, width = _halved(shape)
        flat = before * height * width
        self.body = nn.Sequential(*layers, nn.Flatten(), nn.Linear(flat, hidden), nn.ReLU(inplace=True))
        self.middle = nn.Linear(hidden, latent)

    def forward(self, images: Tensor) -> Tensor:
        """The latent numbers."""
        latent: Tensor = self.middle(self.body(images))
        return latent


class ConvDecoder(nn.Module):
    """n×K → n×C×H×W logits: enlarged by repeating pixels, each time followed by a convolution (no checkerboards)."""

    def __init__(self, latent: int, shape: Sequence[int], hidden: int = 128) -> None:
        super().__init__()
        self.shape, self.small = tuple(shape), _halved(shape)
        self.body = nn.Sequential(
            nn.Linear(latent, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, prod(self.small)), nn.ReLU(inplace=True)
        )
        first, second = CHANNELS
        self.first = nn.Conv2d(second, first, 3, padding=1)
        self.last = nn.Conv2d(first, int(shape[0]), 3, padding=1)

    def forward(self, latent: Tensor) -> Tensor:
        """Logits of the pixels."""
        maps = self.body(latent).view(-1, *self.small)
        halves = [-(-length // 2) for length in self.shape[1:]]
        maps = self.first(F.interpolate(maps, size=halves, mode="nearest")).relu()
        logits: Tensor = self.last(F.interpolate(maps, size=self.shape[1:], mode="nearest"))
        return logits


def _halved(shape: Sequence[int]) -> tuple[int, int, int]:
    """(channels, rows, columns) of what is left of a picture after the convolutions."""
    height, width = (int(length) for length in shape[1:])
    for _ in CHANNELS:
        height, width = -(-height // 2), -(-width // 2)
    return CHANNELS[-1], height, width


def _dense(widths: Sequence[int]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU(inplace=True)]
    return layers
