"""Low-rank adapters: a layer's weights stay as they are, and a product of two thin matrices learns what to add.

Hu et al. 2021, LoRA (2106.09685), section 4.1; of a convolution, on the matrix that its kernel is when flattened.
Shapes: a weight of out×…, as a matrix out×in; rank r.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

ADAPTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


class LowRank(nn.Module):
    """W + BA for a frozen W: B is zero at first, so that the layer begins as it was."""

    def __init__(self, weight: Tensor, rank: int) -> None:
        super().__init__()
        rows, columns = weight.flatten(1).shape
        rank = min(rank, rows, columns)
        self.down = nn.Parameter(weight.new_empty(rank, columns))
        self.up = nn.Parameter(weight.new_zeros(rows, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, weight: Tensor) -> Tensor:
        """The weight with what was learned added, in its own shape."""
        return weight + (self.up @ self.down).view(weight.shape)


def adapt(module: nn.Module, rank: int) -> None:
    """Gives every linear layer and convolution inside a module an adapter, in place; nothing else of it learns."""
    module.requires_grad_(False)
    for layer in _layers(module):
        parametrize.register_parametrization(layer, "weight", LowRank(layer.weight, rank))


@torch.no_grad()
def merge(module: nn.Module) -> None:
    """Adds to every adapted weight what its adapter learned, in place: the layers are ordinary ones again."""
    for layer in list(_layers(module)):
        if parametrize.is_parametrized(layer, "weight"):
            parametrize.remove_parametrizations(layer, "weight", leave_parametrized=True)


def _layers(module: nn.Module) -> Iterator[nn.Linear | nn.Conv1d | nn.Conv2d | nn.Conv3d]:
    return (layer for layer in [*module.modules()] if isinstance(layer, ADAPTED))
