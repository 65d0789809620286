"""`headstart suggest`: which items to label first."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from headstart.errors import InputError
from headstart.settings import Range
from headstart.terminal import note
from headstart.verbs.common import Seed, Source, check_writable, default_out, listed
from headstart.verbs.pictured import item_pictures

if TYPE_CHECKING:
    import numpy as np

    from headstart.transfer import Embeddings, Pick

THUMBNAIL = 224


@dataclass(frozen=True)
class Suggested:
    """What to label."""

    file: str
    """CSV: id, path, rank, why."""
    items: int
    to_label: list[str]
    """Absolute paths, or ids where the items are not files; the most useful first."""
    sheet: str | None
    """The page to label them on."""

    def __str__(self) -> str:
        lines = [f"Label these {self.items} first: {listed(self.to_label, 3)}", f"The list: {self.file}"]
        return "\n".join([*lines, *([f"Label them in a browser: {self.sheet}"] if self.sheet else [])])


def suggest(
    embeddings: Path,
    *,
    items: Annotated[int, Range(least=1)] = 20,
    labels: Any = None,
    sheet: Path | None = None,
    data: Source | None = None,
    seed: Seed = 0,
    out: Path | None = None,
) -> Suggested:
    """Say which items to label first, and make a page to label them on.

    Typical items of every kind while labels are few, uncertain and different ones later. Items of the test part, and
    copies of others, are never among them.

    Example: headstart suggest photos.parquet --items 20 --sheet labels.html

    Args:
        embeddings: The Parquet file that `headstart embed` wrote.
        items: How many to name.
        labels: A table with columns path (or id) and label, newer than the labels in EMBEDDINGS.
        sheet: Page to write, on which the items are labelled in a browser, offline.
        data: What was embedded, to draw pictures from where EMBEDDINGS names no files.
        seed: Of the clusters.
        out: The list, as CSV; default runs/<embeddings>-suggest.csv.
    """
    from headstart import atomic
    from headstart.transfer import read_embeddings

    target = check_writable(out or default_out(embeddings.stem, "suggest").with_suffix(".csv"))
    page = check_writable(sheet) if sheet is not None else None
    known = read_embeddings(embeddings)
    named = _labels(known, labels)
    picks = _picks(known, named, items, seed)
    places = [pick.place for pick in picks]
    if page is not None:
        _write_sheet(page, known, named, picks, _pictures(known, places, data))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "path", "rank", "why"])
    writer.writerows(
        (known.ids[pick.place], known.paths[pick.place] or "", rank, pick.why) for rank, pick in enumerate(picks, 1)
    )
    atomic.write_text(target, text.getvalue())
    where = [known.paths[place] or known.ids[place] for place in places]
    return Suggested(str(target), len(picks), where, None if page is None else str(page))


def _labels(known: Embeddings, newer: Any) -> list[str | None]:
    """Each item's label: the newer one where there is any."""
    from headstart.data import labels_by_name

    if newer is None:
        return list(known.labels)
    found = labels_by_name(newer, known.ids, known.paths, known.name)
    return [new or old for new, old in zip(found, known.labels, strict=True)]


def _picks(known: Embeddings, named: list[str | None], items: int, seed: int) -> list[Pick]:
    """The items to label, as rows of the table."""
    import torch

    from headstart.data import in_order
    from headstart.transfer import Pick, suggest_items

    rows = torch.tensor([place for place, part in enumerate(known.split) if part != "test"], dtype=torch.int64)
    classes = in_order({name for name in named if name is not None})
    number: dict[str | None, int] = {name: place for place, name in enumerate(classes)}
    labels = torch.tensor([number.get(named[row], -1) for row in rows.tolist()], dtype=torch.int64)
    free = int((labels < 0).sum())
    if items > free:
        raise InputError(
            f"--items {items}: only {free} of the {len(known)} items have no label and are not of the test part."
        )
    picks = suggest_items(known.features[rows], labels, items, classes=classes, seed=seed)
    if len(picks) < items:
        note(f"Only {len(picks)} items differ from each other and from those with a label: the others are copies.")
    return [Pick(int(rows[pick.place]), pick.why) for pick in picks]


def _pictures(known: Embeddings, places: list[int], data: Source | None) -> list[np.ndarray | None]:
    """A picture an item; raises `InputError` where there is none at all."""
    drawn = item_pictures(known, places, data, THUMBNAIL)
    if all(one is None for one in drawn):
        raise InputError(
            f"--sheet: no file that {known.name} names can be drawn. Name what was embedded: --data SOURCE."
        )
    return drawn


def _write_sheet(
    path: Path, known: Embeddings, named: list[str | None], picks: list[Pick], drawn: list[np.ndarray | None]
) -> None:
    """The page, with the labels there are: the file it saves takes the place of theirs."""
    from headstart.data import in_order
    from headstart.report import SheetItem, SheetPage, write_sheet

    paths = [one or "" for one in known.paths]
    items = [
        SheetItem(known.ids[pick.place], paths[pick.place], pick.why, one)
        for pick, one in zip(picks, drawn, strict=True)
    ]
    have = [(known.ids[place], paths[place], name) for place, name in enumerate(named) if name is not None]
    title = f"{known.name}: items to label"
    write_sheet(SheetPage(title, items, in_order({name for *_, name in have}), have), path)
