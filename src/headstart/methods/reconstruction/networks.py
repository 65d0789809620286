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

MOST_CHANNELS = 256
SMALL = 8
"""Rows or columns that are few enough for every number of a map to be looked at by itself."""


def channels_for(shape: Sequence[int]) -> tuple[int, ...]:
    """`CHANNELS`, and further ones for large pictures, until what is left of the shorter side is `SMALL`."""
    channels, side = list(CHANNELS), min(shape[1:])
    while side > SMALL * 2 ** len(channels):
        channels.append(min(2 * channels[-1], MOST_CHANNELS))
    return tuple(channels)


class Narrowing(nn.Sequential):
    """n×C×H×W → n×K: blocks, each ending in a ReLU, and `middle`, the latent numbers, with none after it."""

    middle: nn.Linear

    def body(self, images: Tensor) -> Tensor:
        """n×D: what the latent numbers are made of."""
        for block in list(self)[:-1]:
            images = block(images)
        return images


class DenseEncoder(Narrowing):
    """Hidden layers alone."""

    def __init__(self, numbers: int, hidden: int = 128, depth: int = 2, latent: int = 10) -> None:
        super().__init__()
        self.numbers, self.hidden, self.depth, self.latent = numbers, hidden, depth, latent
        self.add_module("flatten", nn.Flatten())
        for number, (before, after) in enumerate(pairwise([numbers, *[hidden] * depth]), 1):
            self.add_module(f"block{number}", nn.Sequential(*_dense([before, after])))
        self.add_module("middle", nn.Linear(hidden if depth else numbers, latent))


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


class ConvEncoder(Narrowing):
    """Convolutions that halve the picture, and a hidden layer."""

    def __init__(
        self, shape: Sequence[int], hidden: int = 128, latent: int = 10, channels: Sequence[int] = CHANNELS
    ) -> None:
        super().__init__()
        self.shape, self.hidden, self.latent, self.channels = list(shape), hidden, latent, list(channels)
        for number, (before, width) in enumerate(pairwise([int(shape[0]), *channels]), 1):
            block = nn.Sequential(nn.Conv2d(before, width, 3, stride=2, padding=1), nn.ReLU(inplace=True))
            self.add_module(f"block{number}", block)
        flat = channels[-1] * prod(_sides(shape, len(channels))[-1])
        self.add_module(f"block{len(channels) + 1}", nn.Sequential(nn.Flatten(), *_dense([flat, hidden])))
        self.add_module("middle", nn.Linear(hidden, latent))


class ConvDecoder(nn.Module):
    """n×K → n×C×H×W logits: enlarged by repeating pixels, each time followed by a convolution (no checkerboards)."""

    def __init__(
        self, latent: int, shape: Sequence[int], hidden: int = 128, channels: Sequence[int] = CHANNELS
    ) -> None:
        super().__init__()
        smallest, *self.sides = reversed(_sides(shape, len(channels)))
        self.small = (channels[-1], *smallest)
        self.body = nn.Sequential(nn.Linear(latent, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, prod(self.small)))
        widths = [*reversed(channels), int(shape[0])]
        self.convolutions = nn.ModuleList(nn.Conv2d(before, after, 3, padding=1) for before, after in pairwise(widths))

    def forward(self, latent: Tensor) -> Tensor:
        """Logits of the pixels."""
        maps: Tensor = self.body(latent).view(-1, *self.small)
        for convolution, side in zip(self.convolutions, self.sides, strict=True):
            maps = convolution(F.interpolate(maps.relu(), size=side, mode="nearest"))
        return maps


def _sides(shape: Sequence[int], times: int) -> list[tuple[int, int]]:
    """(rows, columns) of a picture, and of what is left of it after each of so many halvings."""
    sides = [(int(shape[1]), int(shape[2]))]
    for _ in range(times):
        height, width = sides[-1]
        sides.append((-(-height // 2), -(-width // 2)))
    return sides


def _dense(widths: Sequence[int]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for before, after in pairwise(widths):
        layers += [nn.Linear(before, after), nn.ReLU(inplace=True)]
    return layers
