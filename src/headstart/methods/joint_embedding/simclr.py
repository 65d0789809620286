"""SimCLR: pull two views of one image together, push every other image of the batch away.

Chen et al. 2020, arXiv 2002.05709; the loss is its equation 1.
Shapes: n items in this process, D backbone features, P projected features.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from headstart.backbones import Encoder
from headstart.contracts import Batch, Draw, Facts, Losses, Progress, Recipe, Views
from headstart.losses import nt_xent
from headstart.methods.method import Method
from headstart.methods.mlp import mlp
from headstart.settings import Range
from headstart.views import view_set


class SimCLR(Method):
    """Two views of an image agree, all other images of the batch disagree (NT-Xent); the projector is thrown away.

    Args:
        projection: Features that are compared.
        hidden: Width of the projector's hidden layer; as wide as the encoder's features where it is not set.
        temperature: How sharply the nearest of the other images are pushed away.
    """

    recipe = Recipe(optimizer="adamw", lr=2e-3, weight_decay=1e-4, batch_size=128, epochs=160, warmup_epochs=10)
    compares_items = True

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        projection: Annotated[int, Range(least=1)] = 128,
        hidden: Annotated[int, Range(least=1)] | None = None,
        temperature: Annotated[float, Range(above=0)] = 0.5,
    ) -> None:
        super().__init__(encoder, facts)
        self.projector = mlp(encoder.width, hidden or encoder.width, projection)
        self.temperature = temperature
        self.show = view_set(facts.views, facts.shape)

    def views(self, batch: Batch, draw: Draw) -> Views:
        """Two random views of every item."""
        return self.show(batch.items, draw)

    def project(self, images: Tensor) -> Tensor:
        """n×P of n×C×h×w images."""
        projected: Tensor = self.projector(self.encoder(images))
        return projected

    def loss(self, views: Views, progress: Progress) -> Losses:
        """NT-Xent of both views' projections, made in one pass so that batch norm sees them together."""
        projected = self.project(torch.cat(views))  # [2n, P]
        return {"loss": nt_xent(*projected.chunk(2), temperature=self.temperature)}
