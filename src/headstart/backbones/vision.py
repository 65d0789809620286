"""torchvision's classifiers as backbones: without head, for any number of channels, with a stem for small images."""

from __future__ import annotations

from functools import cache
from typing import Any

from torch import nn

from headstart.backbones.heads import without_head
from headstart.errors import InputError

SMALL_STEM = 64
"""Pixels a side up to which a ResNet's first layer keeps the resolution: He et al. 2016, section 4.2."""


@cache
def torchvision_names() -> tuple[str, ...]:
    """All of torchvision's classifiers."""
    from torchvision import models

    return tuple(models.list_models(module=models))


def torchvision_network(name: str, shape: tuple[int, int, int], *, foreign: bool = False) -> nn.Module:
    """One of them with its head, newly initialised, for images of (C, H, W).

    `foreign` is a network that torchvision's own weights fit, which two families need to know.
    """
    from torchvision import models

    settings: dict[str, Any] = {}
    if name.startswith("vit_") and shape[1] == shape[2]:
        settings["image_size"] = shape[1]
    if name.startswith("maxvit"):
        settings["input_size"] = shape[1:]
    if name in ("googlenet", "inception_v3"):
        # Their further classifiers answer while training only, and the default of init_weights warns. Their weights
        # were brought over from a network that wants another normalisation, which it then does by itself.
        settings.update(aux_logits=False, init_weights=not foreign, transform_input=foreign)
    try:
        made: nn.Module = models.get_model(name, weights=None, **settings)
    except (RuntimeError, ValueError) as error:
        raise InputError(f"torchvision's {name} can't be made for images of {shape[1]}×{shape[2]}: {error}") from error
    return made


def torchvision_backbone(name: str, shape: tuple[int, int, int], *, foreign: bool = False) -> nn.Module:
    """One of them, newly initialised, that turns images of (C, H, W) into features."""
    module = without_head(torchvision_network(name, shape, foreign=foreign))
    if name.startswith(("resnet", "resnext", "wide_resnet")) and max(shape[1:]) <= SMALL_STEM:
        _keep_resolution(module)
    if shape[0] != 3:
        _take_channels(module, shape[0])
    return module


def _keep_resolution(resnet: nn.Module) -> None:
    """The stem for small images: 3×3 with stride 1, no max-pool."""
    resnet.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(resnet.conv1.weight, mode="fan_out", nonlinearity="relu")
    resnet.maxpool = nn.Identity()


def _take_channels(module: nn.Module, channels: int) -> None:
    """Replaces the first convolution by one for another number of channels."""
    name, first = next((name, layer) for name, layer in module.named_modules() if isinstance(layer, nn.Conv2d))
    replaced = nn.Conv2d(
        channels,
        first.out_channels,
        first.kernel_size,  # type: ignore[arg-type]
        first.stride,  # type: ignore[arg-type]
        first.padding,  # type: ignore[arg-type]
        bias=first.bias is not None,
    )
    parent, _, leaf = name.rpartition(".")
    setattr(module.get_submodule(parent), leaf, replaced)
