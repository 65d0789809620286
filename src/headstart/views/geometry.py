"""Where a view is cut out: crops, flips and small movements, different for every item.

Shapes: n items of C channels, H×W before and h×w after. Coordinates are in pixels, rows before columns.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Annotated

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.contracts import Draw
from headstart.settings import Range, check

ATTEMPTS = 10
"""Boxes drawn before an item gets the largest that fits, as torchvision does it."""

Share = Annotated[float, Range(least=0, most=1)]


@dataclass(frozen=True, kw_only=True)
class RandomResizedCrop:
    """A box of random area and shape, brought to the size of the view (Szegedy et al. 2014, 1409.4842, section 6)."""

    area: tuple[Annotated[float, Range(above=0, most=1)], ...] = (0.08, 1.0)
    """Smallest and largest, as a share of the item's."""
    ratio: tuple[Annotated[float, Range(above=0)], ...] = (3 / 4, 4 / 3)
    """Smallest and largest width over height; drawn evenly on the log scale."""

    def __post_init__(self) -> None:
        check(RandomResizedCrop, asdict(self))

    def sample(self, draw: Draw, height: int, width: int) -> Tensor:
        """int64 n×4: top, left, height and width of each item's box."""
        areas = draw.uniform("area", ATTEMPTS, low=self.area[0], high=self.area[1]) * (height * width)
        ratios = draw.uniform("ratio", ATTEMPTS, low=math.log(self.ratio[0]), high=math.log(self.ratio[1])).exp()
        widths, heights = (areas * ratios).sqrt().round(), (areas / ratios).sqrt().round()
        fits = (widths >= 1) & (widths <= width) & (heights >= 1) & (heights <= height)
        first = fits.int().argmax(dim=1, keepdim=True)
        h, w = heights.gather(1, first), widths.gather(1, first)
        fallback = self._largest(height, width)
        none = ~fits.any(dim=1, keepdim=True)
        h, w = h.masked_fill(none, fallback[0]), w.masked_fill(none, fallback[1])
        place = draw.uniform("place", 2)
        top, left = (place[:, :1] * (height - h + 1)).floor(), (place[:, 1:] * (width - w + 1)).floor()
        top = torch.where(none, (height - h) // 2, top)
        left = torch.where(none, (width - w) // 2, left)
        return torch.cat([top, left, h, w], dim=1).long()

    def _largest(self, height: int, width: int) -> tuple[int, int]:
        """The largest central box of a shape that is allowed."""
        shape = min(max(width / height, self.ratio[0]), self.ratio[1])
        return min(height, round(width / shape)), min(width, round(height * shape))


@dataclass(frozen=True, kw_only=True)
class Flip:
    """Left and right change places."""

    probability: Share = 0.5

    def __post_init__(self) -> None:
        check(Flip, asdict(self))

    def sample(self, draw: Draw) -> Tensor:
        """bool n."""
        return draw.chance("flip", self.probability)


@dataclass(frozen=True, kw_only=True)
class Affine:
    """A small movement: shift, rotation, zoom and shear, in both directions."""

    shift: Share = 0.0
    """Largest, as a share of the item's side."""
    rotate: Annotated[float, Range(least=0, most=180)] = 0.0
    """Largest angle in degrees."""
    zoom: tuple[Annotated[float, Range(above=0)], ...] = (1.0, 1.0)
    """Smallest and largest; drawn evenly on the log scale."""
    shear: Annotated[float, Range(least=0, below=90)] = 0.0
    """Largest angle in degrees."""

    def __post_init__(self) -> None:
        check(Affine, asdict(self))

    def sample(self, draw: Draw, height: int, width: int) -> Tensor:
        """n×2×3 matrices from places in the view to places in the item, both counted from the centre."""
        angle = torch.deg2rad(draw.uniform("rotate", low=-self.rotate, high=self.rotate))
        shear = torch.deg2rad(draw.uniform("shear", low=-self.shear, high=self.shear))
        low, high = (math.log(zoom) for zoom in self.zoom)
        zoom = draw.uniform("zoom", low=low, high=high).exp()
        shift = draw.uniform("shift", 2, low=-self.shift, high=self.shift)
        shift = shift * torch.tensor([width, height], dtype=torch.float32, device=shift.device)
        return inverse_affine(angle, shear, zoom, shift)


def inverse_affine(angle: Tensor, shear: Tensor, zoom: Tensor, shift: Tensor) -> Tensor:
    """n×2×3, the inverse of: zoom, shear along x, rotate, shift (n×2: x, y, in pixels); angles in radians."""
    cos, sin = torch.cos(angle), torch.sin(angle)
    skew = torch.tan(shear)
    a, b = cos, -cos * skew - sin
    c, d = sin, -sin * skew + cos
    inverse = torch.stack([d, -b, -c, a], dim=1).view(-1, 2, 2) / zoom[:, None, None]  # the determinant is 1
    return torch.cat([inverse, -inverse @ shift[:, :, None]], dim=2)


def warp(images: Tensor, matrices: Tensor) -> Tensor:
    """n×C×H×W images, each moved by its n×2×3 matrix; what comes in from outside has the colour of the item's rim."""
    height, width = images.shape[-2:]
    rim = _rim(images)[:, :, None, None]
    size = torch.tensor([width, height], dtype=torch.float32, device=images.device) / 2
    scaled = matrices * torch.cat([size, size.new_ones(1)]) / size[:, None]
    grid = F.affine_grid(scaled, list(images.shape), align_corners=False)
    moved = F.grid_sample(images - rim, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    return moved + rim


def _rim(images: Tensor) -> Tensor:
    """n×C: the median of the outermost pixels."""
    sides = (images[..., 0, :], images[..., -1, :], images[..., :, 0], images[..., :, -1])
    return torch.cat(sides, dim=2).median(dim=2).values


def resampling(start: Tensor, length: Tensor, before: int, after: int) -> Tensor:
    """n×after×before weights that bring the pixels start…start+length of a line to `after` pixels, bilinearly.

    Where the line gets shorter, each pixel is the weighted mean of all it covers (antialiasing); pixels outside the box
    are never looked at.
    """
    device = start.device
    scale = (length / after)[:, None, None]
    centre = start[:, None, None] + (torch.arange(after, device=device)[:, None] + 0.5) * scale - 0.5
    place = torch.arange(before, device=device)
    weights = (1 - (place - centre).abs() / scale.clamp_min(1)).clamp_min(0)
    inside = (place >= start[:, None, None]) & (place < (start + length)[:, None, None])
    weights = weights * inside
    return weights / weights.sum(dim=2, keepdim=True)
