"""The split brain (Zhang, Isola and Efros 2017, arXiv 1611.09842): colours from lightness, and lightness from colours.

Shapes: n pictures of H rows and W columns, K maps of which the first half are those of lightness.
"""

from __future__ import annotations

import torch
from torch import Tensor

from headstart.backbones import Encoder
from headstart.contracts import Draw, Facts, Losses, Progress, Views
from headstart.lab import lab_to_rgb, rgb_to_lab
from headstart.methods.reconstruction.answers import Target, colour_answer, lightness_answer
from headstart.methods.reconstruction.cross_channel import CrossChannel, difference
from headstart.methods.reconstruction.prediction import Prediction
from headstart.methods.reconstruction.reconstructor import Reconstruction


class SplitBrain(CrossChannel):
    """One half of the network says the colours from the lightness, the other the lightness from the colours.

    The halves share nothing and have half the width each; the features of both, side by side, are the encoder's.

    Args:
        target: bins: distributions over bins of lightness and of colours; regression: the values, by squared error.
    """

    def __init__(self, encoder: Encoder, facts: Facts, *, target: Target = "bins") -> None:
        super().__init__(encoder, facts, "halves", "split_brain")
        count, height, width = self.maps.shape
        half = (count // 2, height, width)
        self.colours = Prediction("colour", colour_answer(target), half, facts)
        self.lightness = Prediction("lightness", lightness_answer(target), half, facts)

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
