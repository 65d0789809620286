"""Networks that turn images into features, each with the preprocessing it needs."""

from headstart.backbones.building import (
    Backbone,
    build_classifier,
    build_encoder,
    default_backbone,
    list_backbones,
    prepared_encoder,
    rebuild_encoder,
    resized_encoder,
)
from headstart.backbones.encoder import Encoder
from headstart.backbones.foreign.door import foreign_encoder, is_weights_file, names_encoder
from headstart.backbones.foreign.loaded import sha256_of
from headstart.backbones.foreign.packages import installed_packages
from headstart.backbones.heads import RestingDropout, feature_width, with_head, without_head
from headstart.backbones.lora import adapt, merge
from headstart.backbones.modes import evaluating
from headstart.backbones.names import PACKAGES, check_backbone
from headstart.backbones.norms import Norm, replace_norm
from headstart.backbones.pixels import Pixels
from headstart.backbones.preprocessing import IMAGENET, Preprocessing
from headstart.backbones.timm_networks import COMMAND as PRETRAINED_COMMAND

__all__ = [
    "IMAGENET",
    "PACKAGES",
    "PRETRAINED_COMMAND",
    "Backbone",
    "Encoder",
    "Norm",
    "Pixels",
    "Preprocessing",
    "RestingDropout",
    "adapt",
    "build_classifier",
    "build_encoder",
    "check_backbone",
    "default_backbone",
    "evaluating",
    "feature_width",
    "foreign_encoder",
    "installed_packages",
    "is_weights_file",
    "list_backbones",
    "merge",
    "names_encoder",
    "prepared_encoder",
    "rebuild_encoder",
    "replace_norm",
    "resized_encoder",
    "sha256_of",
    "with_head",
    "without_head",
]
