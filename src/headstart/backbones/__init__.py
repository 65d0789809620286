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
from headstart.backbones.encoder import Encoder, Sight
from headstart.backbones.filters import first_filters
from headstart.backbones.folding import folding
from headstart.backbones.foreign.door import foreign_encoder, is_weights_file, names_encoder
from headstart.backbones.foreign.loaded import sha256_of
from headstart.backbones.foreign.packages import installed_packages
from headstart.backbones.heads import RestingDropout, feature_width, with_head, without_head
from headstart.backbones.lora import adapt, merge
from headstart.backbones.maps import LastMaps, last_maps
from headstart.backbones.modes import evaluating
from headstart.backbones.names import PACKAGES, check_backbone
from headstart.backbones.norms import Norm, norms_of, replace_norm
from headstart.backbones.pixels import Pixels
from headstart.backbones.preprocessing import IMAGENET, Preprocessing
from headstart.backbones.timm_networks import COMMAND as PRETRAINED_COMMAND
from headstart.backbones.vit import Block, ViT, initialise, patches_of, picture_of, positions

__all__ = [
    "IMAGENET",
    "PACKAGES",
    "PRETRAINED_COMMAND",
    "Backbone",
    "Block",
    "Encoder",
    "LastMaps",
    "Norm",
    "Pixels",
    "Preprocessing",
    "RestingDropout",
    "Sight",
    "ViT",
    "adapt",
    "build_classifier",
    "build_encoder",
    "check_backbone",
    "default_backbone",
    "evaluating",
    "feature_width",
    "first_filters",
    "folding",
    "foreign_encoder",
    "initialise",
    "installed_packages",
    "is_weights_file",
    "last_maps",
    "list_backbones",
    "merge",
    "names_encoder",
    "norms_of",
    "patches_of",
    "picture_of",
    "positions",
    "prepared_encoder",
    "rebuild_encoder",
    "replace_norm",
    "resized_encoder",
    "sha256_of",
    "with_head",
    "without_head",
]
