"""Views that are cut from pictures as they came, each of its own size: nothing was cropped or made smaller before.

Shapes: n pictures of C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.contracts import Draw
from headstart.views.geometry import Flip, RandomResizedCrop
from headstart.views.view import as_float


@dataclass(frozen=True, kw_only=True)
class CutOut:
    """A random box of each picture at `side` pixels a side, antialiased; perhaps flipped."""

    side: int
    crop: RandomResizedCrop
    flip: Flip

    @torch.no_grad()
    def __call__(self, originals: Sequence[Tensor], draw: Draw) -> Tensor:
        """float32 n×C×side×side in 0…1 of n pictures C×h×w in uint8; on the device of the draw."""
        sizes = torch.tensor([one.shape[-2:] for one in originals])
        here = replace(draw.named("crop"), device=sizes.device)  # where the pictures are cut one by one
        boxes = self.crop.sample(here, sizes[:, :1], sizes[:, 1:]).tolist()
        cut = [
            self._resized(one[:, top : top + h, left : left + w])
            for one, (top, left, h, w) in zip(originals, boxes, strict=True)
        ]
        shown = torch.cat(cut).to(draw.device)
        flipped = self.flip.sample(draw)[:, None, None, None]
        return torch.where(flipped, shown.flip(3), shown)

    def _resized(self, box: Tensor) -> Tensor:
        size = (self.side, self.side)
        return F.interpolate(as_float(box[None]), size=size, mode="bilinear", antialias=True).clamp_(0, 1)
