"""One random view of every item: a short list of steps, applied to a batch at once.

Shapes: n items of C channels, H×W; a view has the size of its item.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from headstart.contracts import Draw
from headstart.views.colour import ColourJitter, Greyscale, Recolouring
from headstart.views.geometry import Affine, Flip, RandomResizedCrop, resample
from headstart.views.texture import Blur, Erase, Noise, Solarise

Step = Callable[[Tensor, slice], Tensor]
"""What is done to the images of some of the items, whose parameters have been drawn for all."""

CHUNK_NUMBERS = 2**20
"""Pixels (times channels) worked on at once: few enough to stay in the last cache, enough to feed two threads."""


@dataclass(frozen=True, kw_only=True)
class View:
    """The steps in the order they are applied; None leaves one out.

    Affine, crop and flip become one matrix of places an item, jitter and greyscale one matrix of colours, so pixels are
    looked up once and recoloured once.
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

    @torch.no_grad()
    def __call__(self, items: Tensor, draw: Draw) -> Tensor:
        """float32 n×C×H×W in 0…1 of items in uint8, or float in 0…1; parameters come from `draw` alone."""
        steps = [*self._places(draw, items), *self._colours(draw, items.shape[1]), *self._textures(draw, items)]
        shown = torch.empty(items.shape, dtype=torch.float32, device=items.device)
        for part in _chunks(items):
            images = as_float(items[part])
            for step in steps:
                images = step(images, part)
            shown[part] = images
        return shown

    def _places(self, draw: Draw, items: Tensor) -> Iterator[Step]:
        """Affine, crop and flip: one product of matrices, one resampling."""
        height, width = items.shape[-2:]
        matrices, boxes = [], None
        if self.affine:
            matrices.append(self.affine.sample(draw.named("affine"), height, width))
        if self.crop:
            boxes = self.crop.sample(draw.named("crop"), height, width)
            matrices.append(self.crop.matrix(boxes, height, width))
        if self.flip:
            matrices.append(self.flip.matrix(self.flip.sample(draw)))
        if matrices:
            places = reduce(torch.matmul, matrices)
            cut = None if self.affine else boxes
            yield lambda images, part: resample(images, places[part], None if cut is None else cut[part])

    def _colours(self, draw: Draw, channels: int) -> Iterator[Step]:
        """Jitter and greyscale: one matrix of colours an item."""
        if channels not in (1, 3):
            return
        recolouring = None
        if self.jitter:
            recolouring = self.jitter.recolouring(self.jitter.sample(draw.named("jitter")), channels)
        if self.grey and channels == 3:
            before = recolouring or Recolouring.none(len(draw.part), channels, draw.device)
            recolouring = self.grey.after(before, self.grey.sample(draw))
        if recolouring:
            colours = recolouring
            yield lambda images, part: colours[part].apply(images)

    def _textures(self, draw: Draw, items: Tensor) -> Iterator[Step]:
        """The other steps, each by itself."""
        if self.blur:
            yield _with(self.blur.apply, self.blur.sample(draw))
        if self.solarise:
            yield _with(self.solarise.apply, self.solarise.sample(draw))
        if self.noise:
            yield _with(self.noise.apply, self.noise.sample(draw, items.shape[1:]))
        if self.erase:
            yield _with(self.erase.apply, self.erase.sample(draw.named("erase"), *items.shape[-2:]))


def _with(apply: Callable[[Tensor, Tensor], Tensor], drawn: Tensor) -> Step:
    """A step that is handed the parameters of its items."""
    return lambda images, part: apply(images, drawn[part])


def as_float(items: Tensor) -> Tensor:
    """uint8 as float32 in 0…1; floats as they are."""
    return items.float().div_(255) if items.dtype == torch.uint8 else items.float()


def _chunks(items: Tensor) -> Iterator[slice]:
    """Slices of a size that depends on the items' shape and device alone."""
    size = len(items) if items.device.type != "cpu" else max(4, CHUNK_NUMBERS // items[0].numel())
    for start in range(0, len(items), max(size, 1)):
        yield slice(start, start + size)
