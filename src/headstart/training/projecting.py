"""The whole method of a finished run, its projector too: to look at what the loss was computed on."""

from __future__ import annotations

import inspect
import json
from pathlib import Path

from torch import nn

from headstart.contracts import Facts
from headstart.errors import InputError
from headstart.methods import find_method
from headstart.methods.method import Method
from headstart.training import checkpoint
from headstart.training.encoders import load_encoder
from headstart.training.folder import RECORD


def load_method(run: Path) -> Method:
    """The method of a run as its last checkpoint has it, in evaluation mode.

    Raises:
        InputError: The run is no training run, or keeps no checkpoint.
    """
    encoder, description = load_encoder(run)
    path = checkpoint.recover(run)
    if path is None or not (run / RECORD).exists():
        raise InputError(f"{run} keeps no checkpoint: only a training run has more than its encoder.")
    settings = json.loads((run / RECORD).read_text(encoding="utf-8"))["settings"]
    kind = find_method(description["method"])
    own = {
        name
        for name, parameter in inspect.signature(kind).parameters.items()
        if parameter.kind == parameter.KEYWORD_ONLY
    }
    data = description["data"]
    facts = Facts(
        items=data["items"],
        shape=tuple(data["shape"]),
        classes=tuple(data["classes"]),
        counts=(data["items"],),
        views=description["views"],
    )
    method = kind(encoder, facts, **{name: settings[name] for name in own if name in settings})
    checkpoint.restore_method(checkpoint.read(path), method, path)
    return method.eval()


def load_projector(run: Path) -> nn.Module:
    """The projector of a run: what turns its encoder's features h into the z of its loss.

    Raises `InputError` where its method has none.
    """
    method = load_method(run)
    projector = getattr(method, "projector", None)
    if not isinstance(projector, nn.Module):
        raise InputError(f"--layer projection: {type(method).__name__} has no projector.")
    return projector
