"""The whole method of a finished run, its projector too: to look at what the loss was computed on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from headstart.contracts import Facts
from headstart.errors import InputError
from headstart.methods import find_method
from headstart.methods.method import Method
from headstart.settings import own_settings
from headstart.training import checkpoint, places
from headstart.training.encoders import load_encoder
from headstart.training.folder import RECORD
from headstart.training.settings import METHOD_SETTINGS


class MissingPartError(InputError):
    """An encoder is all that there is: its run keeps no checkpoint, or its method has no such part."""


def load_method(run: Path) -> Method:
    """The method of a run as its last checkpoint has it, in evaluation mode.

    Raises:
        MissingPartError: The run is no training run, or keeps no checkpoint.
        InputError: Its encoder, its method or its checkpoint can't be read.
    """
    path = checkpoint.recover(run)
    if path is None or not (run / RECORD).exists():
        raise MissingPartError(
            f"{run} is no training run with a checkpoint: only such a run has more than its encoder."
        )
    encoder, description = load_encoder(run)
    settings = json.loads((run / RECORD).read_text(encoding="utf-8"))["settings"]
    settings = settings.get(METHOD_SETTINGS, settings)  # older runs have them among the others
    kind = find_method(description["method"])
    own = {name: settings[name] for name in own_settings(kind) if name in settings}
    method = kind(encoder, _facts(description), **own)
    checkpoint.restore_method(checkpoint.read(path), method, path)
    return method.eval()


def _facts(description: Mapping[str, Any]) -> Facts:
    """What the method was told of the items that it learned from; older runs don't say how many have which label."""
    data = description["data"]
    return Facts(
        items=len(places.unpack(data["learned_from"])),
        shape=tuple(data["shape"]),
        classes=tuple(data["classes"]),
        counts=tuple(data.get("counts", [0] * len(data["classes"]))),
        views=description["views"],
    )


def load_projector(run: Path) -> nn.Module:
    """The projector of a run: what turns its encoder's features h into the z of its loss.

    Raises `MissingPartError` where its method has none, and what `load_method` does.
    """
    method = load_method(run)
    projector = getattr(method, "projector", None)
    if not isinstance(projector, nn.Module):
        raise MissingPartError(f"--layer projection: {type(method).__name__} has no projector.")
    return projector
