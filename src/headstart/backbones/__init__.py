"""Networks that turn images into features, each with the preprocessing it needs."""

from headstart.backbones.building import (
    Backbone,
    build_encoder,
    check_backbone,
    default_backbone,
    list_backbones,
    rebuild_encoder,
)
from headstart.backbones.encoder import Encoder
from headstart.backbones.heads import feature_width, with_head, without_head
from headstart.backbones.modes import evaluating
from headstart.backbones.norms import Norm, replace_norm
from headstart.backbones.pixels import Pixels

__all__ = [
    "Backbone",
    "Encoder",
    "Norm",
    "Pixels",
    "build_encoder",
    "check_backbone",
    "default_backbone",
    "evaluating",
    "feature_width",
    "list_backbones",
    "rebuild_encoder",
    "replace_norm",
    "with_head",
    "without_head",
]
