"""What colours a view has: steps that are linear in the colour of a pixel, and so become one matrix an item.

Shapes: n items of C channels. Grey items know brightness and contrast only; items with
neither 1 nor 3 channels are left alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor

from headstart.contracts import Draw
from headstart.data import LUMINANCE
from headstart.settings import Range
from headstart.views.checking import check_step

TO_YIQ = torch.tensor(
    [[0.299, 0.587, 0.114], [0.5959, -0.2746, -0.3213], [0.2115, -0.5227, 0.3112]], dtype=torch.float64, device="cpu"
)
"""NTSC's colour space, in which a change of hue is a rotation."""

FROM_YIQ: Tensor = torch.linalg.inv(TO_YIQ)
"""Taken on the CPU: not every device has float64."""

Strength = Annotated[float, Range(least=0)]


@dataclass(frozen=True)
class Recolouring:
    """colour → matrix · colour + pull · (the item's mean grey), for every item.

    Contrast pulls towards the mean grey, which no later step moves: saturation, hue and greyscale leave greys alone.
    """

    matrix: Tensor
    """n×C×C."""
    pull: Tensor
    """n."""

    @classmethod
    def none(cls, count: int, channels: int, device: torch.device) -> Recolouring:
        """Leaves every colour as it is."""
        return cls(torch.eye(channels, device=device).repeat(count, 1, 1), torch.zeros(count, device=device))

    def __getitem__(self, part: slice) -> Recolouring:
        """That of some of the items."""
        return Recolouring(self.matrix[part], self.pull[part])

    def apply(self, images: Tensor) -> Tensor:
        """n×C×H×W in 0…1, recoloured and clamped."""
        grey = images.mean(dim=(2, 3)) @ _grey(images.shape[1], images.device)
        pulled = (self.pull * grey)[:, None, None]
        return torch.bmm(self.matrix, images.flatten(2)).add_(pulled).clamp_(0, 1).view_as(images)


@dataclass(frozen=True, kw_only=True)
class ColourJitter:
    """Brightness, contrast, saturation and hue, in this order.

    torchvision shuffles the order and clamps after each; here the four are one matrix, clamped once.
    """

    brightness: Strength = 0.0
    """Factors are drawn from 1 ± this, and at least 0; likewise contrast and saturation."""
    contrast: Strength = 0.0
    saturation: Strength = 0.0
    hue: Annotated[float, Range(least=0, most=0.5)] = 0.0
    """Largest turn, as a share of the whole circle."""
    probability: Annotated[float, Range(least=0, most=1)] = 1.0

    def __post_init__(self) -> None:
        check_step(self)

    def sample(self, draw: Draw) -> Tensor:
        """n×4: three factors and a turn; 1, 1, 1, 0 where an item is left alone."""
        strengths = (self.brightness, self.contrast, self.saturation)
        names = ("brightness", "contrast", "saturation")
        factors = [draw.uniform(n, low=max(0.0, 1 - s), high=1 + s) for n, s in zip(names, strengths, strict=True)]
        drawn = torch.stack([*factors, draw.uniform("hue", low=-self.hue, high=self.hue)], dim=1)
        alone = torch.tensor([1.0, 1.0, 1.0, 0.0], device=drawn.device)
        return torch.where(draw.chance("jitter", self.probability)[:, None], drawn, alone)

    @staticmethod
    def recolouring(drawn: Tensor, channels: int) -> Recolouring:
        """What the n×4 drawn numbers do to colours."""
        brightness, contrast, saturation, hue = drawn.unbind(dim=1)
        unit = torch.eye(channels, device=drawn.device)
        matrix, pull = (brightness * contrast)[:, None, None] * unit, brightness * (1 - contrast)
        if channels == 1:
            return Recolouring(matrix, pull)
        share = saturation[:, None, None]
        return Recolouring(_turn(hue) @ (share * unit + (1 - share) * _greying(drawn.device)) @ matrix, pull)


@dataclass(frozen=True, kw_only=True)
class Greyscale:
    """All colour taken away; the number of channels stays."""

    probability: Annotated[float, Range(least=0, most=1)] = 0.2

    def __post_init__(self) -> None:
        check_step(self)

    def sample(self, draw: Draw) -> Tensor:
        """bool n."""
        return draw.chance("grey", self.probability)

    @staticmethod
    def after(before: Recolouring, drawn: Tensor) -> Recolouring:
        """Grey where drawn, after what was done `before` to colours."""
        greyed = _greying(drawn.device) @ before.matrix
        return Recolouring(torch.where(drawn[:, None, None], greyed, before.matrix), before.pull)


def _grey(channels: int, device: torch.device) -> Tensor:
    """C weights of the channels in grey."""
    return torch.tensor(LUMINANCE if channels == 3 else (1.0,), device=device)


def _greying(device: torch.device) -> Tensor:
    """3×3: every channel becomes the grey of the colour."""
    return _grey(3, device).expand(3, 3)


def _turn(hue: Tensor) -> Tensor:
    """n×3×3: colours turned by n shares of the circle around the grey axis, grey and brightness kept."""
    angle = 2 * math.pi * hue
    cos, sin, one, zero = torch.cos(angle), torch.sin(angle), torch.ones_like(angle), torch.zeros_like(angle)
    rotation = torch.stack([one, zero, zero, zero, cos, sin, zero, -sin, cos], dim=1).view(-1, 3, 3)
    return FROM_YIQ.float().to(hue.device) @ rotation @ TO_YIQ.float().to(hue.device)
