"""Encoders by name, from a module, or from a description on the disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from torch import nn

from headstart import randomness
from headstart.backbones import own
from headstart.backbones.cnn import CNN, MLP
from headstart.backbones.encoder import Encoder
from headstart.backbones.heads import feature_width
from headstart.backbones.pixels import Pixels
from headstart.backbones.vision import torchvision_backbone, torchvision_names
from headstart.errors import InputError

LARGEST_SMALL = 64
"""Pixels a side up to which the small network is the default: a ResNet-18 at 64 px costs fifty times as much."""


@dataclass(frozen=True)
class Backbone:
    """A network that can be asked for by name."""

    name: str
    summary: str


SMALL = (
    Backbone("cnn", "four 3×3 convolutions, 256 features: for small pictures on a laptop"),
    Backbone("mlp", "two fully connected layers, 256 features: for tiny pictures"),
    Backbone("pixels", "the picture itself, at most 32×32"),
)
RESNETS = (
    Backbone("resnet18", "torchvision's ResNet-18, 512 features; up to 64 px with a 3×3 first layer and no max-pool"),
    Backbone("resnet34", "torchvision's ResNet-34, 512 features; the same first layer"),
    Backbone("resnet50", "torchvision's ResNet-50, 2,048 features; the same first layer"),
)


def default_backbone(shape: Sequence[int]) -> str:
    """The name of what suits images of (C, H, W): the small network up to 64 px, a ResNet-18 beyond."""
    return "cnn" if max(shape[-2:]) <= LARGEST_SMALL else "resnet18"


def list_backbones() -> list[Backbone]:
    """Every backbone by name: ours and ResNets first, then all of torchvision's classifiers."""
    known = {backbone.name for backbone in RESNETS}
    others = [name for name in torchvision_names() if name not in known]
    return [*SMALL, *RESNETS, *(Backbone(name, "torchvision") for name in others)]


def check_backbone(name: str | None) -> None:
    """Raises `InputError`, with near names, where there is no such backbone; classes of one's own are not looked at."""
    ours = [backbone.name for backbone in (*SMALL, *RESNETS)]
    if name is None or ":" in name or name in ours:
        return
    known = torchvision_names()
    if name not in known:
        near = get_close_matches(name, [*ours, *known])
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise InputError(f"--backbone {name} is not known.{hint} `headstart backbones` lists them all.")


def build_encoder(
    backbone: str | nn.Module,
    shape: Sequence[int],
    *,
    mean: Sequence[float],
    deviation: Sequence[float],
    seed: int = 0,
) -> Encoder:
    """A newly initialised encoder for images of `shape` (C, H, W); its weights depend on `seed` alone.

    Args:
        backbone: A name, `./file.py:Class` or `package.module:Class`, or a module that gives n×D features.
        mean: Of each channel over the training pixels, in 0…1.
        deviation: Likewise.

    Raises:
        InputError: No such backbone, or it can't take images of this shape.
    """
    if isinstance(backbone, nn.Module):
        return _encoder(backbone, type(backbone).__name__, shape, mean, deviation, own.remembered(backbone))
    with randomness.seeded(seed, "backbone"):
        if ":" in backbone:
            module = own.make(backbone)
            return _encoder(module, backbone, shape, mean, deviation, {"module": own.resolved(backbone)})
        return _encoder(_by_name(backbone, shape), backbone, shape, mean, deviation, {})


def rebuild_encoder(description: Mapping[str, Any]) -> Encoder:
    """An encoder of the form that `Encoder.describe` gave; its weights are to be loaded next.

    Raises:
        InputError: Its backbone was a module of the user's own that can't be imported or made here, or has changed.
    """
    name, shape = description["backbone"], description["shape"]
    recipe = {key: description[key] for key in ("module", "arguments") if key in description}
    module = own.make(recipe["module"], recipe.get("arguments")) if recipe else _by_name(name, shape)
    encoder = _encoder(module, name, shape, description["mean"], description["deviation"], recipe)
    encoder.use_norm(description.get("norm", "batch"))
    if encoder.width != description["width"]:
        raise InputError(
            f"The backbone {name} gives {encoder.width} features now; it gave {description['width']} when it was "
            "stored: it has changed since."
        )
    return encoder


def _encoder(
    module: nn.Module,
    name: str,
    shape: Sequence[int],
    mean: Sequence[float],
    deviation: Sequence[float],
    recipe: Mapping[str, Any],
) -> Encoder:
    width = feature_width(module, tuple(shape))
    return Encoder(module, name=name, shape=shape, width=width, mean=mean, deviation=deviation, recipe=recipe)


def _by_name(name: str, shape: Sequence[int]) -> nn.Module:
    channels, height, width = shape
    match name:
        case "cnn":
            return CNN(channels, min(height, width))
        case "mlp":
            return MLP(channels * height * width)
        case "pixels":
            return Pixels()
    check_backbone(name)
    return torchvision_backbone(name, (channels, height, width))
