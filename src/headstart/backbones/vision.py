"""torchvision's classifiers as backbones: without head, for any number of channels, with a stem for small images."""

from __future__ import annotations

from typing import Any

from torch import nn

from headstart.backbones.heads import without_head

SMALL_STEM = 64
"""Pixels a side up to which a ResNet's first layer keeps the resolution: He et al. 2016, section 4.2."""


def torchvision_names() -> list[str]:
    """All of torchvision's classifiers."""
    from torchvision import models

    return list(models.list_models(module=models))


def torchvision_backbone(name: str, shape: tuple[int, int, int]) -> nn.Module:
    """One of them, newly initialised, that turns images of (C, H, W) into features."""
    from torchvision import models

    settings: dict[str, Any] = {}
    if name.startswith("vit_") and shape[1] == shape[2]:
        settings["image_size"] = shape[1]
    if name in ("googlenet", "inception_v3"):
        # Their further classifiers answer while training only; and the default of init_weights warns.
        settings.update(aux_logits=False, init_weights=True)
    module = without_head(models.get_model(name, weights=None, **settings))
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
