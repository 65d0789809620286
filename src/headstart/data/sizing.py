"""The one size all pictures of a set are brought to.

The rule: pictures that are alike and at most 96 pixels on either side stay as they are. Others become squares: the
short side is brought to the working size, antialiased, and the centre is kept. The working size is `--size`, else the
median short side, at most 96, rounded down to a multiple of 8, and at least 16.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Literal

from torch import Tensor
from torch.nn import functional as F

Resampling = Literal["bilinear", "bicubic"]
"""How pictures in files are brought to a size, antialiased; encoders from elsewhere were trained with one of them."""

LARGEST = 96
SMALLEST = 16
MULTIPLE = 8


@dataclass(frozen=True)
class Preferred:
    """The size from which an encoder's own preprocessing starts."""

    decode: int
    """Pixels of the short side, of which the middle is shown."""
    shown: int
    """Pixels a side that the encoder sees: smaller pictures keep their size, and are enlarged when they are shown."""
    resampling: Resampling

    def side(self, native: int) -> int:
        """Pixels a side for pictures whose short side has `native`."""
        return self.decode if native >= self.shown else native


def working_size(sizes: Sequence[tuple[int, int]], wanted: int | None) -> tuple[int, int]:
    """(height, width) for pictures of these (height, width), by the rule of this module."""
    if wanted is not None:
        return wanted, wanted
    if len(set(sizes)) == 1 and max(sizes[0]) <= LARGEST:
        return sizes[0]
    side = min(median_low(min(size) for size in sizes), LARGEST) // MULTIPLE * MULTIPLE
    return max(side, SMALLEST), max(side, SMALLEST)


def centre_square(height: int, width: int) -> tuple[int, int, int]:
    """Top, left and side of the largest square in the middle."""
    side = min(height, width)
    return (height - side) // 2, (width - side) // 2, side


def fitted(items: Tensor, size: tuple[int, int], resampling: Resampling = "bilinear") -> Tensor:
    """uint8 n×C×H×W brought to (height, width); the same tensor where it has that size already."""
    if tuple(items.shape[-2:]) == size:
        return items
    top, left, side = centre_square(*items.shape[-2:])
    square = items[..., top : top + side, left : left + side]
    return F.interpolate(square, size=size, mode=resampling, antialias=True, align_corners=False).contiguous()


def announcement(sizes: Sequence[tuple[int, int]], size: tuple[int, int]) -> str | None:
    """What there is to say about bringing pictures of these sizes to one."""
    differing = sum(one != size for one in sizes)
    if not differing:
        return None
    low, high = min(map(min, sizes)), max(map(max, sizes))
    return (
        f"{differing} of {len(sizes)} images were resized: the short side to {size[0]} pixels, then the middle "
        f"{size[0]}×{size[1]} (they measure {low} to {high} pixels; --size sets another size)."
    )
