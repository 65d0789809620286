"""What a reader hands over before the parts are settled."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from headstart.data.dataset import Skipped
from headstart.data.files import ImageFile
from headstart.data.identity import Identity


@dataclass(frozen=True)
class Raw:
    """Pictures and labels as one source holds them."""

    name: str
    items: Tensor
    """uint8 N×C×H×W."""
    labels: Tensor
    """int64 N, -1 where there is none."""
    classes: tuple[str, ...]
    ids: tuple[str, ...]
    parts: tuple[str, ...] | None = None
    """The source's own parts, "train", "val" or "test" an item, or None where it has none."""
    files: tuple[ImageFile, ...] | None = None
    """Where the pictures lie, for those that were read from files."""
    notes: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    identity: Identity | None = None
    """Which pictures are the same, where reading found out."""


def numbered(count: int) -> tuple[str, ...]:
    """The ids of items that have no names: "0", "1", …"""
    return tuple(map(str, range(count)))
