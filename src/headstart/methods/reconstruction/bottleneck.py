"""What the autoencoders share: a narrow middle, a mirror image of the encoder, and pixels compared with pixels.

Shapes: n images of C channels, H rows and W columns; K latent numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Annotated, Literal

from torch import Tensor, nn
from torch.nn import functional as F

from headstart.backbones import Encoder, build_encoder
from headstart.contracts import Batch, Draw, Facts, Losses, Progress, Recipe, Views
from headstart.losses import binary_cross_entropy
from headstart.methods.reconstruction.networks import ConvDecoder, ConvEncoder, DenseDecoder, DenseEncoder
from headstart.methods.reconstruction.reconstructor import Reconstruction, Reconstructor
from headstart.settings import OnlyWith, Range
from headstart.views import plain

Architecture = Literal["mlp", "conv", "backbone"]
Width = Annotated[int, Range(least=1)]
Depth = Annotated[int, Range(least=0), OnlyWith("architecture", ("mlp", "backbone"))]
Latent = Annotated[Width, OnlyWith("architecture", ("mlp", "conv"))]


class Bottleneck(Reconstructor):
    """Gives pictures back from a few numbers, by binary cross-entropy on pixels in 0…1.

    With `backbone` the features are those of the encoder it was given, without a middle of their own; `mlp` and `conv`
    build an encoder of the method's own, which sees pixels as they are.
    """

    recipe = Recipe(
        optimizer="adamw",
        lr=1e-3,
        weight_decay=0.0,
        betas=(0.9, 0.999),
        batch_size=128,
        epochs=20,
        warmup_epochs=0,
        schedule="constant",
    )
    uses_views = False
    builds_encoder = True
    measure = "binary cross-entropy"

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        architecture: Architecture = "mlp",
        hidden: Width = 128,
        depth: Depth = 2,
        latent: Latent = 10,
    ) -> None:
        shape = facts.shape
        super().__init__(_encoder(encoder, shape, architecture, hidden, depth, latent), facts)
        self.architecture = architecture
        width = self.encoder.width
        if architecture == "conv":
            self.decoder: nn.Module = ConvDecoder(width, shape, hidden)
        else:
            self.decoder = DenseDecoder(width, shape, hidden, depth)

    def views(self, batch: Batch, draw: Draw) -> Views:
        """The pictures as they are."""
        return (plain(batch.items, self.facts.shape),)

    def loss(self, views: Views, progress: Progress) -> Losses:
        """Mean over all pixels, of the last view where the network is shown another."""
        seen, images = views[0], views[-1]
        return {"loss": binary_cross_entropy(self.decoder(self.encoder(seen)), images)}

    def decode(self, latent: Tensor) -> Tensor:
        """n×C×H×W in 0…1 of n×K."""
        pixels: Tensor = self.decoder(latent).sigmoid()
        return pixels

    def reconstruct(self, images: Tensor, draw: Draw) -> Reconstruction:
        """What is given back for images in 0…1; `draw` is for methods that disturb something first."""
        return self.restored(images, images)

    def restored(self, seen: Tensor, images: Tensor) -> Reconstruction:
        """What is given back for what was seen of the images."""
        given = self.decode(self.encoder(seen))
        wrong = F.binary_cross_entropy(given.clamp(0, 1), images, reduction="none")
        return Reconstruction(seen, given, wrong.flatten(1).mean(dim=1))


def _encoder(
    encoder: Encoder, shape: Sequence[int], architecture: str, hidden: int, depth: int, latent: int
) -> Encoder:
    """The given encoder, or one of the method's own that sees pixels in 0…1 as they are."""
    if architecture == "backbone":
        return encoder
    module: nn.Module = (
        ConvEncoder(shape, hidden, latent)
        if architecture == "conv"
        else DenseEncoder(prod(shape), hidden, depth, latent)
    )
    return build_encoder(module, shape, mean=(0.0,) * shape[0], deviation=(1.0,) * shape[0])
