"""An encoder on the disk: its weights as safetensors, and how to rebuild it as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from headstart import atomic
from headstart.backbones import (
    Encoder,
    check_backbone,
    foreign_encoder,
    is_weights_file,
    names_encoder,
    rebuild_encoder,
    sha256_of,
)
from headstart.errors import InputError
from headstart.training.folder import RECORD

WEIGHTS = "encoder.safetensors"
DESCRIPTION = "encoder.json"
CLASSIFIER = "classifier.safetensors"
FORMAT = 1


def save_encoder(folder: Path, encoder: Encoder, facts: Mapping[str, object]) -> None:
    """Writes encoder.safetensors and encoder.json; `facts` stand in the latter beside the encoder's description."""
    save_weights(encoder, folder / WEIGHTS)
    atomic.write_json(folder / DESCRIPTION, {"format": FORMAT, "encoder": encoder.describe(), **facts})


def add_facts(folder: Path, **facts: object) -> None:
    """Writes more facts into the encoder.json of a run that is done."""
    atomic.write_json(folder / DESCRIPTION, {**describe(folder), **facts})


def save_weights(module: nn.Module, path: Path) -> None:
    """Writes a module's state dict, contiguously, in one move."""
    with atomic.aside(path) as draft:
        save_file({name: value.detach().cpu().contiguous() for name, value in module.state_dict().items()}, draft)


def open_encoder(
    name: Path | str, *, backbone: str | None = None, download: bool = False
) -> tuple[Encoder, dict[str, Any]]:
    """The encoder that a run folder holds or that has this name anywhere, in evaluation mode; and its encoder.json.

    Args:
        name: A run folder, or what `foreign_encoder` takes.
        backbone: The architecture of weights in a file.
        download: Weights that aren't on this machine may be brought to it.

    Raises:
        InputError: There is no such encoder, or its files are damaged or don't fit.
        RunError: It can't be downloaded.
    """
    check_encoder(str(name), backbone)
    if is_run(name) or not names_encoder(str(name)):
        return load_encoder(name)
    return foreign_encoder(str(name), backbone=backbone, download=download), {}


def check_encoder(name: str, backbone: str | None = None, setting: str = "The encoder") -> None:
    """Raises `InputError` where an encoder's name can stand for nothing, or its architecture isn't known."""
    if is_weights_file(name) and not is_run(name):
        check_backbone(backbone)
    elif not names_encoder(name) and not Path(name).exists():
        raise InputError(
            f"{setting} {name} is not known: name a run folder, a file of weights, or a network with weights such as "
            "efficientnet-lite0, resnet18, timm/resnet10t or facebook/dinov2-small."
        )


def is_run(name: Path | str) -> bool:
    """Whether a run folder is named, or the encoder.safetensors in one."""
    path = Path(name)
    return (path / DESCRIPTION).is_file() or (path / RECORD).is_file() or _beside_description(path)


def _beside_description(path: Path) -> bool:
    return path.name in (WEIGHTS, DESCRIPTION) and (path.parent / DESCRIPTION).is_file()


def weights_digest(name: Path | str, encoder: Encoder) -> str:
    """The sha256 of the weights that `open_encoder` read under this name."""
    if not is_run(name):
        return str(encoder.origin["sha256"])
    path = Path(name)
    return sha256_of([(path.parent if _beside_description(path) else path) / WEIGHTS])


def load_encoder(path: Path | str) -> tuple[Encoder, dict[str, Any]]:
    """The encoder of a run folder, or of the encoder.safetensors in one, in evaluation mode; and its encoder.json.

    Raises:
        InputError: There is no encoder, its run isn't done, or its files are damaged or don't fit each other.
    """
    folder = Path(path)
    if folder.name in (WEIGHTS, DESCRIPTION):
        folder = folder.parent
    description = describe(folder)
    encoder = rebuild_encoder(description["encoder"])
    load_weights(encoder, folder / WEIGHTS)
    return encoder.eval(), description


def load_weights(module: nn.Module, path: Path) -> None:
    """Puts a file's weights into a module that must have exactly these."""
    try:
        module.load_state_dict(load_file(path))
    except FileNotFoundError as error:
        raise InputError(f"{path} is missing: name a run folder that is complete.") from error
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} can't be read ({error}): it is damaged, or no safetensors file.") from error
    except RuntimeError as error:
        raise InputError(f"{path} doesn't fit {path.parent / DESCRIPTION}: they are of different runs.") from error


def describe(folder: Path) -> dict[str, Any]:
    """encoder.json, checked as far as this version can."""
    path = folder / DESCRIPTION
    if not folder.exists():
        raise InputError(f"{folder} isn't there: name a run folder.")
    if not path.exists() and (folder / RECORD).exists():
        raise InputError(f"{folder} has a run that isn't done: run its command again to go on.")
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"{folder} has no encoder ({DESCRIPTION} is missing): name a run folder.") from error
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read: it is damaged.") from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise InputError(f"{path} is of another version of headstart, which this one can't read.")
    return description
