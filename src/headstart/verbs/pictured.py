"""Pictures of items that a table of features names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.errors import InputError
from headstart.verbs.common import Source, read

if TYPE_CHECKING:
    import numpy as np

    from headstart.transfer import Embeddings


def item_pictures(known: Embeddings, places: Sequence[int], data: Source | None, side: int) -> list[np.ndarray | None]:
    """uint8 H×W×C of the items at `places`: from the data where it is given, else from the files that the table names.

    At most `side` pixels a side where they come from files; None where there is no picture. Raises `InputError` where
    the data has none of the items.
    """
    from headstart.data import ImageFile, thumbnails
    from headstart.report import picture

    if data is None:
        files = [(known.ids[place], known.paths[place]) for place in places]
        drawn = iter(thumbnails([ImageFile(one, Path(path)) for one, path in files if path], side))
        return [next(drawn) if path else None for _, path in files]
    loaded = read(data, allow_skips=True)
    place_of = {one: place for place, one in enumerate(loaded.ids)}
    wanted = [place_of.get(known.ids[place]) for place in places]
    there = [place for place in wanted if place is not None]
    if places and not there:
        raise InputError(f"--data: {loaded.name} has no item {known.ids[places[0]]}; name the data that was embedded.")
    if loaded.files is not None:
        drawn = iter(thumbnails([loaded.files[place] for place in there], side))
        return [None if place is None else next(drawn) for place in wanted]
    return [None if place is None else picture(loaded.items[place]) for place in wanted]
