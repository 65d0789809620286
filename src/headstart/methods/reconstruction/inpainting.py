"""Inpainting by a context encoder (Pathak et al. 2016, arXiv 1604.07379): what was there, to judge by what is around?

Shapes: n images of C channels, H rows and W columns; D features.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor
from torch.nn import functional as F

from headstart.backbones import Encoder
from headstart.contracts import Batch, Draw, Facts, Losses, Progress, Recipe, Views
from headstart.losses import domain_confusion, reverse_gradient
from headstart.methods.reconstruction.masks import Mask, hidden_pixels, mean_colour
from headstart.methods.reconstruction.networks import ConvDecoder, ConvEncoder, channels_for
from headstart.methods.reconstruction.reconstructor import Reconstruction, Reconstructor
from headstart.settings import OnlyWith, Range
from headstart.views import mild_view

RIM_WEIGHT = 10
"""Of pixels that are seen and asked for all the same (section 4)."""


class Inpainting(Reconstructor):
    """A part of every picture is hidden, and given back from the features of the rest.

    Args:
        mask: block: boxes anywhere. free-form: regions of any shape. central: a box in the middle. top, bottom, left,
            right: that half, which is given back from the other.
        share: Of the picture, hidden by central and free-form, by block at most; a half is a half.
        rim: Pixels beside what is hidden that are asked for as well, ten times as strictly, so that no seam shows.
        adversarial: Weight of a critic that tells completed pictures from real ones; the paper's is 0.001.
        hidden: Width of the decoder's hidden layer, and the critic's.
    """

    recipe = Recipe(optimizer="adamw", lr=2e-3, weight_decay=5e-2, batch_size=64, epochs=60, warmup_epochs=5)
    measure = "squared error of hidden pixels"

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        mask: Mask = "block",
        share: Annotated[float, Range(above=0, most=0.75), OnlyWith("mask", ("block", "central", "free-form"))] = 0.25,
        rim: Annotated[int, Range(least=0)] = 0,
        adversarial: Annotated[float, Range(least=0, below=1)] = 0.0,
        hidden: Annotated[int, Range(least=1)] = 512,
    ) -> None:
        super().__init__(encoder, facts)
        self.mask, self.share, self.rim, self.adversarial = mask, share, rim, adversarial
        channels = channels_for(facts.shape)
        self.decoder = ConvDecoder(encoder.width, facts.shape, hidden, channels)
        self.critic = ConvEncoder(facts.shape, hidden, 1, channels) if adversarial else None
        self.view = mild_view(facts.views)

    def views(self, batch: Batch, draw: Draw) -> Views:
        """The pictures with their hidden pixels filled, the pictures, and bool n×H×W what is hidden."""
        images = self.view(batch.items, draw)
        hidden = self.hide(images, draw)
        return self.filled(images, hidden), images, hidden

    def hide(self, images: Tensor, draw: Draw) -> Tensor:
        """bool n×H×W: what to hide of each image."""
        height, width = images.shape[2:]
        return hidden_pixels(self.mask, self.share, height, width, draw)

    def filled(self, images: Tensor, hidden: Tensor) -> Tensor:
        """The images with their mean colour wherever they are hidden."""
        return torch.where(hidden[:, None], mean_colour(self.encoder, images), images)

    def loss(self, views: Views, progress: Progress) -> Losses:
        """Squared error where pixels are hidden, and what the critic makes of the completed pictures."""
        seen, images, hidden = views
        given = self.given(seen)
        error = self.errors(given, images, hidden, self.rim).mean()
        if self.critic is None:
            return {"loss": error}
        completed = torch.where(hidden[:, None], given, images)
        doubted = reverse_gradient(completed, self.adversarial)  # equation 2: the critic learns, its opponent unlearns
        critic = domain_confusion(self.critic(images), self.critic(doubted))
        return {"loss": (1 - self.adversarial) * error + critic, "error": error, "critic": critic}

    def given(self, seen: Tensor) -> Tensor:
        """n×C×H×W pixels around 0…1: what the decoder adds to the mean colour."""
        pixels: Tensor = mean_colour(self.encoder, seen) + self.decoder(self.encoder(seen))
        return pixels

    def errors(self, given: Tensor, images: Tensor, hidden: Tensor, rim: int = 0) -> Tensor:
        """n: squared errors, a mean over the hidden pixels of each item, and those so near to them."""
        weights = hidden[:, None].to(given)
        if rim:
            around = F.max_pool2d(weights, 2 * rim + 1, stride=1, padding=rim)
            weights = weights + RIM_WEIGHT * (around - weights)
        wrong = (weights * (given - images).square()).flatten(1).sum(dim=1)
        return wrong / (weights.flatten(1).sum(dim=1) * images.shape[1])

    def reconstruct(self, images: Tensor, draw: Draw) -> Reconstruction:
        """Images in 0…1 with what was hidden filled in."""
        hidden = self.hide(images, draw)
        seen = self.filled(images, hidden)
        given = self.given(seen)
        completed = torch.where(hidden[:, None], given, images).clamp(0, 1)
        return Reconstruction(seen, completed, self.errors(given, images, hidden))
