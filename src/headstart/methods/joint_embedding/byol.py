"""BYOL: predict how a slowly following copy of oneself sees another view of the image; no negatives.

Grill et al. 2020, arXiv 2006.07733; the loss is its equation 2, made symmetric; the target's momentum its section 3.2.
Shapes: n items in this process, P projected features.
"""

from __future__ import annotations

import math
from typing import Annotated

import torch
from torch import Tensor

from headstart.backbones import Encoder, Norm, replace_norm
from headstart.contracts import Batch, Draw, Facts, Losses, Progress, Recipe, Views
from headstart.losses import normalized_l2
from headstart.methods.method import Method
from headstart.methods.mlp import mlp
from headstart.methods.teacher import follow, teacher_of
from headstart.settings import Range
from headstart.views import view_set


class BYOL(Method):
    """Predict what a slowly following target network makes of another view; nothing is pushed apart.

    Args:
        projection: Features that are predicted.
        hidden: Width of the hidden layer of projector and predictor.
        momentum: How slowly the target follows at the start; it stands still at the end.
        norm: Normalisation in backbone, projector and predictor: does it keep the features from collapsing?
    """

    recipe = Recipe(optimizer="adamw", lr=2e-3, weight_decay=1e-4, batch_size=128, epochs=160, warmup_epochs=10)

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        projection: Annotated[int, Range(least=1)] = 128,
        hidden: Annotated[int, Range(least=1)] = 512,
        momentum: Annotated[float, Range(least=0, most=1)] = 0.99,
        norm: Norm = "batch",
    ) -> None:
        super().__init__(encoder, facts)
        encoder.use_norm(norm)
        self.projector = replace_norm(mlp(encoder.width, hidden, projection), norm)
        self.predictor = replace_norm(mlp(projection, hidden, projection), norm)
        self.target_encoder, self.target_projector = teacher_of(encoder), teacher_of(self.projector)
        self.momentum = momentum
        self.show = view_set(facts.views, facts.shape)

    def views(self, batch: Batch, draw: Draw) -> Views:
        """Two random views of every item."""
        return self.show(batch.items, draw)

    def project(self, images: Tensor) -> Tensor:
        """n×P of n×C×h×w images."""
        projected: Tensor = self.projector(self.encoder(images))
        return projected

    def loss(self, views: Views, progress: Progress) -> Losses:
        """Each view's prediction of the target's projection of the other."""
        first, second = (self.predictor(self.project(view)) for view in views)
        with torch.no_grad():
            target_first, target_second = (self.target_projector(self.target_encoder(view)) for view in views)
        return {"loss": normalized_l2(first, target_second) + normalized_l2(second, target_first)}

    def after_step(self, progress: Progress) -> None:
        """The target follows, ever more slowly: τ rises from `momentum` to 1 along a cosine."""
        rising = 1 - (1 - self.momentum) * (math.cos(math.pi * progress.done) + 1) / 2
        follow(self.target_encoder, self.encoder, rising, statistics=False)
        follow(self.target_projector, self.projector, rising, statistics=False)
