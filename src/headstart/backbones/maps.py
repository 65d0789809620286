"""The last maps of a network, before space is averaged away: what says something of every place of a picture.

Shapes: n images, K maps of h rows and w columns, D features.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from headstart.backbones.encoder import Encoder
from headstart.backbones.modes import evaluating
from headstart.errors import InputError


class LastMaps(NamedTuple):
    """Where an encoder has them, and how many of which size."""

    layer: str
    """A module of the backbone."""
    shape: tuple[int, int, int]
    """(K, h, w) for images of the encoder's own shape."""

    def of(self, encoder: Encoder, images: Tensor) -> Tensor:
        """n×K×h×w, with a gradient."""
        kept: list[Tensor] = []
        module = encoder.backbone.get_submodule(self.layer)
        hook = module.register_forward_hook(lambda _module, _inputs, output: kept.append(output))
        try:
            encoder(images)
        finally:
            hook.remove()
        return kept[-1]


def last_maps(encoder: Encoder) -> LastMaps:
    """The output of the last block with weights that has rows and columns; the encoder is left as it was.

    Raises:
        InputError: There is none, weights come after it, which nothing would train, or it is a single cell.
    """
    found: list[tuple[str, Tensor]] = []
    hooks = [
        module.register_forward_hook(lambda _module, _inputs, output, name=name: found.append((name, output)))
        for name, module in encoder.backbone.named_modules()
        if any(True for _ in module.parameters())
    ]
    try:
        with evaluating(encoder), torch.enable_grad():
            encoder(encoder.mean.new_zeros(1, *encoder.shape))
    finally:
        for hook in hooks:
            hook.remove()
    maps = [(name, output) for name, output in found if isinstance(output, Tensor) and output.ndim == 4]
    if not maps or _idle(encoder.backbone, maps[-1][1]):
        raise InputError(
            f"{encoder.name} doesn't end in maps that say where in a picture something is: choose a network of "
            "convolutions, such as --backbone cnn."
        )
    if maps[-1][1].shape[2:].numel() == 1:
        raise InputError(
            f"{encoder.name} makes a single cell of pictures of {encoder.shape[2]}×{encoder.shape[1]} pixels, which "
            "doesn't say where in them something is: bring them to a larger --size, or choose --backbone cnn."
        )
    name, output = maps[-1]
    return LastMaps(name, (output.shape[1], output.shape[2], output.shape[3]))


def _idle(module: nn.Module, output: Tensor) -> bool:
    """Whether some trainable weights have no part in an output."""
    weights = [parameter for parameter in module.parameters() if parameter.requires_grad]
    return any(part is None for part in torch.autograd.grad(output.sum(), weights, allow_unused=True))
