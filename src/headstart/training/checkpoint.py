"""The whole state of a training run in one safetensors file: nothing in it needs pickle to be read.

Tensors are named `method/<name>` and `optimizer/<kind>/<parameter's name>` and stored contiguously; numbers stand as
JSON in the header, with a checksum of every tensor, for a file can be damaged and still be well-formed.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim import Optimizer

from headstart import atomic
from headstart.errors import InputError, RunError
from headstart.terminal import note
from headstart.training.optimizers import names_of

FORMAT = 1
NEWEST = "checkpoint.safetensors"
PREVIOUS = "checkpoint-previous.safetensors"

_HEADER = "headstart"


class DamagedError(Exception):
    """A checkpoint file that can't be read."""


@dataclass(frozen=True)
class Checkpoint:
    """A training state: tensors by name, and everything else as JSON values."""

    tensors: dict[str, Tensor]
    scalars: dict[str, Any]


def capture(method: nn.Module, optimizer: Optimizer | None, scalars: Mapping[str, Any]) -> Checkpoint:
    """The state as it is now; CPU tensors are not copied, so write it before the next step."""
    tensors = {f"method/{name}": _stored(value) for name, value in state_of(method).items()}
    numbers: dict[str, Any] = {}
    for name, parameter in names_of(method, optimizer).items() if optimizer else ():
        for kind, value in optimizer.state[parameter].items():  # type: ignore[union-attr]
            if isinstance(value, Tensor):
                tensors[f"optimizer/{kind}/{name}"] = _stored(value)
            elif value is not None:
                numbers[f"{kind}/{name}"] = value
    header = {"format": FORMAT, "method": type(method).__name__, "groups": _groups(method, optimizer)}
    return Checkpoint(tensors, {**header, "optimizer": numbers, **scalars})


def restore(checkpoint: Checkpoint, method: nn.Module, optimizer: Optimizer | None, where: Path) -> None:
    """Puts a captured state back, into tensors that keep their device and memory layout.

    Raises:
        InputError: The checkpoint is of another format, method or network.
    """
    restore_method(checkpoint, method, where)
    if checkpoint.scalars["groups"] != _groups(method, optimizer):
        raise InputError(f"{where} was written with other parameter groups: begin anew with --restart.")
    if optimizer is None:
        return
    known = names_of(method, optimizer)
    for name, stored in checkpoint.tensors.items():
        if name.startswith("optimizer/"):
            _, kind, parameter = name.split("/", 2)
            optimizer.state[known[parameter]][kind] = _placed(stored, known[parameter], kind)
    for name, number in checkpoint.scalars["optimizer"].items():
        kind, parameter = name.split("/", 1)
        optimizer.state[known[parameter]][kind] = number


def restore_method(checkpoint: Checkpoint, method: nn.Module, where: Path) -> None:
    """As `restore`, without the optimiser."""
    state = {name.partition("/")[2]: t for name, t in checkpoint.tensors.items() if name.startswith("method/")}
    _check(checkpoint.scalars, method, state, where)
    with torch.no_grad():
        for name, value in state_of(method).items():
            value.copy_(state[name])


def write(checkpoint: Checkpoint, folder: Path) -> None:
    """Makes this the newest checkpoint of a run folder, and the newest until now the previous one.

    Raises:
        RunError: It can't be written, as on a full disk; both checkpoints are as they were.
    """
    newest = folder / NEWEST
    checksums = {name: _checksum(tensor) for name, tensor in checkpoint.tensors.items()}
    header = json.dumps({**checkpoint.scalars, "checksums": checksums}, allow_nan=False)
    try:
        with atomic.aside(newest) as draft:
            save_file(checkpoint.tensors, draft, {_HEADER: header})
            atomic.flush(draft)
            if newest.exists():
                newest.replace(folder / PREVIOUS)
    except (OSError, SafetensorError) as error:
        raise RunError(
            f"{newest} could not be written ({error}).\n"
            "The last good checkpoint is kept: make room and run the same command again to go on."
        ) from error


def recover(folder: Path) -> Path | None:
    """The newest readable checkpoint of a run folder, None where there never was one.

    A damaged one is said aloud and removed, lest it take the place of the good one before it.

    Raises:
        RunError: There are checkpoints, and none can be read.
    """
    files = [path for path in (folder / NEWEST, folder / PREVIOUS) if path.exists()]
    reasons = []
    for path in files:
        try:
            found = read(path)
        except DamagedError as error:
            reasons.append(f"{path} can't be read ({error})")
            continue
        for reason in reasons:
            note(f"{reason}: going on from the checkpoint before it, of step {found.scalars['step']}.")
            (folder / NEWEST).unlink()
        return path
    if reasons:
        raise RunError(f"{', nor '.join(reasons)}.\nThere is no state to go on from: begin anew with --restart.")
    return None


def read(path: Path) -> Checkpoint:
    """Raises `DamagedError` where the file is torn, was changed, or is no checkpoint."""
    try:
        with safe_open(path, "pt") as file:
            scalars = json.loads((file.metadata() or {})[_HEADER])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
    except (OSError, SafetensorError, ValueError) as error:
        raise DamagedError(str(error)) from error
    except KeyError as error:
        raise DamagedError("it is no checkpoint of headstart") from error
    checksums = scalars.pop("checksums", {})
    for name, tensor in tensors.items():
        if checksums.get(name) != _checksum(tensor):
            raise DamagedError(f"{name} is not what was written")
    return Checkpoint(tensors, scalars)


def state_of(method: nn.Module) -> dict[str, Tensor]:
    """All parameters and buffers, those too that `state_dict` leaves out."""
    return {**dict(method.named_parameters()), **dict(method.named_buffers())}


def _groups(method: nn.Module, optimizer: Optimizer | None) -> list[dict[str, Any]]:
    """Which parameters are decayed how."""
    if optimizer is None:
        return []
    names = {id(parameter): name for name, parameter in names_of(method, optimizer).items()}
    return [
        {"weight_decay": group["weight_decay"], "params": [names[id(p)] for p in group["params"]]}
        for group in optimizer.param_groups
    ]


def _check(scalars: Mapping[str, Any], method: nn.Module, state: Mapping[str, Tensor], where: Path) -> None:
    title, found = type(method).__name__, scalars.get("format")
    if found != FORMAT:
        raise InputError(f"{where} has format {found}, this version reads {FORMAT}: begin anew with --restart.")
    if scalars.get("method") != title:
        raise InputError(f"{where} is a checkpoint of {scalars.get('method')}, not of {title}: name another -o.")
    shapes = {name: tuple(tensor.shape) for name, tensor in state_of(method).items()}
    stored = {name: tuple(tensor.shape) for name, tensor in state.items()}
    odd = sorted(name for name in {*shapes, *stored} if shapes.get(name) != stored.get(name))
    if odd:
        raise InputError(f"{where} is a checkpoint of another {title}: {odd[0]} differs. Begin anew with --restart.")


def _stored(value: Tensor) -> Tensor:
    return value.detach().cpu().contiguous()


def _placed(stored: Tensor, parameter: nn.Parameter, kind: str) -> Tensor:
    """An optimiser's tensor on its parameter's device, in its parameter's memory layout."""
    if stored.shape == parameter.shape and kind != "step":
        return torch.empty_like(parameter, dtype=stored.dtype, requires_grad=False).copy_(stored)
    return stored.to(parameter.device)


def _checksum(tensor: Tensor) -> int:
    return zlib.crc32(tensor.reshape(-1).view(torch.uint8).numpy().data)
