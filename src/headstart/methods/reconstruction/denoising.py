"""The denoising autoencoder (Vincent et al. 2010): give back the clean picture from a disturbed one."""

from __future__ import annotations

from typing import Annotated

from torch import Tensor

from headstart.backbones import Encoder
from headstart.contracts import Batch, Draw, Facts, Views
from headstart.methods.reconstruction.bottleneck import Architecture, Bottleneck, Depth, Latent, Width
from headstart.methods.reconstruction.corruption import Corruption, corrupted
from headstart.methods.reconstruction.reconstructor import Reconstruction
from headstart.settings import Range
from headstart.views import plain


class Denoising(Bottleneck):
    """The clean picture is given back from a disturbed one; the loss is on the clean one.

    Args:
        noise: gaussian, masking or salt_pepper.
        amount: Deviation of gaussian noise, else the share of pixels that are hit.
        architecture: mlp, conv, or backbone: the network named by --backbone, whose features are the latent numbers.
        hidden: Width of the hidden layers.
        depth: Hidden layers on either side, of mlp; of backbone, of what gives pictures back.
        latent: Numbers that a picture is squeezed into, of mlp and conv.
    """

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        noise: Corruption = "masking",
        amount: Annotated[float, Range(above=0, most=1)] = 0.3,
        architecture: Architecture = "mlp",
        hidden: Width = 512,
        depth: Depth = 1,
        latent: Latent = 128,
    ) -> None:
        super().__init__(encoder, facts, architecture=architecture, hidden=hidden, depth=depth, latent=latent)
        self.noise, self.amount = noise, amount

    def views(self, batch: Batch, draw: Draw) -> Views:
        """The disturbed pictures, and the clean ones, which the loss is on."""
        images = plain(batch.items, self.facts.shape)
        return corrupted(images, self.noise, self.amount, draw), images

    def reconstruct(self, images: Tensor, draw: Draw) -> Reconstruction:
        """What is given back for images in 0…1 after they were disturbed."""
        return self.restored(corrupted(images, self.noise, self.amount, draw), images)
