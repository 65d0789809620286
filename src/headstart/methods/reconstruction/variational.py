"""The variational autoencoder (Kingma and Welling 2014, arXiv 1312.6114): latent numbers with a spread of their own.

Shapes: n images, K latent numbers.
"""

from __future__ import annotations

from math import prod
from typing import Annotated, cast

from torch import Tensor, nn

from headstart.backbones import Encoder
from headstart.contracts import Batch, Draw, Facts, Losses, Progress, Views
from headstart.losses import binary_cross_entropy
from headstart.methods.reconstruction.bottleneck import Architecture, Bottleneck, Depth, Latent, Width
from headstart.methods.reconstruction.networks import Narrowing
from headstart.settings import Range
from headstart.views import plain


class Variational(Bottleneck):
    """Each picture becomes a normal distribution of latent numbers, near the standard one; its mean is the features.

    Args:
        weight: Of the divergence from the standard normal distribution; 1 is the paper's bound.
        architecture: mlp, conv, or backbone: the network named by --backbone, whose features are the means.
        hidden: Width of the hidden layers.
        depth: Hidden layers on either side, of mlp; of backbone, of what gives pictures back.
        latent: Numbers that a picture is squeezed into, of mlp and conv.
    """

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        weight: Annotated[float, Range(least=0)] = 1.0,
        architecture: Architecture = "mlp",
        hidden: Width = 128,
        depth: Depth = 2,
        latent: Latent = 10,
    ) -> None:
        super().__init__(encoder, facts, architecture=architecture, hidden=hidden, depth=depth, latent=latent)
        self.weight = weight
        width = self.encoder.width
        before = width if architecture == "backbone" else self._own.middle.in_features
        self.log_variance = nn.Linear(before, width)

    def views(self, batch: Batch, draw: Draw) -> Views:
        """The pictures as they are, and n×K standard normal numbers to draw latent ones with."""
        return plain(batch.items, self.facts.shape), draw.normal("latent", self.encoder.width)

    def loss(self, views: Views, progress: Progress) -> Losses:
        """The negative evidence lower bound in nats a pixel (equation 10), its two parts logged beside it."""
        images, noise = views
        mean, log_variance = self.distribution(images)
        latent = mean + (0.5 * log_variance).exp() * noise
        error = binary_cross_entropy(self.decoder(latent), images)
        divergence = kl_divergence(mean, log_variance).mean() / prod(images.shape[1:])
        return {"loss": error + self.weight * divergence, "error": error, "divergence": divergence}

    def distribution(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """n×K means and logarithms of variances."""
        if self.architecture == "backbone":
            mean = self.encoder(images)
            return mean, self.log_variance(mean)
        body = self._own.body((images - self.encoder.mean) / self.encoder.deviation)
        return self._own.middle(body), self.log_variance(body)

    @property
    def _own(self) -> Narrowing:
        """The network that the method built."""
        return cast("Narrowing", self.encoder.backbone)


def kl_divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """n: of normal distributions (n×K means and log variances) from the standard one (appendix B)."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(dim=1)
