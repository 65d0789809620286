"""torchvision's own weights, from torch's cache."""

from __future__ import annotations

from typing import Any

from headstart.backbones.foreign.downloads import cached_file
from headstart.backbones.foreign.loaded import Loaded
from headstart.backbones.foreign.reading import read_state
from headstart.backbones.heads import without_head
from headstart.backbones.preprocessing import Preprocessing, nearest_resampling
from headstart.errors import InputError


def load_torchvision(name: str, *, download: bool) -> Loaded:
    """The encoder called `resnet18`, with torchvision's default weights, or `resnet18:IMAGENET1K_V1`, with these.

    Raises:
        InputError: There are no such weights, or they aren't on this machine and `download` is false.
        RunError: They can't be downloaded.
    """
    from torchvision import models

    plain, _, tag = name.partition(":")
    weights = _chosen(plain, tag)
    size = f"{weights.meta['_file_size']:.0f} MB" if "_file_size" in weights.meta else ""
    path, digest = cached_file(weights.url, wanted_by=f"torchvision's {plain}", download=download, size=size)
    read_state(path)  # refuses what torchvision would unpickle without asking
    try:
        network = models.get_model(plain, weights=weights)
    except RuntimeError as error:
        raise InputError(f"{path} doesn't fit torchvision's {plain}: {' '.join(str(error).split())[:300]}") from error
    if isinstance(network, models.Inception3):  # its weights are only taken with the classifier half-way
        network.aux_logits, network.AuxLogits = False, None
    return Loaded(
        network=without_head(network),
        name=plain,
        preprocessing=torchvision_preprocessing(weights),
        source=weights.url,
        sha256=digest,
        licence=str(weights.meta.get("license", "not stated by torchvision")),
        recipe={"foreign": True},
    )


def usual_weights(name: str) -> Any | None:
    """torchvision's default weights of a network; None where it has none."""
    from torchvision import models

    return getattr(models.get_model_weights(name), "DEFAULT", None)


def _chosen(name: str, tag: str) -> Any:
    """The weights with this tag, or the default ones without."""
    from torchvision import models

    known = models.get_model_weights(name).__members__
    if tag and tag not in known:
        raise InputError(f"{name}:{tag}: there are no such weights; {name} has {', '.join(known) or 'none'}.")
    weights = known[tag] if tag else usual_weights(name)
    if weights is None:
        raise InputError(f"torchvision has no weights of {name}.")
    return weights


def torchvision_preprocessing(weights: Any) -> Preprocessing:
    """What these weights want to be shown."""
    shown = weights.transforms()
    return Preprocessing(
        side=shown.crop_size[0],
        decode=max(shown.crop_size[0], shown.resize_size[0]),
        resampling=nearest_resampling(shown.interpolation.value),
        mean=tuple(shown.mean),
        deviation=tuple(shown.std),
    )
