"""The split brain (Zhang, Isola and Efros 2017, arXiv 1611.09842): colours from lightness, and lightness from colours.

Shapes: n pictures of H rows and W columns, K maps of which the first half are those of lightness.
"""

from __future__ import annotations

import torch
from torch import Tensor

from headstart.backbones import Encoder, last_maps
from headstart.contracts import Batch, Draw, Facts, Losses, Progress, Recipe, Views
from headstart.lab import lab_to_rgb, rgb_to_lab
from headstart.methods.reconstruction.answers import Target, colour_answer, lightness_answer
from headstart.methods.reconstruction.colorization import difference
from headstart.methods.reconstruction.cross_channel import Prediction, require_colours
from headstart.methods.reconstruction.reconstructor import Reconstruction, Reconstructor
from headstart.views import mirrored, plain


class SplitBrain(Reconstructor):
    """One half of the network says the colours from the lightness, the other the lightness from the colours.

    The halves share nothing and have half the width each; the features of both, side by side, are the encoder's.

    Args:
        target: bins: distributions over bins of lightness and of colours; regression: the values, by squared error.
    """

    recipe = Recipe(optimizer="adamw", lr=2e-3, weight_decay=5e-2, batch_size=128, epochs=60, warmup_epochs=5)
    measure = "colour difference (CIE 1976)"

    def __init__(self, encoder: Encoder, facts: Facts, *, target: Target = "bins") -> None:
        require_colours(facts, "split_brain")
        super().__init__(encoder, facts)
        encoder.look("halves")
        self.maps = last_maps(encoder)
        count, height, width = self.maps.shape
        half = (count // 2, height, width)
        self.colours = Prediction("colour", colour_answer(target), half, facts)
        self.lightness = Prediction("lightness", lightness_answer(target), half, facts)

    def views(self, batch: Batch, draw: Draw) -> Views:
        """The pictures, each other one mirrored where its draw says so (not with the views `glyphs`)."""
        images = plain(batch.items, self.facts.shape)
        return (images if self.facts.views == "glyphs" else mirrored(images, draw),)

    def loss(self, views: Views, progress: Progress) -> Losses:
        """The sum of both halves' losses, each logged beside it."""
        (images,) = views
        lab = rgb_to_lab(images)
        seen_lightness, seen_colours = self.maps.of(self.encoder, images).chunk(2, dim=1)
        colours, lightness = self.colours.loss(seen_lightness, lab), self.lightness.loss(seen_colours, lab)
        return {"loss": colours + lightness, "colours": colours, "lightness": lightness}

    def after_step(self, progress: Progress) -> None:
        """Counts the values of this step."""
        self.colours.answer.after_step()
        self.lightness.answer.after_step()

    def reconstruct(self, images: Tensor, draw: Draw) -> Reconstruction:
        """The pictures from both halves' answers, the lightness too; nothing is hidden or drawn."""
        seen_lightness, seen_colours = self.maps.of(self.encoder, images).chunk(2, dim=1)
        said = torch.cat([self.lightness(seen_colours), self.colours(seen_lightness)], dim=1)
        return Reconstruction(images, lab_to_rgb(said), difference(said, rgb_to_lab(images)))
