"""What `headstart map` gives: the figures of each map, its page and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.verbs.common import Source
from headstart.verbs.pictured import item_pictures

if TYPE_CHECKING:
    import numpy as np

    from headstart.report import MapPage
    from headstart.transfer import Drawing, Embeddings

SHOWN = 2_500
"""Items whose pictures are on the page."""


@dataclass(frozen=True)
class MapFigures:
    """One map."""

    method: str
    seconds: float
    trustworthiness: float
    """In 0…1, over the nearest --neighbors, like the next two."""
    continuity: float
    neighbours_kept: float
    points: int
    landmarks: int | None
    """Points that it was fitted on, where these are not all."""


@dataclass(frozen=True)
class Maps:
    """What was drawn."""

    maps: list[MapFigures]
    files: list[str]
    """The page, the pictures, and what places new items in these maps."""

    def __str__(self) -> str:
        wide = max(len(one.method) for one in self.maps)
        lines = [f"{'':{wide}}  seconds  trustworthiness  continuity  neighbours kept"]
        lines += [
            f"{one.method:{wide}}  {one.seconds:7.1f}  {one.trustworthiness:15.3f}  {one.continuity:10.3f}  "
            f"{one.neighbours_kept:15.3f}"
            for one in self.maps
        ]
        return "\n".join([*lines, f"Open {self.files[0]}"])


def pictures_of(items: Embeddings, data: Source | None, seed: int) -> dict[int, np.ndarray]:
    """By place: pictures of some items, as far as there are any."""
    from headstart.randomness import permutation
    from headstart.report import TILE

    places = permutation(seed, "shown", len(items))[:SHOWN].sort().values.tolist()
    drawn = item_pictures(items, places, data, TILE)
    return {place: one for place, one in zip(places, drawn, strict=True) if one is not None}


def write_drawing(drawing: Drawing, pictures: dict[int, np.ndarray], folder: Path) -> Maps:
    """The page, the two pictures, and the items with their places, in a folder."""
    from headstart.report import write_map_png, write_map_svg, write_maps
    from headstart.transfer import write_mapped

    page = _page(drawing, pictures)
    files = [folder / "map.html", folder / "map.png", folder / "map.svg"]
    for write, file in zip((write_maps, write_map_png, write_map_svg), files, strict=True):
        write(page, file)
    files += write_mapped(drawing.mapped, folder)
    return Maps(_figures(drawing), [str(file) for file in files])


def _figures(drawing: Drawing) -> list[MapFigures]:
    return [
        MapFigures(
            method=name,
            seconds=one.seconds,
            trustworthiness=drawing.faithful[name].trustworthiness,
            continuity=drawing.faithful[name].continuity,
            neighbours_kept=drawing.faithful[name].kept,
            points=len(drawing.mapped.items),
            landmarks=one.landmarks,
        )
        for name, one in drawing.drawn.items()
    ]


def _page(drawing: Drawing, pictures: dict[int, np.ndarray]) -> MapPage:
    import numpy as np

    from headstart.data import in_order
    from headstart.evaluation.maps import MAPS
    from headstart.report import DrawnMap, MapPage

    items, mapped = drawing.shown, drawing.mapped
    classes = in_order({label for label in items.labels if label is not None})
    number = {name: place for place, name in enumerate(classes)}
    return MapPage(
        title=mapped.items.name + (": maps" if mapped.into is None else f" in the maps of {mapped.into}"),
        maps=[
            DrawnMap(
                title=MAPS[name].title,
                places=one.places.numpy(),
                seconds=one.seconds,
                trustworthiness=drawing.faithful[name].trustworthiness,
                continuity=drawing.faithful[name].continuity,
                kept=drawing.faithful[name].kept,
                landmarks=one.landmarks,
            )
            for name, one in drawing.drawn.items()
        ],
        ids=items.ids,
        labels=np.array([-1 if label is None else number[label] for label in items.labels]),
        classes=classes,
        neighbours=mapped.neighbours,
        asked=next(iter(drawing.faithful.values())).asked,
        added=np.arange(len(items)) >= drawing.among if drawing.among else None,
        pictures=pictures,
        notes=_notes(items, len(pictures)),
        settings={
            "points": len(mapped.items),
            "neighbors": mapped.neighbours,
            "seed": mapped.seed,
            "into": mapped.into,
        },
    )


def _notes(items: Embeddings, pictures: int) -> list[str]:
    """What a reader of the page should know."""
    said = []
    if not any(items.labels):
        said.append("No item has a label, so none is coloured.")
    if not pictures:
        said.append("No pictures: the features name no files that can be drawn. --data SOURCE names what was embedded.")
    elif pictures < len(items):
        said.append(f"{pictures:,} of the {len(items):,} items have a picture here.")
    return said
