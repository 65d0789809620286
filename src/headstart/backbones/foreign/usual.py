"""What a network of some architecture is usually shown: as its best-known weights want it."""

from __future__ import annotations

from headstart.backbones.foreign.timm_weights import timm_preprocessing
from headstart.backbones.foreign.torchvision_weights import torchvision_preprocessing, usual_weights
from headstart.backbones.names import Architecture
from headstart.backbones.preprocessing import IMAGENET, Preprocessing
from headstart.backbones.timm_networks import require_timm


def usual_preprocessing(architecture: Architecture) -> Preprocessing:
    """ImageNet's where the architecture's own weights say nothing, or there are none."""
    library, name = architecture
    if library == "timm":
        config = require_timm(name).get_pretrained_cfg(name)
        return IMAGENET if config is None else timm_preprocessing(config)
    weights = usual_weights(name) if library == "torchvision" else None
    return IMAGENET if weights is None else torchvision_preprocessing(weights)
