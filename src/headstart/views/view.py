"""One random view of every item: a short list of steps, applied to a batch at once.

Shapes: n items of C channels, H×W; a view has the size of its item.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from headstart.contracts import Draw
from headstart.views.colour import ColourJitter, Greyscale, Recolouring
from headstart.views.geometry import Affine, Flip, RandomResizedCrop, resampling, warp
from headstart.views.texture import Blur, Erase, Noise, Solarise

CHUNK_NUMBERS = 2**20
"""Pixels (times channels) worked on at once: a chunk stays in the processor's cache."""


@dataclass(frozen=True, kw_only=True)
class View:
    """The steps in the order they are applied; None leaves one out.

    Crop, flip and blur are linear along rows and along columns, and colour is linear in between, so the three are one
    weight matrix for the rows and one for the columns of an item: two matrix products instead of three resamplings.
    """

    affine: Affine | None = None
    crop: RandomResizedCrop | None = None
    flip: Flip | None = None
    jitter: ColourJitter | None = None
    grey: Greyscale | None = None
    blur: Blur | None = None
    solarise: Solarise | None = None
    noise: Noise | None = None
    erase: Erase | None = None

    def __call__(self, items: Tensor, draw: Draw) -> Tensor:
        """float32 n×C×H×W in 0…1 of items in uint8, or float in 0…1; parameters come from `draw` alone."""
        drawn = self._sample(draw, tuple(items.shape[1:]))
        shown = torch.empty(items.shape, dtype=torch.float32, device=items.device)
        for part in _chunks(items):
            mine = {name: values[part] for name, values in drawn.items()}
            shown[part] = self._apply(as_float(items[part]), mine)
        return shown

    def _sample(self, draw: Draw, shape: tuple[int, ...]) -> dict[str, Tensor]:
        """Every step's parameters for all items, before any is applied: chunks can't change them."""
        _, height, width = shape
        drawn: dict[str, Tensor] = {}
        if self.affine:
            drawn["affine"] = self.affine.sample(draw.named("affine"), height, width)
        if self.crop:
            drawn["crop"] = self.crop.sample(draw.named("crop"), height, width)
        if self.flip:
            drawn["flip"] = self.flip.sample(draw)
        if self.jitter:
            drawn["jitter"] = self.jitter.sample(draw.named("jitter"))
        if self.grey:
            drawn["grey"] = self.grey.sample(draw)
        if self.blur:
            drawn["blur"] = self.blur.sample(draw)
        if self.solarise:
            drawn["solarise"] = self.solarise.sample(draw)
        if self.noise:
            drawn["noise"] = self.noise.sample(draw, shape)
        if self.erase:
            drawn["erase"] = self.erase.sample(draw.named("erase"), height, width)
        return drawn

    def _apply(self, images: Tensor, drawn: dict[str, Tensor]) -> Tensor:
        if self.affine:
            images = warp(images, drawn["affine"])
        images = self._resample(images, drawn)
        images = self._recolour(images, drawn)
        if self.solarise:
            images = self.solarise.apply(images, drawn["solarise"])
        if self.noise:
            images = self.noise.apply(images, drawn["noise"])
        if self.erase:
            images = self.erase.apply(images, drawn["erase"])
        return images

    def _resample(self, images: Tensor, drawn: dict[str, Tensor]) -> Tensor:
        """Crop, flip and blur as two batched matrix products."""
        if not (self.crop or self.flip or self.blur):
            return images
        rows, columns = (self._weights(images, drawn, axis) for axis in (0, 1))
        if rows is not None:
            images = torch.matmul(rows[:, None], images)
        if columns is not None:
            images = torch.matmul(images, columns.transpose(1, 2)[:, None])
        return images

    def _weights(self, images: Tensor, drawn: dict[str, Tensor], axis: int) -> Tensor | None:
        """n×length×length weights along the rows (axis 0) or columns (1); None where nothing happens there."""
        length, weights = images.shape[2 + axis], None
        if self.crop:
            start, size = drawn["crop"][:, axis], drawn["crop"][:, 2 + axis]
            weights = resampling(start, size, length, length)
        if self.flip and axis == 1:
            if weights is None:
                weights = torch.eye(length, device=images.device).expand(len(images), -1, -1)
            weights = torch.where(drawn["flip"][:, None, None], weights.flip(1), weights)
        if self.blur:
            blurred = self.blur.weights(drawn["blur"], length)
            weights = blurred if weights is None else blurred @ weights
        return weights

    def _recolour(self, images: Tensor, drawn: dict[str, Tensor]) -> Tensor:
        """All colour steps as one matrix an item."""
        count, channels = images.shape[:2]
        if channels not in (1, 3) or not (self.jitter or (self.grey and channels == 3)):
            return images
        recolouring = Recolouring.none(count, channels, images.device)
        if self.jitter:
            recolouring = self.jitter.compose(recolouring, drawn["jitter"], images.mean(dim=(2, 3)))
        if self.grey and channels == 3:
            recolouring = self.grey.compose(recolouring, drawn["grey"])
        return recolouring.apply(images)


def as_float(items: Tensor) -> Tensor:
    """uint8 as float32 in 0…1; floats as they are."""
    return items.float().div_(255) if items.dtype == torch.uint8 else items.float()


def _chunks(items: Tensor) -> Iterator[slice]:
    """Slices of a size that depends on the items' shape and device alone."""
    size = len(items) if items.device.type != "cpu" else max(4, CHUNK_NUMBERS // items[0].numel())
    for start in range(0, len(items), max(size, 1)):
        yield slice(start, start + size)
