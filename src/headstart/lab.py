"""CIE Lab: colours as lightness L in 0…100 and two differences a (green to red) and b (blue to yellow).

sRGB by IEC 61966-2-1, seen in daylight (D65, 2° observer). Shapes: n images of H rows and W columns. Sums are taken
channel by channel, not as matrix products, which mixed precision would round.
"""

from __future__ import annotations

import torch
from torch import Tensor

RGB_TO_XYZ = (
    (0.412453, 0.357580, 0.180423),
    (0.212671, 0.715160, 0.072169),
    (0.019334, 0.119193, 0.950227),
)
WHITE = (0.95047, 1.0, 1.08883)
LINEAR_BELOW = 0.008856
"""Of the white's X, Y or Z, below which lightness is linear in it."""


def rgb_to_lab(images: Tensor) -> Tensor:
    """n×3×H×W: L, a and b of sRGB images in 0…1."""
    xyz = _mixed(_linear(images), RGB_TO_XYZ)
    x, y, z = (_compressed(part / white) for part, white in zip(xyz.unbind(1), WHITE, strict=True))
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """n×3×H×W: sRGB images in 0…1; colours that no screen can show are cut off at its bounds."""
    lightness, a, b = lab.unbind(1)
    y = (lightness + 16) / 116
    roots = (y + a / 500, y, (y - b / 200).clamp_min(0))
    each = (_stretched(root) * white for root, white in zip(roots, WHITE, strict=True))
    back = torch.linalg.inv(torch.tensor(RGB_TO_XYZ, dtype=torch.float64)).tolist()
    return _companded(_mixed(torch.stack(tuple(each), dim=1), back)).clamp(0, 1)


def as_grey(images: Tensor) -> Tensor:
    """n×3×H×W in 0…1, three equal channels: the grey of the same lightness, in eight bits as a grey photograph has.

    The rounding matters: colours of one lightness differ in its last digits, which would give them away.
    """
    return _eight_bits(_companded(_mixed(_linear(images), RGB_TO_XYZ[1:2]))).expand_as(images)


def as_lab_bytes(images: Tensor) -> Tensor:
    """n×3×H×W in 0…1: L, a and b in eight bits each, with a and b of grey at 128.

    The rounding matters here too: without it a and b of greys are small multiples of their lightness.
    """
    lightness, a, b = rgb_to_lab(images).unbind(1)
    return _eight_bits(torch.stack([lightness / 100, (a + 128) / 255, (b + 128) / 255], dim=1))


def _linear(images: Tensor) -> Tensor:
    """Light that is proportional to photons, of sRGB values."""
    return torch.where(images > 0.04045, ((images + 0.055) / 1.055).clamp_min(0) ** 2.4, images / 12.92)


def _companded(light: Tensor) -> Tensor:
    """The inverse of `_linear`."""
    return torch.where(light > 0.0031308, 1.055 * light.clamp_min(1e-8) ** (1 / 2.4) - 0.055, 12.92 * light)


def _compressed(share: Tensor) -> Tensor:
    """The cube root, linear near black."""
    return torch.where(share > LINEAR_BELOW, share.clamp_min(1e-8) ** (1 / 3), 7.787 * share + 16 / 116)


def _stretched(root: Tensor) -> Tensor:
    """The inverse of `_compressed`."""
    return torch.where(root > LINEAR_BELOW ** (1 / 3), root**3, (root - 16 / 116) / 7.787)


def _mixed(images: Tensor, rows: tuple[tuple[float, ...], ...] | list[list[float]]) -> Tensor:
    """n×R×H×W: a weighted sum of the channels a row."""
    channels = images.unbind(1)
    mixed = [sum((w * channel for w, channel in zip(row, channels, strict=True)), start=0.0) for row in rows]
    return torch.stack(mixed, dim=1)  # type: ignore[arg-type]


def _eight_bits(values: Tensor) -> Tensor:
    return (255 * values).round().clamp(0, 255) / 255
