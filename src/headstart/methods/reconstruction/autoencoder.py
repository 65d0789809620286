"""The autoencoder (Hinton and Salakhutdinov 2006): pictures through a narrow middle and back."""

from __future__ import annotations

from headstart.methods.reconstruction.bottleneck import Bottleneck


class Autoencoder(Bottleneck):
    """Pictures are given back from a few latent numbers, which are the features.

    Without options the classic one for small grey pictures: 784-128-128-10-128-128-784 where they have 28×28 pixels.

    Args:
        architecture: mlp, conv, or backbone: the network named by --backbone, whose features are the latent numbers.
        hidden: Width of the hidden layers.
        depth: Hidden layers on either side, of mlp; of backbone, of what gives pictures back.
        latent: Numbers that a picture is squeezed into, of mlp and conv.
    """
