"""A folder that `map` wrote: items with their features and places, so that new items can be placed among them.

Shapes: N items, in two dimensions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from torch import Tensor

from headstart import atomic
from headstart.digests import digest
from headstart.errors import InputError
from headstart.evaluation.maps import MAPS
from headstart.transfer.embeddings import Embeddings, read_columns, read_embeddings, write_embeddings

SETTINGS, ITEMS = "map.json", "map.parquet"


@dataclass(frozen=True)
class Mapped:
    """Items on one map or several."""

    items: Embeddings
    places: Mapping[str, Tensor]
    """By the map's name: float32 N×2."""
    neighbours: int
    seed: int
    into: str | None = None
    """The folder of the map that these items were placed into, None where the maps are their own."""

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that change with any item, place or setting."""
        told = [self.items.fingerprint, list(self.places), self.neighbours, self.seed]
        return digest(told, *self.places.values())


def write_mapped(mapped: Mapped, folder: Path) -> list[Path]:
    """Writes the items as a table that any verb takes for embeddings, and the settings beside it."""
    write_embeddings(mapped.items, folder / ITEMS, places=mapped.places)
    settings = {
        "name": mapped.items.name,
        "maps": list(mapped.places),
        "neighbors": mapped.neighbours,
        "seed": mapped.seed,
        "into": mapped.into,
    }
    atomic.write_json(folder / SETTINGS, settings)
    return [folder / ITEMS, folder / SETTINGS]


def read_mapped(folder: Path) -> Mapped:
    """Reads it again; raises `InputError` where there is no map, or one whose items were placed into another."""
    try:
        settings = json.loads((folder / SETTINGS).read_text(encoding="utf-8"))
        names, neighbours, seed, into = (settings[name] for name in ("maps", "neighbors", "seed", "into"))
        name = str(settings["name"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{folder} is no folder of a map: `headstart map EMBEDDINGS -o FOLDER` writes one.") from error
    if into is not None:
        raise InputError(f"{folder} holds items that were placed into {into}: name that map.")
    items = read_embeddings(folder / ITEMS)
    known = [one for one in names if one in MAPS]
    places = dict(zip(known, read_columns(folder / ITEMS, known), strict=True))
    return Mapped(replace(items, name=name), places, int(neighbours), int(seed))
