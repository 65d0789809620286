"""Gradient reversal: what an adversary learns from, its opponent unlearns, under one loss and one optimiser.

Ganin et al. 2016, arXiv 1505.07818, equations 15 to 18.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


def reverse_gradient(values: Tensor, strength: float) -> Tensor:
    """The values as they are; their gradient comes back multiplied by -strength."""
    reversed_: Tensor = _Reverse.apply(values, strength)
    return reversed_


def reversal_strength(done: float, *, steepness: float = 10.0) -> float:
    """λ = 2 / (1 + exp(-γp)) - 1: from 0 to nearly 1 while training goes from p = 0 to 1; section 5.2.2."""
    return 2 / (1 + math.exp(-steepness * done)) - 1


class _Reverse(torch.autograd.Function):
    """The identity forward."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, strength: float) -> Tensor:
        ctx.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return -ctx.strength * gradients[0], None
