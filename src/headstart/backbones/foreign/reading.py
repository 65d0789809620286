"""Files of weights, read without running anything that stands in them."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from headstart.errors import InputError

ENDINGS = (".safetensors", ".pt", ".pth", ".bin")

NESTED = ("state_dict", "model_state_dict", "model", "encoder", "net")
"""Keys under which training scripts keep a network's weights."""


def read_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a .safetensors file or of a pickled state dict, by name, in the file's order.

    Raises:
        InputError: There is no such file, it is damaged, holds no tensors, or wants to run code when it is read.
    """
    if not path.is_file():
        raise InputError(f"{path} isn't there: name a file of weights, or a run folder.")
    tensors = _tensors(_safetensors(path) if path.suffix == ".safetensors" else _unpickled(path))
    if not tensors:
        raise InputError(f"{path} holds no tensors by name: save the network's state_dict() alone.")
    return tensors


def _safetensors(path: Path) -> object:
    try:
        return load_file(path)
    except (OSError, SafetensorError, ValueError) as error:
        raise InputError(f"{path} can't be read ({error}): it is damaged, or no safetensors file.") from error


def _unpickled(path: Path) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if _is_pickle(path):
            raise InputError(
                f"{path} wants to run code when it is read, so it was not read: it holds more than tensors.\n"
                "Save the network's state_dict() alone, best as .safetensors."
            ) from error
        raise InputError(f"{path} can't be read: it is damaged, or no file of weights.") from error
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, AttributeError, ImportError) as error:
        raise InputError(f"{path} can't be read: it is damaged, or no file of weights.") from error


def _is_pickle(path: Path) -> bool:
    """Whether a file that can't be read as tensors is a pickle all the same, in a zip as torch writes it or not."""
    with path.open("rb") as opened:
        return opened.read(2).startswith((b"PK", b"\x80"))


def _tensors(content: object) -> dict[str, Tensor]:
    """The state dict in what a file held, which may lie in a dictionary beside an optimiser's and an epoch."""
    if not isinstance(content, Mapping):
        return {}
    for key in NESTED:
        if isinstance(content.get(key), Mapping):
            return _tensors(content[key])
    return {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
