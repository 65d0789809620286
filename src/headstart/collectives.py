"""What processes that train together tell each other; on one process every function here is the identity.

Shapes: n rows in this process, N rows over all processes, C channels.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn

from headstart.errors import InputError


def world_size() -> int:
    """How many processes train together."""
    return distributed.get_world_size() if _together() else 1


def rank() -> int:
    """Which of them this is, from 0."""
    return distributed.get_rank() if _together() else 0


def gather(rows: Tensor) -> Tensor:
    """n×… rows of every process as N×…, in the order of ranks, with a gradient.

    The gradient of a row is summed over all processes that used it. A loss that is its rank's mean and is averaged by
    DDP needs no further factor.
    """
    return _Gather.apply(rows) if world_size() > 1 else rows


def total(values: Tensor) -> Tensor:
    """The sum over processes, with a gradient."""
    return _Total.apply(values) if world_size() > 1 else values


def global_mean(summed: Tensor, count: Tensor) -> Tensor:
    """The mean of values of which each process holds another number: Σ sums / Σ counts.

    `summed` is this process's sum (with a gradient), `count` how many values it is of. The result is scaled so that the
    average over processes that DDP takes of the gradients is the gradient of the mean.
    """
    if world_size() == 1:
        return summed / count
    counts = count.detach().clone().to(summed.dtype)
    distributed.all_reduce(counts)
    mine = summed * world_size() / counts
    everyone = mine.detach().clone()
    distributed.all_reduce(everyone)
    return mine + (everyone / world_size() - mine).detach()


def _together() -> bool:
    return distributed.is_available() and distributed.is_initialized()


class _Gather(torch.autograd.Function):
    """all_gather forward, sum over processes backward."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        ctx.count = len(rows)
        parts = [torch.empty_like(rows) for _ in range(world_size())]
        distributed.all_gather(parts, rows.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        summed = gradients[0].contiguous().clone()
        distributed.all_reduce(summed)
        return summed[rank() * ctx.count : (rank() + 1) * ctx.count]


class _Total(torch.autograd.Function):
    """all_reduce forward and backward."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        summed = values.contiguous().clone()
        distributed.all_reduce(summed)
        return summed

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        summed = gradients[0].contiguous().clone()
        distributed.all_reduce(summed)
        return summed


class GlobalBatchNorm(nn.BatchNorm2d):
    """Batch norm over the items of all processes, on any device; torch's own refuses CPU tensors.

    Takes n×C, n×C×L and n×C×H×W; n may differ by process. Two differentiable sums: the mean first, then the squares
    around it, which keeps digits that a difference of large squares would lose. Both are taken in float32 at least, as
    torch does: float16 can't count beyond 65,504, and a channel of a few pictures has more values. On one process it
    is `nn.BatchNorm2d`.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        if input.ndim not in (2, 3, 4):
            raise ValueError(f"expected n×C, n×C×L or n×C×H×W, got {tuple(input.shape)}")

    def forward(self, input: Tensor) -> Tensor:
        """The input normalised over all processes while training, by the running statistics otherwise."""
        if not self.training or world_size() == 1:
            return super().forward(input)
        self._check_input_dim(input)
        with torch.autocast(input.device.type, enabled=False):
            return self._normalised(input.to(torch.promote_types(input.dtype, torch.float32))).to(input.dtype)

    def _normalised(self, values: Tensor) -> Tensor:
        axes = [axis for axis in range(values.ndim) if axis != 1]
        mine = values.new_full((1,), values.numel() // values.shape[1])
        sums = total(torch.cat([values.sum(axes), mine]))
        count = sums[-1].detach()
        mean = sums[:-1] / count
        shape = (1, -1) + (1,) * (values.ndim - 2)
        centred = values - mean.view(shape)
        variance = total(centred.square().sum(axes)) / count
        self._track(mean.detach(), variance.detach(), count)
        normal = centred * torch.rsqrt(variance + self.eps).view(shape)
        return torch.addcmul(self.bias.view(shape), normal, self.weight.view(shape)) if self.affine else normal

    @torch.no_grad()
    def _track(self, mean: Tensor, variance: Tensor, count: Tensor) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        share = self.momentum if self.momentum is not None else 1.0 / float(self.num_batches_tracked)
        self.running_mean.lerp_(mean.to(self.running_mean), share)
        self.running_var.lerp_((variance * count / (count - 1).clamp_min(1)).to(self.running_var), share)


class GlobalNormAct(GlobalBatchNorm):
    """One with a dropout and an activation of its own, as timm's `BatchNormAct2d`."""

    drop: nn.Module
    act: nn.Module

    def forward(self, input: Tensor) -> Tensor:
        """As `GlobalBatchNorm`, then both."""
        activated: Tensor = self.act(self.drop(super().forward(input)))
        return activated


def synchronise_batch_norm(module: nn.Module) -> None:
    """Turns every batch norm of a module into a global one where it is, so that whoever holds it still does.

    Raises `InputError` for a kind of batch norm whose forward pass is not known.
    """
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.__class__ = _global_kind(part)


def _global_kind(norm: nn.Module) -> type[GlobalBatchNorm]:
    if type(norm) in (nn.BatchNorm1d, nn.BatchNorm2d, GlobalBatchNorm):
        return GlobalBatchNorm
    if isinstance(norm, nn.BatchNorm2d) and hasattr(norm, "drop") and hasattr(norm, "act"):
        return GlobalNormAct
    raise InputError(
        f"{type(norm).__name__} can't be counted over several processes: train on one, or take a network with "
        "nn.BatchNorm2d."
    )
