"""What `--layer` stands for: a block of the backbone, what the loss was computed on, or every layer there is."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headstart.backbones import Encoder
    from headstart.evaluation import Layer

EVERY, FEATURES, PROJECTION = "all", "features", "projection"


def find_layer(network: Encoder, run: Path, name: str | None, device: Any) -> Layer | None:
    """What `features` takes: None, a block's name, or the run's projector as a function.

    Raises `InputError` where there is no such layer.
    """
    if name == PROJECTION:
        from headstart.training import load_projector

        return load_projector(run).to(device)
    if name is not None:
        from headstart.evaluation import check_layer

        check_layer(network, name)
    return name


def find_layers(network: Encoder, run: Path, name: str | None, device: Any) -> list[tuple[str, Layer | None]]:
    """With its name: the features, the named layer, or every one from the lowest to the highest.

    Raises `InputError` where there is no such layer, or one can't be read.
    """
    from headstart.training import MissingPartError

    if name != EVERY:
        return [(name or FEATURES, find_layer(network, run, name, device))]
    found: list[tuple[str, Layer | None]] = [*((block, block) for block in network.layers()), (FEATURES, None)]
    with suppress(MissingPartError):  # weights of others, and methods without a projector
        found.append((PROJECTION, find_layer(network, run, PROJECTION, device)))
    return found
