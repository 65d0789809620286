"""What colorization and the split brain share: colour pictures, of which one part of Lab is said from another.

Shapes: n pictures of H rows and W columns.
"""

from __future__ import annotations

import torch
from torch import Tensor

from headstart.backbones import Encoder, Sight, last_maps
from headstart.contracts import Batch, Draw, Facts, Recipe, Views
from headstart.errors import InputError
from headstart.methods.reconstruction.reconstructor import Reconstructor
from headstart.views import mirrored, plain


class CrossChannel(Reconstructor):
    """An encoder that is shown a part of Lab, now and in every later use, and ends in maps to say the rest from."""

    recipe = Recipe(optimizer="adamw", lr=2e-3, weight_decay=5e-2, batch_size=128, epochs=60, warmup_epochs=5)
    measure = "colour difference (CIE 1976)"

    def __init__(self, encoder: Encoder, facts: Facts, sight: Sight, who: str) -> None:
        require_colours(facts, who)
        super().__init__(encoder, facts)
        encoder.look(sight)
        self.maps = last_maps(encoder)

    def views(self, batch: Batch, draw: Draw) -> Views:
        """The pictures, each other one mirrored where its draw says so (not with the views `glyphs`)."""
        return (mirrored(plain(batch.items, self.facts.shape), draw, self.facts.views),)


def difference(said: Tensor, lab: Tensor) -> Tensor:
    """n: the distance of n×3×H×W pictures in Lab, a mean over the places of each."""
    apart: Tensor = torch.linalg.vector_norm(said - lab, dim=1)
    return apart.flatten(1).mean(dim=1)


def require_colours(facts: Facts, who: str) -> None:
    """Raises `InputError` naming `who` needs them, where the pictures are grey or have other channels than RGB."""
    if facts.grey or facts.shape[0] == 1:
        raise InputError(f"{who} learns from colours, and these pictures are grey: choose another method.")
    if facts.shape[0] != 3:
        raise InputError(
            f"{who} learns from red, green and blue, and these pictures have {facts.shape[0]} channels: "
            "choose another method."
        )
