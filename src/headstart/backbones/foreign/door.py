"""The one door for weights that somebody else trained, whatever their name."""

from __future__ import annotations

import re
from pathlib import Path

from headstart.backbones.encoder import Encoder
from headstart.backbones.foreign.files import load_file
from headstart.backbones.foreign.huggingface import load_transformer
from headstart.backbones.foreign.loaded import Loaded
from headstart.backbones.foreign.packages import load_package
from headstart.backbones.foreign.reading import ENDINGS
from headstart.backbones.foreign.timm_weights import load_timm
from headstart.backbones.foreign.torchvision_weights import load_torchvision
from headstart.backbones.names import PACKAGES, SMALL, find_architecture, known_architecture, torchvisions_own
from headstart.backbones.vision import torchvision_names
from headstart.errors import InputError
from headstart.terminal import note


def foreign_encoder(name: str, *, backbone: str | None = None, download: bool = False) -> Encoder:
    """The encoder that `name` stands for, with its preprocessing, in evaluation mode.

    Args:
        name: `efficientnet-lite0`; `resnet18` or `resnet18:IMAGENET1K_V1`; `timm/resnet10t`; an id of Hugging Face
            such as `facebook/dinov2-small`, or a folder that `save_pretrained` wrote; a .safetensors, .pt or .pth file.
        backbone: The architecture of weights in a file.
        download: Weights that aren't on this machine may be brought to it.

    Raises:
        InputError: Nothing is called so, or it can't be had, read or fitted.
        RunError: It can't be downloaded.
    """
    found = _load(name, backbone, download)
    if found.left_out:
        more = f" and {len(found.left_out) - 4} more" if len(found.left_out) > 4 else ""
        note(f"{name}: features don't need {', '.join(found.left_out[:4])}{more}, so they were left out.")
    if found.assumed:
        note(found.assumed)
    return found.encoder()


def names_encoder(name: str) -> bool:
    """Whether `name` can stand for weights somebody else trained; whether they can be had is another question."""
    return (
        name in PACKAGES
        or is_weights_file(name)
        or (Path(name) / "config.json").is_file()
        or _is_torchvisions(name)
        or (name not in SMALL and find_architecture(name) is not None)
        or _is_hub_id(name)
    )


def is_weights_file(name: str) -> bool:
    """Whether a name is that of a file of weights, there or not."""
    return name.endswith(ENDINGS)


def _load(name: str, backbone: str | None, download: bool) -> Loaded:
    if name in PACKAGES:
        return load_package(name)
    if is_weights_file(name):
        return load_file(Path(name).expanduser(), backbone)
    if (Path(name) / "config.json").is_file():
        return load_transformer(name, download=False)
    if _is_torchvisions(name):
        return load_torchvision(torchvisions_own(name), download=download)
    if name in SMALL:
        raise InputError(f"{name} has no weights of its own: name a run folder that holds some.")
    if find_architecture(name) is None and _is_hub_id(name):
        return load_transformer(name, download=download)
    return load_timm(known_architecture(name, "The encoder").name, download=download)


def _is_torchvisions(name: str) -> bool:
    """Whether a name is that of a network of torchvision, with or without the name of some weights."""
    plain, colon, tag = torchvisions_own(name).partition(":")
    return plain in torchvision_names() and (not colon or tag.isidentifier())


def _is_hub_id(name: str) -> bool:
    """Whether a name has the form of an id of Hugging Face and is no path here; timm's own are asked for by timm."""
    if name.startswith("timm/"):
        return False
    return re.fullmatch(r"[\w-][\w.-]*/[\w.-]+", name) is not None and not Path(name).exists()
