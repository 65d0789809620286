"""Backbones of the user's own: how they are remembered with an encoder, and made again.

A module is remembered by where its class lies and what it was called with. The latter is read back from the attributes
that are named like the constructor's parameters, as most modules keep theirs.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from typing import Any

from torch import nn

from headstart.errors import InputError
from headstart.importing import import_target, target_of


def make(target: str, arguments: Mapping[str, Any] | None = None, *, setting: str = "--backbone") -> nn.Module:
    """What `./file.py:Class` or `package.module:Class` gives when called; a function that makes a module will do.

    Raises:
        InputError: It isn't there, can't be called so, or makes no module.
    """
    made = import_target(target, setting)
    given = dict(arguments or {})
    try:
        module = made(**given)
    except TypeError as error:
        with_them = f"with {', '.join(given)}" if given else "without arguments"
        raise InputError(
            f"The backbone {target} can't be made {with_them} ({error}).\n"
            "Give every parameter a default, or keep it as an attribute of the same name: then it is stored."
        ) from error
    if not isinstance(module, nn.Module):
        raise InputError(f"The backbone {target} is a {type(module).__name__}, not a torch.nn.Module.")
    return module


def resolved(target: str) -> str:
    """The same target, found from any folder."""
    return target_of(import_target(target, "--backbone"))


def remembered(module: nn.Module) -> dict[str, Any]:
    """`module` and `arguments` with which `make` can make a module of the same form, as JSON."""
    kind = type(module)
    named = [
        p.name for p in inspect.signature(kind).parameters.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    ]
    kept = {name: getattr(module, name) for name in named if hasattr(module, name)}
    return {"module": target_of(kind), "arguments": {name: value for name, value in kept.items() if _is_json(value)}}


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
