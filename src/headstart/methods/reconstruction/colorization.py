"""Colorization (Zhang et al. 2016, arXiv 1603.08511): say the colours of a picture from its lightness.

Shapes: n pictures of H rows and W columns.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from headstart.backbones import Encoder
from headstart.contracts import Draw, Facts, Losses, Progress, Views
from headstart.lab import as_grey, lab_to_rgb, rgb_to_lab
from headstart.methods.reconstruction.answers import Target, colour_answer
from headstart.methods.reconstruction.cross_channel import CrossChannel, difference
from headstart.methods.reconstruction.prediction import Prediction
from headstart.methods.reconstruction.reconstructor import Reconstruction
from headstart.settings import OnlyWith, Range


class Colorization(CrossChannel):
    """The colours of a picture are said from its lightness, all that the encoder is ever shown of it.

    The encoder turns colour pictures grey by itself, in eight bits, so it takes the data's own items afterwards.

    Args:
        target: bins: a distribution over bins of colours; regression: the colours themselves, by squared error.
        uniform: Of bins: rare colours weigh more; the share of the uniform distribution in how frequent they are taken
            to be. 1: all weigh alike.
    """

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        target: Target = "bins",
        uniform: Annotated[float, Range(above=0, most=1), OnlyWith("target", ("bins",))] = 0.5,
    ) -> None:
        super().__init__(encoder, facts, "lightness", "colorization")
        self.colours = Prediction("colour", colour_answer(target, uniform), self.maps.shape, facts)

    def loss(self, views: Views, progress: Progress) -> Losses:
        """Of a and b, a mean over the cells of all pictures."""
        (images,) = views
        return {"loss": self.colours.loss(self.maps.of(self.encoder, images), rgb_to_lab(images))}

    def after_step(self, progress: Progress) -> None:
        """Counts the colours of this step."""
        self.colours.answer.after_step()

    def reconstruct(self, images: Tensor, draw: Draw) -> Reconstruction:
        """The pictures in their own lightness and the colours that were said; nothing is drawn."""
        lab = rgb_to_lab(images)
        said = torch.cat([lab[:, :1], self.colours(self.maps.of(self.encoder, images))], dim=1)
        return Reconstruction(as_grey(images), lab_to_rgb(said), difference(said, lab))
