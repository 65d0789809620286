"""Batch norm done by the convolution before it, while a network is only looked at.

In evaluation mode batch norm scales and moves each channel by fixed numbers, which a convolution can do by its weights
and bias (Jacob et al. 2018, arXiv 1712.05877, section 3.2). Networks of light convolutions take a third less time so.
What follows what is seen in a forward pass, whatever the modules are; none of them is changed.
"""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torch.overrides import TorchFunctionMode

ABOUT_FORM = (int, torch.Size, torch.dtype, torch.device, type(None))
"""What an operation gives that asks for the form of a tensor, not for its numbers."""

NORM = inspect.signature(F.batch_norm)


def folding(forward: Callable[[Tensor], object], example: Tensor) -> AbstractContextManager[object]:
    """A context in which `forward` gives what it gave before, within rounding, in fewer operations.

    Where a batch norm takes what a convolution gives, and nothing else does, the convolution does both; the rest runs
    as it is. `forward` is in evaluation mode, and takes the same way for the `example` as for what it is given later.
    """
    watching = _Watching()
    with watching:
        forward(example)
    pairs = list(watching.pairs())
    return _Folding(pairs) if pairs else nullcontext()


class _Pair(NamedTuple):
    """A convolution whose output goes into a batch norm alone."""

    weight: Tensor
    norm: Tensor
    """The running mean, by which the batch norm is recognised."""
    folded: tuple[Tensor, Tensor]
    """Weight and bias of the convolution that does both."""


class _Watching(TorchFunctionMode):
    """Notes convolutions and batch norms, and how many operations take each tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.convolutions: dict[int, tuple[Tensor, Tensor, Tensor | None]] = {}
        """By the id of an output: that output, held so that its id stays its own, then weight and bias."""
        self.norms: list[Mapping[str, Any]] = []
        self.taken: Counter[int] = Counter()

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        made = func(*args, **(kwargs or {}))
        if not isinstance(made, ABOUT_FORM):
            self.taken.update(map(id, _tensors([*args, *(kwargs or {}).values()])))
        if func is torch.conv2d and len(args) > 2:
            self.convolutions[id(made)] = (made, args[1], args[2])
            self.taken[id(made)] = 0  # a tensor that is gone may have had this id
        elif func is F.batch_norm:
            self.norms.append(NORM.bind(*args, **(kwargs or {})).arguments)
        return made

    def pairs(self) -> Iterator[_Pair]:
        """Weights that are made anew for every pass, or serve twice, are none of a pair."""
        for norm in self.norms:
            output, weight, bias = self.convolutions.get(id(norm["input"]), (None, None, None))
            mean, variance = norm["running_mean"], norm["running_var"]
            if not isinstance(weight, nn.Parameter) or mean is None or norm.get("training", False):
                continue
            if all(self.taken[id(one)] == 1 for one in (output, weight, mean)):
                scale = norm.get("eps", NORM.parameters["eps"].default), norm.get("weight"), norm.get("bias")
                yield _Pair(weight, mean, fuse_conv_bn_weights(weight, bias, mean, variance, *scale))


class _Folding(TorchFunctionMode):
    """Gives the convolutions of pairs their other weights, and leaves the batch norms out."""

    def __init__(self, pairs: Sequence[_Pair]) -> None:
        super().__init__()
        self.folded = {id(pair.weight): pair.folded for pair in pairs}
        self.left_out = {id(pair.norm) for pair in pairs}

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func is torch.conv2d and len(args) > 2 and id(args[1]) in self.folded:
            args = (args[0], *self.folded[id(args[1])], *args[3:])
        elif func is F.batch_norm and id(args[1]) in self.left_out:
            return args[0]
        return func(*args, **(kwargs or {}))


def _tensors(values: Sequence[Any]) -> Iterator[Tensor]:
    """The tensors among some values, and in lists among them."""
    for value in values:
        if isinstance(value, Tensor):
            yield value
        elif isinstance(value, list | tuple):
            yield from _tensors(value)
