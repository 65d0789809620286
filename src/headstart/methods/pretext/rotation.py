"""Rotation prediction (Gidaris et al. 2018, arXiv 1803.07728): by how many quarters was the picture turned?

Shapes: n items in this process, D features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headstart.backbones import Encoder
from headstart.contracts import Batch, Draw, Facts, Losses, Progress, Recipe, Views
from headstart.data.sizing import centre_square
from headstart.methods.method import Method
from headstart.views import mirrored, plain

TURNS = 4


class Rotation(Method):
    """Every picture is shown in four turns, and the network says which is which.

    Quarter turns move pixels and compute none, so nothing but what the picture shows tells them apart (section 3.1).
    """

    recipe = Recipe(optimizer="adamw", lr=2e-3, weight_decay=5e-2, batch_size=64, epochs=60, warmup_epochs=5)

    def __init__(self, encoder: Encoder, facts: Facts) -> None:
        super().__init__(encoder, facts)
        self.question = nn.Linear(encoder.width, TURNS)

    def views(self, batch: Batch, draw: Draw) -> Views:
        """4n turned pictures, each other one mirrored first where its draw says so, and the turns of each."""
        images = mirrored(square(plain(batch.items)), draw, self.facts.views)
        return turned(images), torch.arange(TURNS, device=images.device).repeat_interleave(len(images))

    def loss(self, views: Views, progress: Progress) -> Losses:
        """Cross entropy; the share of right answers is logged beside it."""
        images, turns = views
        logits: Tensor = self.question(self.encoder(images))
        return {"loss": F.cross_entropy(logits, turns), "accuracy": (logits.argmax(dim=1) == turns).float().mean()}


def turned(images: Tensor) -> Tensor:
    """4n×C×S×S: all n images as they are, then turned by one, two and three quarters against the clock."""
    return torch.cat([images.rot90(turns, (2, 3)) for turns in range(TURNS)])


def square(images: Tensor) -> Tensor:
    """The middle square of n×C×H×W."""
    top, left, side = centre_square(*images.shape[-2:])
    return images[..., top : top + side, left : left + side]
