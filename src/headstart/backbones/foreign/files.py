"""A file of somebody's weights, whose architecture has to be named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from headstart.backbones import own
from headstart.backbones.foreign.fitting import fit_weights
from headstart.backbones.foreign.loaded import Loaded, sha256_of
from headstart.backbones.foreign.reading import read_state
from headstart.backbones.foreign.usual import usual_preprocessing
from headstart.backbones.names import known_architecture
from headstart.backbones.preprocessing import IMAGENET, Preprocessing
from headstart.backbones.timm_networks import timm_network
from headstart.backbones.vision import torchvision_network
from headstart.errors import InputError


def load_file(path: Path, backbone: str | None) -> Loaded:
    """The encoder whose weights lie in a .safetensors, .pt or .pth file, of the architecture called `backbone`.

    A file says nothing about the pictures it wants: they are shown as the architecture's own weights want them.

    Raises:
        InputError: No architecture is named, the file can't be read, or its layers don't fit.
    """
    if backbone is None:
        raise InputError(f"{path} holds weights alone: name their architecture with --backbone, as in resnet18.")
    state = read_state(path)
    network, headed, shown, recipe = _architecture(backbone)
    fitted, left_out = fit_weights(network, state, source=str(path), headed=headed)
    return Loaded(
        network=fitted,
        name=backbone,
        preprocessing=shown,
        source=str(path.absolute()),
        sha256=sha256_of([path]),
        licence="not stated",
        recipe=recipe,
        left_out=left_out,
        assumed=(
            f"{path} doesn't say how it wants to be shown pictures: {shown.side}×{shown.side} pixels, normalised as "
            f"{backbone}'s usual weights want it."
        ),
    )


def _architecture(name: str) -> tuple[nn.Module, bool, Preprocessing, dict[str, Any]]:
    """A new network, whether it has a head, what it is usually shown, and what it is made again by."""
    if ":" in name:
        return own.make(name), False, IMAGENET, {"module": own.resolved(name)}
    found = known_architecture(name)
    library, its = found
    if library == "small":
        raise InputError(f"--backbone {name}: the weights of {name} depend on the size they were made for: name a run.")
    shown = usual_preprocessing(found)
    if library == "timm":
        return timm_network(its, shown.shape), True, shown, {}
    return torchvision_network(its, shown.shape, foreign=True), True, shown, {"foreign": True}
