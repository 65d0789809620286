"""What a network looks for first: the weights of its first layer, as pictures of what they respond to.

Shapes: K filters of C channels, h rows and w columns.
"""

from __future__ import annotations

from math import prod

from torch import Tensor, nn

from headstart.backbones.encoder import Encoder

DRAWABLE = (1, 3)
"""Channels of pictures that can be shown as they are: grey, and red, green and blue."""


def first_filters(encoder: Encoder) -> Tensor | None:
    """float K×C×h×w on the CPU: the filters of the first layer that has weights, where it sees pictures.

    A convolution, patch embeddings among them, has them as they are; each neuron of a linear layer on all pixels has
    one of the picture's size. None where the first layer is another, or pictures have other channels than 1 or 3.
    """
    channels = encoder.shape[0]
    leaves = (module for module in encoder.backbone.modules() if not any(True for _ in module.children()))
    first = next((leaf for leaf in leaves if any(True for _ in leaf.parameters())), None)
    if channels not in DRAWABLE or not isinstance(first, nn.Conv2d | nn.Linear):
        return None
    weights = first.weight.detach().float().cpu()
    if isinstance(first, nn.Linear):
        return weights.view(-1, *encoder.shape) if first.in_features == prod(encoder.shape) else None
    return weights if weights.shape[1] == channels else None
