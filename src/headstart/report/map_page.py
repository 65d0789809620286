"""Maps side by side on one page: an item near the pointer is shown, and marked on every map.

Shapes: N items.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from headstart import atomic
from headstart.report.charts import SHAPES
from headstart.report.content import DrawnMap, MapPage
from headstart.report.document import document
from headstart.report.map_figure import NO_LABEL, framed, mark_size
from headstart.report.markup import PALETTE, data_uri, details, escape, facts, section, table
from headstart.report.parts import bullets, legend

TILE = 48
"""Pixels along the longer side of a picture on the page."""

TIP = '<div id="tip" class="tip" role="status" aria-live="polite" hidden><div class="tile"></div><p></p></div>'
HOW = (
    "Point at an item to see it and find it on the other maps; press a class to pick it out. With the keyboard: go to "
    "a map, move with the arrow keys, let go with Escape."
)


def write_maps(page: MapPage, path: Path) -> None:
    """Writes the page as one HTML file, in one move."""
    panels = "".join(_panel(place, drawn, page) for place, drawn in enumerate(page.maps))
    missing = (
        "<noscript>These maps need JavaScript, which this page holds itself; the pictures beside it don't.</noscript>"
    )
    classes = legend(page.classes, NO_LABEL if (page.labels < 0).any() else None)
    content = (
        section("Maps", f"{classes}{missing}<div class='maps'>{panels}</div>{TIP}", name="maps", lead=HOW)
        + section("How faithful they are", _figures(page), name="faithful")
        + section("Notes", bullets(page.notes), name="notes")
        + details("Settings", facts(page.settings))
    )
    data = f'<script type="application/json" id="map-data">{_data(page)}</script>'
    count = f"{len(page.ids)} items" + ("" if page.added is None else f", {int(page.added.sum())} of them added")
    atomic.write_text(path, document(page.title, count, content + data, own="map_page"))


def _panel(place: int, drawn: DrawnMap, page: MapPage) -> str:
    said = f"{drawn.title} of {len(page.ids)} items. Arrow keys move from item to item."
    return (
        f'<figure class="points"><figcaption><strong>{escape(drawn.title)}</strong> {drawn.seconds:.1f} s · '
        f"trustworthiness {drawn.trustworthiness:.3f}</figcaption>"
        f'<div class="plane"><canvas data-map="{place}" tabindex="0" role="application" aria-label="{escape(said)}">'
        '</canvas><i class="ring" hidden></i></div></figure>'
    )


def _figures(page: MapPage) -> str:
    rows = [
        [
            escape(one.title),
            f"{one.seconds:.1f} s",
            f"{one.trustworthiness:.3f}",
            f"{one.continuity:.3f}",
            f"{one.kept:.3f}",
            "all items" if one.landmarks is None else f"{one.landmarks} items, the others placed among them",
        ]
        for one in page.maps
    ]
    heads = ["Map", "Time", "Trustworthiness", "Continuity", "Neighbours kept", "Fitted on"]
    asked = "all items" if page.asked == len(page.ids) else f"{page.asked} of the {len(page.ids)} items"
    k = page.neighbours
    means = (
        f"<p>Trustworthiness falls where items are among an item's {k} nearest on the map and far from it in the "
        f"features; continuity where they are near it in the features and far on the map; neighbours kept is the share "
        f"of the {k} nearest that stay so. All are 1 at best; at random, the first two are about 0.5.</p>"
    )
    return means + table(heads, rows, caption=f"Over the {k} nearest neighbours of {asked}", sortable=True)


def _data(page: MapPage) -> str:
    """What the page's behaviour needs, as JSON that no tag inside it can end."""
    content: dict[str, Any] = {
        "ids": list(page.ids),
        "classes": list(page.classes),
        "labels": _packed(page.labels.astype("<i4")),
        "maps": [_packed((framed(one.places) * 65535).round().astype("<u2")) for one in page.maps],
        "added": None if page.added is None else _packed(page.added.astype("u1")),
        "tones": list(PALETTE),
        "untold": NO_LABEL,
        "shapes": SHAPES,
        "size": mark_size(len(page.ids)),
        "pictures": _sheet(page.pictures),
    }
    text = json.dumps(content, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _packed(values: np.ndarray) -> str:
    """Whole numbers, the lowest byte first, in base64."""
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _sheet(pictures: Any) -> dict[str, Any] | None:
    """All pictures as tiles of one image, row by row, with the item of each and its size; None without pictures."""
    if not pictures:
        return None
    columns = math.ceil(math.sqrt(len(pictures)))
    sheet = np.zeros((-(-len(pictures) // columns) * TILE, columns * TILE, 3), dtype=np.uint8)
    sizes: list[Sequence[int]] = []
    for place, drawn in enumerate(pictures.values()):
        small = _small(drawn)
        row, column = divmod(place, columns)
        sheet[row * TILE : row * TILE + small.shape[0], column * TILE : column * TILE + small.shape[1]] = small
        sizes.append((small.shape[1], small.shape[0]))
    uri = data_uri(sheet, most=max(sheet.shape))
    return {"uri": uri, "tile": TILE, "columns": columns, "items": list(pictures), "sizes": sizes}


def _small(drawn: np.ndarray) -> np.ndarray:
    """uint8 h×w×3, at most a tile."""
    made = Image.fromarray(drawn[:, :, 0] if drawn.shape[2] == 1 else drawn).convert("RGB")
    made.thumbnail((TILE, TILE))
    return np.asarray(made)
