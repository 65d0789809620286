"""A network cut into two halves of half the width that share nothing: one is shown lightness, the other colours.

Shapes: n images of H rows and W columns; D features, of which the first D/2 are those of lightness.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from headstart.backbones.modes import evaluating
from headstart.errors import InputError

LAB_MEAN = (0.5, 128 / 255, 128 / 255)
LAB_DEVIATION = (0.25, 0.04, 0.065)
"""Of L, a and b in 0…1 as `as_lab_bytes` gives them: about those of CIFAR-10."""


class Fork(nn.Module):
    """The first convolution: n×3×H×W of Lab → n×C×h×w, half of the channels from L and half from a and b."""

    def __init__(self, whole: nn.Conv2d) -> None:
        super().__init__()
        self.lightness, self.colour = (_first(whole, channels) for channels in (1, 2))

    def forward(self, lab: Tensor) -> Tensor:
        """Both halves' channels, those of lightness first."""
        return torch.cat([self.lightness(lab[:, :1]), self.colour(lab[:, 1:])], dim=1)


def halved(module: nn.Module, shape: tuple[int, int, int], name: str) -> nn.Module:
    """The network with its convolutions in two groups, in place: what led from one half to the other is dropped.

    What stays is scaled up for the inputs that are gone; the first convolution is new. Images are of `shape` (C, H, W).

    Raises:
        InputError: The halves can't be kept apart, because something mixes all channels.
    """
    convolutions = [(path, part) for path, part in module.named_modules() if isinstance(part, nn.Conv2d)]
    odd = any(conv.out_channels % 2 or (conv.groups > 1 and conv.groups % 2) for _, conv in convolutions)
    if not convolutions or odd:
        raise _mixes(name)
    (path, first), *others = convolutions
    for _, conv in others:
        if conv.groups == 1:
            _group(conv)
    parent, _, leaf = path.rpartition(".")
    setattr(module.get_submodule(parent), leaf, Fork(first))
    if not _apart(module, shape):
        raise _mixes(name)
    return module


def _first(whole: nn.Conv2d, channels: int) -> nn.Conv2d:
    """A newly initialised convolution like `whole`, from `channels` to half as many as it has."""
    half = copy.deepcopy(whole)
    half.in_channels, half.out_channels = channels, whole.out_channels // 2
    half.weight = nn.Parameter(whole.weight.new_empty(half.out_channels, channels, *whole.kernel_size))
    if whole.bias is not None:
        half.bias = nn.Parameter(whole.bias.new_empty(half.out_channels))
    half.reset_parameters()
    return half


def _group(conv: nn.Conv2d) -> None:
    """Two groups, each with its own part of the weights there were."""
    rows, columns = (count // 2 for count in conv.weight.shape[:2])
    own = torch.cat([conv.weight[:rows, :columns], conv.weight[rows:, columns:]])
    conv.weight = nn.Parameter(math.sqrt(2) * own.detach())
    conv.groups = 2


@torch.no_grad()
def _apart(module: nn.Module, shape: tuple[int, int, int]) -> bool:
    """Whether the features have two halves, neither of which changes with what the other is shown."""
    made = torch.Generator().manual_seed(0)
    one, other = torch.randn(2, 1, *shape, generator=made).to(next(module.parameters()))
    crossed = torch.cat([one[:, :1], other[:, 1:]], dim=1)
    with evaluating(module):
        features = module(torch.cat([one, crossed, other]))
    if features.shape[1] % 2:
        return False
    lightness, colour = features.chunk(2, dim=1)
    same = ((lightness[0], lightness[1]), (colour[1], colour[2]))
    return all(torch.allclose(mine, its, rtol=1e-4, atol=1e-6) for mine, its in same)


def _mixes(name: str) -> InputError:
    return InputError(
        f"{name} can't be cut into two halves, one for lightness and one for colours: something in it mixes all "
        "channels. Networks of convolutions alone can, such as --backbone cnn or resnet18."
    )
