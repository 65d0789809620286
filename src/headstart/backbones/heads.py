"""The one place that knows where a network keeps its classification head, and how wide its features are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headstart.backbones.modes import evaluating
from headstart.errors import InputError

HEADS = ("fc", "classifier", "heads", "head")
"""Attributes that hold the head in torchvision's families; timm's can be told to change theirs."""


class RestingDropout(nn.Dropout):
    """The dropout that a head brought with it: features pass it untouched unless a method sets `awake`."""

    awake = False

    def forward(self, input: Tensor) -> Tensor:
        """The input; while training and awake, some of its numbers are zero and the others larger."""
        return F.dropout(input, self.p, self.training and self.awake)


def without_head(module: nn.Module) -> nn.Module:
    """The network with everything after its pooled features taken out, in place.

    Dropout before the head stays, and rests. Raises `InputError` where no known attribute holds a head.
    """
    if _change_head(module, 0):
        return module
    name = _head_name(module)
    head = getattr(module, name)
    if isinstance(head, nn.Sequential):
        rested = [RestingDropout(layer.p) if isinstance(layer, nn.Dropout) else layer for layer in head]
        setattr(module, name, nn.Sequential(*_before_last_weighted(rested)))
    else:
        setattr(module, name, nn.Identity())
        dropout = getattr(module, "dropout", None)  # GoogLeNet and Inception keep it beside the head
        if isinstance(dropout, nn.Dropout):
            module.dropout = RestingDropout(dropout.p)
    return module


def with_head(module: nn.Module, classes: int) -> nn.Module:
    """The network with its last layer reshaped to `classes` outputs and newly initialised, in place.

    Raises:
        InputError: No known attribute holds a head, or it ends in neither a linear layer nor a convolution.
    """
    if _change_head(module, classes):
        return module
    name = _head_name(module)
    head = getattr(module, name)
    if not isinstance(head, nn.Sequential):
        setattr(module, name, _reshaped(head, classes))
        return module
    place = _last_weighted([*head])
    head[place] = _reshaped(head[place], classes)
    return module


@torch.no_grad()
def feature_width(module: nn.Module, shape: tuple[int, ...]) -> int:
    """D of the n×D features that a network gives for images of (C, H, W); it is left as it was.

    Raises `InputError` where its output is not one row of numbers an image.
    """
    like = next(module.parameters(), torch.empty(0))
    try:
        with evaluating(module):
            output = module(like.new_zeros(1, *shape))
    except (RuntimeError, ValueError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"The backbone {type(module).__name__} can't take images of shape {shape}: {reason}"
        ) from error
    if not isinstance(output, torch.Tensor) or output.ndim != 2:
        found = tuple(output.shape) if isinstance(output, torch.Tensor) else type(output).__name__
        raise InputError(f"The backbone {type(module).__name__} gives {found}, not one row of features an image (n×D).")
    return int(output.shape[1])


def _change_head(module: Any, classes: int) -> bool:
    """Lets a network of timm's change its head itself; whether it is one."""
    if not callable(getattr(module, "reset_classifier", None)):
        return False
    module.reset_classifier(classes)
    return True


def _head_name(module: nn.Module) -> str:
    for name in HEADS:
        if isinstance(getattr(module, name, None), nn.Module):
            return name
    raise InputError(
        f"{type(module).__name__} has no head that is known here ({', '.join(HEADS)}): give it without one."
    )


def _last_weighted(head: Sequence[nn.Module]) -> int:
    """The place of the last layer with outputs to reshape."""
    places = [place for place, layer in enumerate(head) if isinstance(layer, nn.Linear | nn.Conv2d)]
    if not places:
        raise InputError("The head ends in neither a linear layer nor a convolution: it can't be reshaped.")
    return places[-1]


def _before_last_weighted(layers: Sequence[nn.Module]) -> list[nn.Module]:
    """What a head does before its classes: nothing for one layer, hidden layers for several.

    A convolution as classifier (SqueezeNet) is followed by its pooling, which is kept: the features need it too.
    """
    place = _last_weighted(layers)
    after = layers[place + 1 :] if isinstance(layers[place], nn.Conv2d) else []
    return [*layers[:place]] + [layer for layer in after if not isinstance(layer, nn.ReLU)]


def _reshaped(layer: nn.Module, classes: int) -> nn.Module:
    if isinstance(layer, nn.Linear):
        return nn.Linear(layer.in_features, classes, bias=layer.bias is not None)
    if isinstance(layer, nn.Conv2d):
        return nn.Conv2d(layer.in_channels, classes, layer.kernel_size, layer.stride, layer.padding)  # type: ignore[arg-type]
    raise InputError(
        f"A head of type {type(layer).__name__} can't be reshaped: it is neither linear nor a convolution."
    )
