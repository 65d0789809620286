"""What happens to the pixels of a view: blur, solarise, noise, erase, normalise.

Shapes: n items of C channels, H×W.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.contracts import Draw
from headstart.settings import Range, check
from headstart.views.checking import check_step

TAIL = 4.0
"""Standard deviations at which a Gaussian's tail is cut: beyond lies less than a ten-thousandth of it."""

Share = Annotated[float, Range(least=0, most=1)]


@dataclass(frozen=True, kw_only=True)
class Blur:
    """A Gaussian whose width is drawn for each item (Chen et al. 2020, 2002.05709, appendix A)."""

    sigma: Annotated[tuple[float, ...], Range(above=0)] = (0.1, 2.0)
    """Smallest and largest standard deviation, in pixels of the view."""
    kernel: Annotated[float, Range(above=0, most=1)] = 0.1
    """Size of the kernel, as a share of the view's side."""
    probability: Share = 0.5

    def __post_init__(self) -> None:
        check_step(self)

    def sample(self, draw: Draw) -> Tensor:
        """n standard deviations, 0 where an item isn't blurred."""
        sigma = draw.uniform("sigma", low=self.sigma[0], high=self.sigma[1])
        return sigma * draw.chance("blur", self.probability)

    def apply(self, images: Tensor, drawn: Tensor) -> Tensor:
        """n×C×H×W; mirrored at its edges."""
        chosen = drawn.nonzero()[:, 0]
        if len(chosen) == 0:
            return images
        blurred, sigma = images[chosen], drawn[chosen]
        for axis in (2, 3):
            blurred = self._along(blurred, sigma, axis)
        return images.index_copy(0, chosen, blurred)

    def _along(self, images: Tensor, sigma: Tensor, axis: int) -> Tensor:
        """Every channel of every item is a group of its own in one convolution."""
        count, channels, height, width = images.shape
        taps = self.taps(sigma, images.shape[axis]).repeat_interleave(channels, dim=0)
        reach = taps.shape[1] // 2
        sides = (0, 0, reach, reach) if axis == 2 else (reach, reach, 0, 0)
        padded = F.pad(images, sides, mode="reflect").flatten(0, 1)[None]
        kernel = taps[:, None, :, None] if axis == 2 else taps[:, None, None, :]
        return F.conv2d(padded, kernel, groups=count * channels).view(count, channels, height, width)

    def taps(self, sigma: Tensor, length: int) -> Tensor:
        """n×odd weights for n standard deviations on a side of so many pixels."""
        reach = max(1, int(self.kernel * length) // 2)
        reach = min(reach, math.ceil(TAIL * self.sigma[1]), length - 1)
        offsets = torch.arange(-reach, reach + 1, device=sigma.device)
        return torch.softmax(-0.5 * (offsets / sigma[:, None]).square(), dim=1)


@dataclass(frozen=True, kw_only=True)
class Solarise:
    """Light pixels become dark: what is at or above the threshold is inverted (Grill et al. 2020, 2006.07733)."""

    threshold: Share = 0.5
    probability: Share = 0.2

    def __post_init__(self) -> None:
        check_step(self)

    def sample(self, draw: Draw) -> Tensor:
        """bool n."""
        return draw.chance("solarise", self.probability)

    def apply(self, images: Tensor, drawn: Tensor) -> Tensor:
        """n×C×H×W in 0…1."""
        inverted = drawn[:, None, None, None] & (images >= self.threshold)
        return torch.where(inverted, 1 - images, images)


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Gaussian noise on every pixel; how strong is drawn for each item."""

    deviation: Annotated[float, Range(least=0)] = 0.05
    """Largest standard deviation, where the picture goes from 0 to 1."""

    def __post_init__(self) -> None:
        check_step(self)

    def sample(self, draw: Draw, shape: Sequence[int]) -> Tensor:
        """n×C×H×W to be added."""
        strength = draw.uniform("strength", low=0.0, high=self.deviation)
        return draw.normal("noise", *shape) * strength.view(-1, *[1] * len(shape))

    def apply(self, images: Tensor, drawn: Tensor) -> Tensor:
        """n×C×H×W in 0…1."""
        return (images + drawn).clamp_(0, 1)


@dataclass(frozen=True, kw_only=True)
class Erase:
    """A random box is filled with the item's mean colour (after Zhong et al. 2020, 1708.04896)."""

    area: Annotated[tuple[float, ...], Range(least=0, most=1)] = (0.02, 0.2)
    """Smallest and largest, as a share of the item's."""
    probability: Share = 0.5

    def __post_init__(self) -> None:
        check_step(self)

    def sample(self, draw: Draw, height: int, width: int) -> Tensor:
        """int64 n×4: top, left, height and width of the box; no height where nothing is erased."""
        side = draw.uniform("area", 1, low=self.area[0], high=self.area[1]).sqrt()
        h, w = (side * height).round().clamp(1, height), (side * width).round().clamp(1, width)
        place = draw.uniform("place", 2)
        top, left = (place[:, :1] * (height - h + 1)).floor(), (place[:, 1:] * (width - w + 1)).floor()
        h = h * draw.chance("erase", self.probability)[:, None]
        return torch.cat([top, left, h, w], dim=1).long()

    def apply(self, images: Tensor, drawn: Tensor) -> Tensor:
        """n×C×H×W in 0…1."""
        top, left, height, width = (column[:, None] for column in drawn.unbind(dim=1))
        rows = torch.arange(images.shape[2], device=images.device)
        columns = torch.arange(images.shape[3], device=images.device)
        box = ((rows >= top) & (rows < top + height))[:, :, None] & ((columns >= left) & (columns < left + width))[
            :, None, :
        ]
        return torch.where(box[:, None], images.mean(dim=(2, 3), keepdim=True), images)


@dataclass(frozen=True)
class Normalise:
    """(x - mean) / deviation for each channel. An `Encoder` does this by itself; no set of views does."""

    mean: tuple[float, ...]
    deviation: Annotated[tuple[float, ...], Range(above=0)]

    def __post_init__(self) -> None:
        check(Normalise, asdict(self))

    def apply(self, images: Tensor) -> Tensor:
        """n×C×H×W."""
        mean, deviation = (images.new_tensor(values).view(-1, 1, 1) for values in (self.mean, self.deviation))
        return (images - mean) / deviation
