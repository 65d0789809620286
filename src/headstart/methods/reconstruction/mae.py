"""Masked autoencoders (He et al. 2022, arXiv 2111.06377): a few patches are seen, the others given back.

The shortcut is to go on from the nearest patches. So three quarters are hidden, anywhere alike (section 3, "masking");
what is hidden never enters the encoder; and of a patch its mean and deviation, much like its neighbours', are taken
off before it is asked for (section 3, "reconstruction target").

Shapes: n images of C channels, H rows and W columns; V patches of P×P pixels, K of which are shown.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from headstart.backbones import Encoder, patches_of, picture_of
from headstart.contracts import Batch, Draw, Facts, Losses, Progress, Recipe, Views
from headstart.errors import InputError
from headstart.methods.reconstruction.masks import mean_colour
from headstart.methods.reconstruction.reconstructor import Reconstruction, Reconstructor
from headstart.methods.transformer import MaskPredictor, check_width, require_transformer, tokens_of
from headstart.settings import Range
from headstart.views import mild_view

FLAT = 1e-6
"""Added to the variance of a patch's pixels, as in the authors' code."""


REMARK = "Patches are predicted without their mean and deviation; in the pictures they have their own again."


class MAE(Reconstructor):
    """A transformer sees a quarter of a picture's patches, and a light decoder gives the others back.

    Args:
        mask_ratio: Share of the patches to hide, of every picture the same number.
        normalise: Ask for each patch with mean 0 and deviation 1.
        decoder_width: Features of the decoder; a multiple of 4.
        decoder_depth: Blocks of the decoder.
    """

    recipe = Recipe(
        optimizer="adamw", lr=1e-3, weight_decay=5e-2, betas=(0.9, 0.95), batch_size=64, epochs=100, warmup_epochs=10
    )
    default_backbone = "vit"
    measure = "squared error of hidden patches"

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        mask_ratio: Annotated[float, Range(above=0, below=1)] = 0.75,
        normalise: bool = True,
        decoder_width: Annotated[int, Range(least=4)] = 64,
        decoder_depth: Annotated[int, Range(least=1)] = 2,
    ) -> None:
        super().__init__(encoder, facts)
        network = require_transformer(encoder, "mae")
        check_width("decoder_width", decoder_width)
        channels, height, width = facts.shape
        self.patch, grid = network.patch, network.grid(height, width)
        self.count = grid[0] * grid[1]
        self.shown = self.count - round(mask_ratio * self.count)
        if not 0 < self.shown < self.count:
            raise InputError(
                f"--mask-ratio {mask_ratio:g} hides {self.count - self.shown} of {self.count} patches: "
                "leave some to see and some to give back."
            )
        self.decoder = MaskPredictor(grid, network.width, decoder_width, decoder_depth, channels * self.patch**2)
        self.normalise = normalise
        self.remark = REMARK if normalise else ""
        self.view = mild_view(facts.views)

    def views(self, batch: Batch, draw: Draw) -> Views:
        """The pictures, and int64 n×V their patches in random order: the first K are shown."""
        return self.view(batch.items, draw), self.order(draw)

    def order(self, draw: Draw) -> Tensor:
        """int64 n×V: a permutation of the patches for every item."""
        return draw.uniform("order", self.count).argsort(dim=1)

    def loss(self, views: Views, progress: Progress) -> Losses:
        """Mean squared error over the hidden patches."""
        images, order = views
        return {"loss": self.errors(images, order).mean()}

    def errors(self, images: Tensor, order: Tensor) -> Tensor:
        """n: of each item, a mean over its hidden patches."""
        patches = patches_of(images, self.patch)
        mean, deviation = self.light(patches)
        hidden = order[:, self.shown :, None]
        wanted = ((patches - mean) / deviation).take_along_dim(hidden, dim=1)
        return (self.predicted(images, order) - wanted).square().mean(dim=(1, 2))

    def light(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """n×V×1 means and deviations that n×V×CPP patches are asked for without; 0 and 1 where none are taken off."""
        if not self.normalise:
            return torch.zeros_like(patches[:, :, :1]), torch.ones_like(patches[:, :, :1])
        variance, mean = torch.var_mean(patches, dim=2, keepdim=True)
        return mean, (variance + FLAT).sqrt()

    def predicted(self, images: Tensor, order: Tensor) -> Tensor:
        """n×(V-K)×CPP: what the decoder makes of the hidden patches, from nothing but those that are shown."""
        shown, hidden = order[:, : self.shown], order[:, self.shown :]
        given: Tensor = self.decoder(tokens_of(self.encoder, images, shown), shown, hidden)
        return given

    def reconstruct(self, images: Tensor, draw: Draw) -> Reconstruction:
        """What is given back for images in 0…1, hidden patches with their own mean and deviation."""
        order = self.order(draw)
        hidden = order[:, self.shown :, None]
        patches = patches_of(images, self.patch)
        mean, deviation = (part.take_along_dim(hidden, dim=1) for part in self.light(patches))
        given = self.predicted(images, order) * deviation + mean
        blank = patches_of(mean_colour(self.encoder, images).expand_as(images), self.patch)
        places = hidden.expand_as(given)
        seen, whole = (
            picture_of(patches.scatter(1, places, filling), self.facts.shape).clamp(0, 1)
            for filling in (blank.take_along_dim(hidden, dim=1), given)
        )
        return Reconstruction(seen, whole, self.errors(images, order))
