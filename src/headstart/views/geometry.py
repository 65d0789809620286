"""Where a view is cut out: crops, flips and small movements, different for every item.

Each step is a 3×3 matrix an item, from places (x, y, 1) in the view to places in the item, in pixels from the centre; a
chain of steps is their product, and the pixels are looked up once (`resample`).
Shapes: n items of C channels, H×W.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.contracts import Draw
from headstart.settings import Range
from headstart.views.checking import check_step

ATTEMPTS = 10
"""Boxes drawn before an item gets the largest that fits, as torchvision does it."""

Share = Annotated[float, Range(least=0, most=1)]


@dataclass(frozen=True, kw_only=True)
class RandomResizedCrop:
    """A box of random area and shape, brought to the size of the view (Szegedy et al. 2014, 1409.4842, section 6)."""

    area: Annotated[tuple[float, ...], Range(above=0, most=1)] = (0.08, 1.0)
    """Smallest and largest, as a share of the item's."""
    ratio: Annotated[tuple[float, ...], Range(above=0)] = (3 / 4, 4 / 3)
    """Smallest and largest width over height; drawn evenly on the log scale."""

    def __post_init__(self) -> None:
        check_step(self)

    def sample(self, draw: Draw, height: int | Tensor, width: int | Tensor) -> Tensor:
        """int64 n×4: top, left, height and width of each item's box, in items of one size, or each of its own (n×1).

        Sizes of their own have to lie on the CPU, and so does the draw: not every device has float64.
        """
        areas = draw.uniform("area", ATTEMPTS, low=self.area[0], high=self.area[1]) * (height * width)
        ratios = draw.uniform("ratio", ATTEMPTS, low=math.log(self.ratio[0]), high=math.log(self.ratio[1])).exp()
        widths, heights = (areas * ratios).sqrt().round(), (areas / ratios).sqrt().round()
        fits = (widths >= 1) & (widths <= width) & (heights >= 1) & (heights <= height)
        first = fits.int().argmax(dim=1, keepdim=True)
        h, w = heights.gather(1, first), widths.gather(1, first)
        fallback = self._largest(height, width)
        none = ~fits.any(dim=1, keepdim=True)
        h, w = torch.where(none, fallback[0], h), torch.where(none, fallback[1], w)
        place = draw.uniform("place", 2)
        top, left = (place[:, :1] * (height - h + 1)).floor(), (place[:, 1:] * (width - w + 1)).floor()
        top = torch.where(none, (height - h) // 2, top)
        left = torch.where(none, (width - w) // 2, left)
        return torch.cat([top, left, h, w], dim=1).long()

    @staticmethod
    def matrix(boxes: Tensor, height: int, width: int) -> Tensor:
        """n×3×3 from places in the view to places in the item, for n×4 boxes as they are drawn."""
        top, left, h, w = boxes.float().unbind(dim=1)
        made = torch.zeros(len(boxes), 3, 3, device=boxes.device)
        made[:, 0, 0], made[:, 0, 2] = w / width, left + (w - width) / 2
        made[:, 1, 1], made[:, 1, 2] = h / height, top + (h - height) / 2
        made[:, 2, 2] = 1
        return made

    def _largest(self, height: int | Tensor, width: int | Tensor) -> tuple[Tensor, Tensor]:
        """The largest central box of a shape that is allowed."""
        high, wide = torch.as_tensor(height).double(), torch.as_tensor(width).double()
        shape = (wide / high).clamp(*self.ratio)
        return torch.minimum(high, (wide / shape).round()), torch.minimum(wide, (high * shape).round())


@dataclass(frozen=True, kw_only=True)
class Flip:
    """Left and right change places."""

    probability: Share = 0.5

    def __post_init__(self) -> None:
        check_step(self)

    def sample(self, draw: Draw) -> Tensor:
        """bool n."""
        return draw.chance("flip", self.probability)

    @staticmethod
    def matrix(drawn: Tensor) -> Tensor:
        """n×3×3, which turns the sign of x where an item is flipped."""
        diagonal = torch.ones(len(drawn), 3, device=drawn.device)
        diagonal[:, 0] = torch.where(drawn, -1.0, 1.0)
        return torch.diag_embed(diagonal)


@dataclass(frozen=True, kw_only=True)
class Affine:
    """A small movement: shift, rotation, zoom and shear, in both directions."""

    shift: Share = 0.0
    """Largest, as a share of the item's side."""
    rotate: Annotated[float, Range(least=0, most=180)] = 0.0
    """Largest angle in degrees."""
    zoom: Annotated[tuple[float, ...], Range(above=0)] = (1.0, 1.0)
    """Smallest and largest; drawn evenly on the log scale."""
    shear: Annotated[float, Range(least=0, below=90)] = 0.0
    """Largest angle in degrees."""

    def __post_init__(self) -> None:
        check_step(self)

    def sample(self, draw: Draw, height: int, width: int) -> Tensor:
        """n×3×3 matrices from places in the view to places in the item."""
        angle = torch.deg2rad(draw.uniform("rotate", low=-self.rotate, high=self.rotate))
        shear = torch.deg2rad(draw.uniform("shear", low=-self.shear, high=self.shear))
        low, high = (math.log(zoom) for zoom in self.zoom)
        zoom = draw.uniform("zoom", low=low, high=high).exp()
        shift = draw.uniform("shift", 2, low=-self.shift, high=self.shift)
        shift = shift * torch.tensor([width, height], dtype=torch.float32, device=shift.device)
        return inverse_affine(angle, shear, zoom, shift)


def inverse_affine(angle: Tensor, shear: Tensor, zoom: Tensor, shift: Tensor) -> Tensor:
    """n×3×3, the inverse of: zoom, shear along x, rotate, shift (n×2: x, y, in pixels); angles in radians."""
    cos, sin = torch.cos(angle), torch.sin(angle)
    skew = torch.tan(shear)
    a, b = cos, -cos * skew - sin
    c, d = sin, -sin * skew + cos
    inverse = torch.stack([d, -b, -c, a], dim=1).view(-1, 2, 2) / zoom[:, None, None]  # the determinant is 1
    made = torch.zeros(len(angle), 3, 3, device=angle.device)
    made[:, :2, :2], made[:, :2, 2], made[:, 2, 2] = inverse, (-inverse @ shift[:, :, None])[:, :, 0], 1
    return made


def resample(images: Tensor, matrices: Tensor, boxes: Tensor | None = None) -> Tensor:
    """n×C×H×W looked up bilinearly in `images`, where the n×3×3 `matrices` say.

    With `boxes` (n×4, for matrices that don't turn or shear) no pixel outside an item's box is looked at, as if it had
    been cut out before. Without, what comes in from outside has the colour of the item's rim.
    """
    if boxes is not None:
        return _look_up(images, _grid(images, matrices, boxes))
    rim = _rim(images)[:, :, None, None]
    return _look_up(images - rim, _grid(images, matrices)).add_(rim)


def _look_up(images: Tensor, grid: Tensor) -> Tensor:
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _grid(images: Tensor, matrices: Tensor, boxes: Tensor | None = None) -> Tensor:
    """n×H×W×2: x and y of every pixel's source, -1…1 from edge to edge of the item."""
    count, _, height, width = images.shape
    x = torch.arange(width, device=images.device) - (width - 1) / 2
    y = torch.arange(height, device=images.device) - (height - 1) / 2
    grid = images.new_empty(count, height, width, 2)
    for axis, length in enumerate((width, height)):
        along_x, along_y, offset = matrices[:, axis].unbind(dim=1)
        columns, rows = along_x[:, None] * x, along_y[:, None] * y
        varying = columns if axis == 0 else rows
        varying += offset[:, None]
        if boxes is not None:
            start, size = boxes[:, 1 - axis, None] - (length - 1) / 2, boxes[:, 3 - axis, None]
            varying.clamp_(start, start + size - 1)
        torch.add(columns[:, None] * (2 / length), rows[:, :, None] * (2 / length), out=grid[..., axis])
    return grid


def _rim(images: Tensor) -> Tensor:
    """n×C: the median of the outermost pixels."""
    sides = (images[..., 0, :], images[..., -1, :], images[..., :, 0], images[..., :, -1])
    rim = torch.cat(sides, dim=2)
    return rim.kthvalue((rim.shape[2] + 1) // 2, dim=2).values  # the lower median, thrice as fast as torch's own
