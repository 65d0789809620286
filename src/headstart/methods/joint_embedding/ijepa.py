"""I-JEPA (Assran et al. 2023, arXiv 2301.08243): from one part of a picture, predict how a teacher sees others.

The shortcuts: what is predicted could be seen, so the targets are taken out of the context (section 3, "context");
and it could be made trivial, so the teacher, which sees the whole picture, gets no gradient and follows slowly.

Shapes: n images; V patches, in M target blocks of B each and a context of K at most; D features.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.backbones import Encoder
from headstart.contracts import Batch, Draw, Facts, Losses, Progress, Recipe, Views
from headstart.methods.joint_embedding.blocks import TARGETS, check_grid, context_and_targets, places_of
from headstart.methods.method import Method
from headstart.methods.teacher import follow, teacher_of
from headstart.methods.transformer import MaskPredictor, check_width, require_transformer, tokens_of
from headstart.settings import Range
from headstart.views import mild_view


class IJEPA(Method):
    """Predict how a slowly following teacher sees blocks of a picture, from the rest of it; the teacher is kept.

    Args:
        momentum: How slowly the teacher follows at the start; it stands still at the end.
        predictor_width: Features of the predictor, narrower than the encoder; a multiple of 4.
        predictor_depth: Blocks of the predictor.
    """

    recipe = Recipe(optimizer="adamw", lr=1e-3, weight_decay=5e-2, batch_size=64, epochs=100, warmup_epochs=10)
    default_backbone = "vit"

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        momentum: Annotated[float, Range(least=0, most=1)] = 0.996,
        predictor_width: Annotated[int, Range(least=4)] = 64,
        predictor_depth: Annotated[int, Range(least=1)] = 2,
    ) -> None:
        super().__init__(encoder, facts)
        network = require_transformer(encoder, "ijepa")
        check_width("predictor_width", predictor_width)
        _, height, width = facts.shape
        self.grid = network.grid(height, width)
        check_grid(self.grid)
        self.student, self.encoder = encoder, teacher_of(encoder)
        self.predictor = MaskPredictor(self.grid, network.width, predictor_width, predictor_depth, network.width)
        self.momentum = momentum
        self.view = mild_view(facts.views)

    def views(self, batch: Batch, draw: Draw) -> Views:
        """The pictures, bool n×V which patches are their context, and int64 n×M×B those of their target blocks."""
        return self.view(batch.items, draw), *context_and_targets(self.grid, draw)

    def loss(self, views: Views, progress: Progress) -> Losses:
        """Smooth L1 distance, as in the authors' code, from the teacher's normalised tokens of all target blocks."""
        images, context, targets = views
        wanted = self.wanted(images, targets)
        return {"loss": F.smooth_l1_loss(self.predicted(images, context, targets), wanted)}

    @torch.no_grad()
    def wanted(self, images: Tensor, targets: Tensor) -> Tensor:
        """nM×B×D: what the teacher, which sees all of the images, makes of the targets; mean 0 and deviation 1 each."""
        count, number, size = targets.shape
        tokens = tokens_of(self.encoder, images).take_along_dim(targets.view(count, -1, 1), dim=1)
        return F.layer_norm(tokens, tokens.shape[2:]).view(count * number, size, -1)

    def predicted(self, images: Tensor, context: Tensor, targets: Tensor) -> Tensor:
        """nM×B×D: what the predictor makes of each block by itself, from the student's tokens of the context."""
        places, there = places_of(context)
        tokens = tokens_of(self.student, images, places, there)
        seen, places, there = (part.repeat_interleave(TARGETS, dim=0) for part in (tokens, places, there))
        predicted: Tensor = self.predictor(seen, places, targets.flatten(0, 1), there)
        return predicted

    def after_step(self, progress: Progress) -> None:
        """The teacher follows, ever more slowly: its momentum rises to 1 in equal steps (section 4)."""
        rising = self.momentum + (1 - self.momentum) * progress.done
        follow(self.encoder, self.student, rising, statistics=False)
