"""timm's own weights, from the caches of Hugging Face and torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from headstart.backbones.foreign.downloads import cached_file
from headstart.backbones.foreign.hub import hub_file
from headstart.backbones.foreign.loaded import Loaded, sha256_of
from headstart.backbones.foreign.reading import read_state
from headstart.backbones.heads import without_head
from headstart.backbones.preprocessing import Preprocessing, nearest_resampling
from headstart.backbones.timm_networks import require_timm, timm_network
from headstart.errors import InputError

FILES = ("model.safetensors", "pytorch_model.bin")
"""What timm's weights are called on Hugging Face; the first that is there is taken."""


def load_timm(name: str, *, download: bool) -> Loaded:
    """The encoder that timm calls `name`, which may have a tag: `resnet10t.c3_in1k`.

    Raises:
        InputError: timm isn't installed, has no such weights, or they aren't on this machine and `download` is false.
        RunError: They can't be downloaded.
    """
    config = require_timm(name).get_pretrained_cfg(name)
    if config is None or not (config.hf_hub_id or config.url):
        raise InputError(f"timm has no weights of {name}.")
    path, source = _file(name, config, download=download)
    read_state(path)  # refuses a pickle with more than tensors in it, in our words
    shape = tuple(config.input_size)
    network = timm_network(name, shape, pretrained=True, pretrained_cfg_overlay={"file": str(path), "source": ""})
    return Loaded(
        network=without_head(network),
        name=f"timm/{name}",
        preprocessing=timm_preprocessing(config),
        source=source,
        sha256=sha256_of([path]),
        licence=config.license or "not stated by timm",
    )


def timm_preprocessing(config: Any) -> Preprocessing:
    """What weights with this entry in timm's tables want to be shown."""
    side = config.input_size[-1]
    return Preprocessing(
        side=side,
        decode=max(side, int(side / config.crop_pct)),
        resampling=nearest_resampling(config.interpolation),
        mean=tuple(config.mean),
        deviation=tuple(config.std),
    )


def _file(name: str, config: Any, *, download: bool) -> tuple[Path, str]:
    """The file with the weights, and where it comes from."""
    if not config.hf_hub_id:
        return cached_file(config.url, wanted_by=f"timm's {name}", download=download)[0], config.url
    files = (config.hf_hub_filename,) if config.hf_hub_filename else FILES
    return hub_file(config.hf_hub_id, files, download=download), f"Hugging Face, {config.hf_hub_id}"
