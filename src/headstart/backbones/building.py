"""Encoders by name, from a module, or from a description on the disk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from torch import nn

from headstart import randomness
from headstart.backbones.cnn import CNN, MLP
from headstart.backbones.encoder import Encoder
from headstart.backbones.heads import feature_width, without_head
from headstart.backbones.pixels import Pixels
from headstart.errors import InputError
from headstart.importing import import_target

SMALL_STEM = 64
"""Pixels a side up to which a ResNet's first layer keeps the resolution: He et al. 2016, section 4.2."""


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
    """The name of what suits images of (C, H, W): the small network up to 40 px, a ResNet-18 beyond."""
    return "cnn" if max(shape[-2:]) <= 40 else "resnet18"


def list_backbones() -> list[Backbone]:
    """Every backbone by name: ours and ResNets first, then all of torchvision's classifiers."""
    from torchvision import models

    known = {backbone.name for backbone in RESNETS}
    others = [name for name in models.list_models(module=models) if name not in known]
    return [*SMALL, *RESNETS, *(Backbone(name, "torchvision") for name in others)]


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
    channels, height, width = (int(length) for length in shape)
    recipe: dict[str, Any] = {}
    if isinstance(backbone, nn.Module):
        module, name = backbone, type(backbone).__name__
        recipe["module"] = f"{type(backbone).__module__}:{type(backbone).__qualname__}"
    else:
        name = backbone
        with randomness.seeded(seed, "backbone"):
            module = _by_name(name, (channels, height, width))
    features = feature_width(module, (channels, height, width))
    return Encoder(
        module,
        name=name,
        shape=(channels, height, width),
        width=features,
        mean=mean,
        deviation=deviation,
        recipe=recipe,
    )


def rebuild_encoder(description: Mapping[str, Any]) -> Encoder:
    """An encoder of the form that `Encoder.describe` gave; its weights are to be loaded next.

    Raises:
        InputError: Its backbone was a module of the user's own that can't be imported, or needs arguments, here.
    """
    name: str | nn.Module = description["backbone"]
    if "module" in description:
        name = _imported(description["module"])
    encoder = build_encoder(name, description["shape"], mean=description["mean"], deviation=description["deviation"])
    if encoder.width != description["width"]:
        raise InputError(
            f"The backbone {description['backbone']} gives {encoder.width} features now; it gave "
            f"{description['width']} when it was stored: it has changed since."
        )
    return encoder


def check_backbone(name: str | None) -> None:
    """Raises `InputError`, with near names, where there is no such backbone; classes of one's own are not looked at."""
    small = [backbone.name for backbone in (*SMALL, *RESNETS)]
    if name is None or ":" in name or name in small:
        return
    from torchvision import models

    known = models.list_models(module=models)
    if name not in known:
        near = get_close_matches(name, [*small, *known])
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise InputError(f"--backbone {name} is not known.{hint} `headstart backbones` lists them all.")


def _by_name(name: str, shape: tuple[int, int, int]) -> nn.Module:
    channels, height, width = shape
    small: dict[str, Callable[[], nn.Module]] = {
        "cnn": lambda: CNN(channels, min(height, width)),
        "mlp": lambda: MLP(channels * height * width),
        "pixels": Pixels,
    }
    if name in small:
        return small[name]()
    if ":" in name:
        return _imported(name)
    return _torchvision(name, shape)


def _torchvision(name: str, shape: tuple[int, int, int]) -> nn.Module:
    """One of torchvision's classifiers without its head, with as many input channels as the images have."""
    from torchvision import models

    check_backbone(name)
    settings: dict[str, Any] = {"image_size": shape[1]} if name.startswith("vit_") and shape[1] == shape[2] else {}
    if name in ("googlenet", "inception_v3"):
        settings["init_weights"] = True  # the default is about to change, and warns
    module: nn.Module = without_head(models.get_model(name, weights=None, **settings))
    if name.startswith(("resnet", "resnext", "wide_resnet")) and max(shape[1:]) <= SMALL_STEM:
        module.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(module.conv1.weight, mode="fan_out", nonlinearity="relu")
        module.maxpool = nn.Identity()
    if shape[0] != 3:
        _take_channels(module, shape[0])
    return module


def _take_channels(module: nn.Module, channels: int) -> None:
    """Replaces the first convolution by one for another number of channels."""
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Conv2d):
            first = nn.Conv2d(
                channels,
                layer.out_channels,
                layer.kernel_size,  # type: ignore[arg-type]
                layer.stride,  # type: ignore[arg-type]
                layer.padding,  # type: ignore[arg-type]
                bias=layer.bias is not None,
            )
            parent, _, leaf = name.rpartition(".")
            setattr(module.get_submodule(parent), leaf, first)
            return


def _imported(target: str) -> nn.Module:
    """`package.module:Class` or `./file.py:Class`, called without arguments."""
    made = import_target(target, "--backbone")
    try:
        module = made()
    except TypeError as error:
        raise InputError(f"The backbone {target} can't be made without arguments ({error}).") from error
    if not isinstance(module, nn.Module):
        raise InputError(f"The backbone {target} is a {type(module).__name__}, not a torch.nn.Module.")
    return module
