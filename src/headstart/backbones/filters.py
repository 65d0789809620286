"""What a network looks for first: the weights of its first layer, as pictures of what they respond to.

Shapes: K filters of C channels, h rows and w columns.
"""

from __future__ import annotations

from math import prod

from torch import Tensor, nn

from headstart.backbones.encoder import Encoder
from headstart.backbones.vit import ViT

DRAWABLE = (1, 3)
"""Channels of pictures that can be shown as they are: grey, and red, green and blue."""


def first_filters(encoder: Encoder) -> Tensor | None:
    """float K×C×h×w on the CPU: the filters of the first layer that has weights, where it sees pictures.

    A convolution, patch embeddings among them, has them as they are; each neuron of a linear layer on all pixels, or on
    those of a patch, has one of that size. What an encoder is shown alone is drawn alone, in grey: of one that looks at
    lightness, what its three equal channels come to; of one cut into halves, the filters of the half for lightness.
    None where the first layer is another, or pictures have other channels than 1 or 3.
    """
    channels = encoder.shape[0]
    leaves = (module for module in encoder.backbone.modules() if not any(True for _ in module.children()))
    first = next((leaf for leaf in leaves if any(True for _ in leaf.parameters())), None)
    if channels not in DRAWABLE or not isinstance(first, nn.Conv2d | nn.Linear):
        return None
    weights = first.weight.detach().float().cpu()
    if isinstance(first, nn.Linear):
        size = _seen_by_linear(encoder)
        if first.in_features != prod(size):
            return None
        weights = weights.view(-1, *size)
    if weights.shape[1] != (1 if encoder.sight == "halves" else channels):
        return None
    if encoder.sight == "lightness":  # divided by the deviations, which may differ between the equal channels
        weights = (weights / encoder.deviation.cpu()).sum(dim=1, keepdim=True)
    return weights


def _seen_by_linear(encoder: Encoder) -> tuple[int, int, int]:
    """What a linear layer that comes first looks at: a patch, or all of a picture."""
    backbone = encoder.backbone
    return (backbone.channels, backbone.patch, backbone.patch) if isinstance(backbone, ViT) else encoder.shape
