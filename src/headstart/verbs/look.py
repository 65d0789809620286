"""`headstart look`: what is in a data set, before anything is trained."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Unpack

from headstart.settings import Range
from headstart.verbs.common import Reading, Source, keep_skipped, listed, read, result_folder

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from headstart.data import Dataset

NEAR_GROUPS, NEAR_ITEMS = 40, 6
"""Groups of nearly equal items on the page, and items of each."""


@dataclass(frozen=True)
class Look:
    """What was found."""

    items: int
    shape: list[int]
    classes: dict[str, int]
    """Items of each class."""
    unlabelled: int
    splits: dict[str, int]
    duplicates: list[list[str]]
    """Groups of items that are equal, pixel by pixel."""
    near_duplicates: list[list[str]]
    """Groups of items that show the same although some pixels differ: bursts, re-encoded copies."""
    skipped: list[dict[str, str]]
    notes: list[str]
    files: list[str]
    """The page and the pictures."""

    def __str__(self) -> str:
        channels, height, width = self.shape
        parts = ", ".join(f"{count} {name}" for name, count in self.splits.items())
        lines = [f"{self.items} images of {width}×{height}, {channels} channel{'s' if channels > 1 else ''}: {parts}"]
        if self.classes:
            lines.append(f"{len(self.classes)} classes: {listed([f'{n} {c}' for n, c in self.classes.items()], 12)}")
        if self.unlabelled:
            lines.append(f"{self.unlabelled} without a label")
        lines.append(f"{len(self.duplicates)} groups of equal items" if self.duplicates else "no two items are equal")
        if self.near_duplicates:
            lines.append(f"{len(self.near_duplicates)} groups of nearly equal items")
        lines += [f"skipped {one['path']}: {one['reason']}" for one in self.skipped[:5]]
        return "\n".join([*lines, f"Open {self.files[0]}"])


def look(
    data: Source,
    *,
    views: str | None = None,
    items: Annotated[int, Range(least=1, most=200)] = 24,
    out: Path | None = None,
    **reading: Unpack[Reading],
) -> Look:
    """Show what is in a data set: counts, classes, splits, duplicates, a grid of items and of a method's views.

    Example: headstart look photos/ --views simclr

    Args:
        data: A folder, archive or table of images, an .npz, .npy or IDX file, or a name of `headstart data`.
        views: simclr, moco1, moco2, byol or glyphs, less a step: simclr-crop; default what suits the images.
        items: How many to draw.
        out: Folder of the page and pictures; default runs/<data>-look.
    """
    from headstart.report import LookPage, item_grid_png, pictures, shown_views, write_look
    from headstart.views import check_view_set, default_views

    if views is not None:
        check_view_set(views)
    loaded = read(data, **reading)
    views = views or default_views(loaded.shape)
    folder = result_folder("look", loaded, out, {"views": views, "items": items})
    chosen = _spread(loaded, items)
    every = loaded.indices("all")
    classes = dict(zip(loaded.classes, loaded.counts(every), strict=True))
    grid = [(name, picture) for picture, name in pictures(chosen, loaded)]
    page = folder / "look.html"
    write_look(
        LookPage(
            title=f"{loaded.name}: a look",
            data={"name": loaded.name, "items": len(loaded), "shape": list(loaded.shape)},
            classes=classes,
            splits=dict(Counter(loaded.split)),
            items=grid,
            views=shown_views(loaded, views),
            duplicates=loaded.duplicates,
            near_duplicates=_near(loaded),
            near_groups=len(loaded.near_duplicates),
            skipped=[(one.path, one.reason) for one in loaded.skipped],
            notes=loaded.notes,
        ),
        page,
    )
    picture = folder / "items.png"
    item_grid_png([picture for _, picture in grid], [name for name, _ in grid], picture)
    keep_skipped(folder, loaded)
    return Look(
        items=len(loaded),
        shape=list(loaded.shape),
        classes=classes,
        unlabelled=int((loaded.labels < 0).sum()),
        splits=dict(Counter(loaded.split)),
        duplicates=[list(group) for group in loaded.duplicates],
        near_duplicates=[list(group) for group in loaded.near_duplicates],
        skipped=[{"path": one.path, "reason": one.reason} for one in loaded.skipped],
        notes=list(loaded.notes),
        files=[str(page), str(picture)],
    )


def _near(data: Dataset) -> list[list[tuple[str, np.ndarray]]]:
    """(id, picture) of the first groups of nearly equal items."""
    from headstart.report import picture

    place = {one: number for number, one in enumerate(data.ids)}
    shown = [group[:NEAR_ITEMS] for group in data.near_duplicates[:NEAR_GROUPS]]
    return [[(one, picture(data.items[place[one]])) for one in group] for group in shown]


def _spread(data: Dataset, count: int) -> Tensor:
    """int64: items to draw, of every class in turn."""
    import torch

    every = data.indices("all")
    if not data.classes:
        return every[:count]
    ranks = torch.zeros(len(every), dtype=torch.int64)
    for label in range(-1, len(data.classes)):
        members = torch.nonzero(data.labels == label).flatten()
        ranks[members] = torch.arange(len(members))
    return every[torch.argsort(ranks * (len(data.classes) + 1) + data.labels % (len(data.classes) + 1))][:count]
