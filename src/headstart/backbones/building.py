"""Encoders by name, from a module, or from a description on the disk."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from headstart import randomness
from headstart.backbones import own
from headstart.backbones.cnn import CNN, MLP
from headstart.backbones.encoder import Encoder
from headstart.backbones.foreign import huggingface
from headstart.backbones.foreign.usual import usual_preprocessing
from headstart.backbones.heads import feature_width, with_head, without_head
from headstart.backbones.names import PACKAGES, TUTORIAL, check_backbone, known_architecture
from headstart.backbones.pixels import Pixels
from headstart.backbones.preprocessing import Preprocessing
from headstart.backbones.timm_networks import timm_names, timm_network
from headstart.backbones.vision import torchvision_backbone, torchvision_names, torchvision_network
from headstart.backbones.vit import ViT, patch_side
from headstart.errors import InputError

LARGEST_SMALL = 64
"""Pixels a side up to which the small network is the default: a ResNet-18 at 64 px costs fifty times as much."""

SMALL_SIDE = 32
"""Pixels a side that our own networks are described for."""


@dataclass(frozen=True)
class Backbone:
    """A network that can be asked for by name."""

    name: str
    summary: str


SUMMARIES = {
    "cnn": "four 3×3 convolutions, 512 features: for small pictures on a laptop",
    "mlp": "two fully connected layers, 256 features: for tiny pictures",
    "vit": "a vision transformer of four blocks, 512 features, patches of 2 to 16 pixels: what mae and ijepa learn",
    "pixels": "the picture itself, at most 32×32",
    "resnet18": "torchvision's ResNet-18, 512 features; up to 64 px with a 3×3 first layer and no max-pool",
    "resnet34": "torchvision's ResNet-34, 512 features; the same first layer",
    "resnet50": "torchvision's ResNet-50, 2,048 features; the same first layer",
    **{name: f"timm's {its}; its ImageNet weights come with a package" for name, its in PACKAGES.items()},
    **{name: f"the classic tutorial's name for {its}" for name, its in TUTORIAL.items()},
}


def default_backbone(shape: Sequence[int]) -> str:
    """The name of what suits images of (C, H, W): the small network up to 64 px, a ResNet-18 beyond."""
    return "cnn" if max(shape[-2:]) <= LARGEST_SMALL else "resnet18"


def list_backbones() -> list[Backbone]:
    """Every backbone by name: ours, ResNets and those with weights first, then torchvision's and timm's classifiers."""
    known = set(SUMMARIES)
    vision = [name for name in torchvision_names() if name not in known]
    others = sorted(timm_names() - known - set(vision))
    return [
        *(Backbone(name, summary) for name, summary in SUMMARIES.items()),
        *(Backbone(name, "torchvision") for name in vision),
        *(Backbone(name, "timm") for name in others),
    ]


SHOWN = "NAME"
"""What the setting of `headstart backbones` is called."""


def build_classifier(name: str, classes: int, side: int | None = None) -> tuple[nn.Module, tuple[int, int, int], int]:
    """A new network of a name with its head reshaped to `classes`, what it sees (C, H, W), and its feature width.

    `side` is in pixels; None is what the architecture is usually shown. Raises what `build_encoder` does.
    """
    check_backbone(name, SHOWN)
    found = None if ":" in name else known_architecture(name)
    usual = SMALL_SIDE if found and found.library == "small" else usual_preprocessing(found).side if found else 224
    shape = (3, side or usual, side or usual)
    made = name if found else own.make(name, setting=SHOWN)
    encoder = build_encoder(made, shape, mean=(0.5,) * 3, deviation=(0.5,) * 3)
    if found and found.library == "torchvision":
        return with_head(torchvision_network(found.name, shape), classes), shape, encoder.width
    if found and found.library == "timm":
        return with_head(timm_network(found.name, shape), classes), shape, encoder.width
    parts = OrderedDict(backbone=encoder.backbone, head=nn.Linear(encoder.width, classes))
    return nn.Sequential(parts), shape, encoder.width


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
    check_backbone(backbone)
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
    recipe = {key: description[key] for key in RECIPE if key in description}
    encoder = _encoder(
        _remade(name, shape, recipe),
        name,
        shape,
        description["mean"],
        description["deviation"],
        recipe,
        **{key: description[key] for key in PREPARED if key in description},
    )
    encoder.use_norm(description.get("norm", "batch"))
    encoder.look(description.get("sight", "colours"))
    if encoder.width != description["width"]:
        raise InputError(
            f"The backbone {name} gives {encoder.width} features now; it gave {description['width']} when it was "
            "stored: it has changed since."
        )
    return encoder


def resized_encoder(encoder: Encoder, height: int, width: int, *, plain: bool = False) -> Encoder:
    """The same encoder, weights and all, for pictures of another size.

    Args:
        plain: Pictures are shown at this size as they are: for an encoder that is trained on at the size of the data.
            Otherwise its crop keeps the share it had.

    Raises:
        InputError: The backbone takes pictures of one size only.
    """
    before = encoder.shape
    if (before[1:], encoder.decode is None) == ((height, width), plain):
        return encoder
    encoder.recipe.setdefault("made_for", list(before))
    try:
        feature_width(encoder.backbone, (before[0], height, width))
    except InputError as error:
        raise InputError(
            f"{encoder.name} can't take pictures of {width}×{height} pixels: give --size {before[1]}, "
            "what it was made for."
        ) from error
    share = 1.0 if encoder.decode is None else encoder.decode / before[1]
    encoder.shape = (before[0], height, width)
    encoder.decode = None if plain or encoder.decode is None else round(height * share)
    return encoder


def prepared_encoder(encoder: Encoder, wanted: Preprocessing) -> Encoder:
    """The same encoder, weights and all, shown pictures as `wanted`.

    Raises `InputError` where it takes another number of channels, or pictures of one other size only.
    """
    if encoder.shape[0] != len(wanted.mean):
        raise InputError(f"{encoder.name} takes pictures of {encoder.shape[0]}, not of {len(wanted.mean)} channels.")
    resized_encoder(encoder, wanted.side, wanted.side)
    encoder.decode, encoder.resampling = wanted.decode, wanted.resampling
    for buffer, values in ((encoder.mean, wanted.mean), (encoder.deviation, wanted.deviation)):
        buffer.copy_(torch.tensor(values).view_as(buffer))
    return encoder


RECIPE = ("module", "arguments", "made_for", "foreign", "transformers")
"""What an encoder's description has where its name and shape don't say how its backbone is made."""

PREPARED = ("decode", "resampling", "origin")


def _encoder(
    module: nn.Module,
    name: str,
    shape: Sequence[int],
    mean: Sequence[float],
    deviation: Sequence[float],
    recipe: Mapping[str, Any],
    **prepared: Any,
) -> Encoder:
    channels, height, width = shape
    features = feature_width(module, (channels, height, width))
    return Encoder(
        module, name=name, shape=shape, width=features, mean=mean, deviation=deviation, recipe=recipe, **prepared
    )


def _remade(name: str, shape: Sequence[int], recipe: Mapping[str, Any]) -> nn.Module:
    """The backbone of a stored encoder."""
    if "transformers" in recipe:
        return huggingface.remade(recipe["transformers"])
    if "module" in recipe:
        return own.make(recipe["module"], recipe.get("arguments"))
    return _by_name(name, recipe.get("made_for", shape), foreign=recipe.get("foreign", False))


def _by_name(name: str, shape: Sequence[int], *, foreign: bool = False) -> nn.Module:
    channels, height, width = shape
    match known_architecture(name):
        case ("small", "cnn"):
            return CNN(channels, min(height, width))
        case ("small", "mlp"):
            return MLP(channels * height * width)
        case ("small", "vit"):
            return ViT(channels, patch_side(height, width))
        case ("small", _):
            return Pixels()
        case ("torchvision", its):
            return torchvision_backbone(its, (channels, height, width), foreign=foreign)
        case (_, its):
            return without_head(timm_network(its, (channels, height, width)))
