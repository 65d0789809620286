"""Parts that more than one page shows: legends, strips of pictures, lists of what is wrong with the data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from headstart.report.charts import mark
from headstart.report.content import Filters, Neighbours, ShownViews
from headstart.report.markup import colour, details, escape, image, table

MOST_LISTED = 200

FILTER_COLUMNS = 8
ENLARGED = 28
"""Pixels a side that small filters are drawn at, or nearly: every weight takes as many."""


def bullets(texts: Iterable[str]) -> str:
    """A list of sentences; nothing where there are none."""
    lines = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul>{lines}</ul>" if lines else ""


def legend(classes: Sequence[str], no_label: str | None = None) -> str:
    """A button a class that picks it out on every map, and one in the colour `no_label` where items have no label."""
    entries = [(place, colour(place), name) for place, name in enumerate(classes)]
    if entries and no_label is not None:
        entries.append((-1, no_label, "no label"))
    buttons = "".join(
        f'<li><button type="button" aria-pressed="false" data-class="{label}">'
        f'<svg viewBox="0 0 12 12" fill="{tone}" aria-hidden="true">{mark(label, 6, 6, 4.2)}</svg>'
        f"{escape(name)}</button></li>"
        for label, tone, name in entries
    )
    return f'<ul class="legend" aria-label="Classes: press one to pick it out">{buttons}</ul>' if buttons else ""


def neighbour_strips(shown: Neighbours) -> str:
    """A line a query: the item, an arrow, and its neighbours, those of another class marked."""
    lines = []
    for (query, title), found in zip(shown.queries, shown.found, strict=True):
        near = "".join(
            f'<span class="{"same" if name == title else "other"}">{image(picture, name)}</span>'
            for picture, name in found
        )
        lines.append(f'<div class="strip">{image(query, title)}<span class="arrow">→</span>{near}</div>')
    return "".join(lines)


def view_strips(shown: ShownViews) -> str:
    """A line an item: its class, the picture, and what was made of it."""
    lines = [f"<p>{escape(shown.summary)}</p>"]
    for title, original, views in shown.items:
        made = "".join(image(view, f"{title}, a view") for view in views)
        lines.append(
            f'<div class="strip"><span class="class">{escape(title)}</span>{image(original, title)}'
            f'<span class="arrow">→</span>{made}</div>'
        )
    return "".join(lines)


def filter_figure(route: str, filters: Filters) -> str:
    """The filters of a route's first layer side by side, as one picture."""
    rows, columns = filters.size
    shown = len(filters.pictures)
    count = f"{filters.total}" if shown == filters.total else f"the first {shown} of {filters.total}"
    sheet = side_by_side(filters.pictures, FILTER_COLUMNS)
    larger = max(1, round(ENLARGED / max(filters.pictures[0].shape[:2])))
    drawn = image(sheet, f"First-layer filters of {route}", side=larger * max(sheet.shape[:2]))
    return (
        f"<figure><figcaption>{escape(route)}<br><small>{count}, {rows}×{columns}</small></figcaption>{drawn}</figure>"
    )


def side_by_side(pictures: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """uint8 H×W×(C+1): pictures h×w×C of one size in rows, between them a transparent pixel."""
    height, width, channels = pictures[0].shape
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    sheet = np.zeros((rows * (height + 1) - 1, columns * (width + 1) - 1, channels + 1), dtype=np.uint8)
    for place, one in enumerate(pictures):
        top, left = place // columns * (height + 1), place % columns * (width + 1)
        sheet[top : top + height, left : left + width, :-1] = one
        sheet[top : top + height, left : left + width, -1] = 255
    return sheet


def item_figures(items: Sequence[tuple[str, np.ndarray]]) -> str:
    """Pictures with their classes as titles."""
    figures = "".join(
        f"<figure><figcaption>{escape(title)}</figcaption>{image(picture, title, side=96)}</figure>"
        for title, picture in items
    )
    return f'<div class="grid">{figures}</div>' if figures else ""


def items_to_label(items: Sequence[tuple[str, np.ndarray]], commands: Sequence[str]) -> str:
    """Pictures with their ids, and the commands that make a sheet of them; nothing where there are none."""
    lines = escape("\n".join(commands))
    how = f"<p>Label them in a browser, and compare again:</p><pre tabindex='0'>{lines}</pre>"
    return f"{item_figures(items)}{how}" if items else ""


def skipped_table(skipped: Sequence[tuple[str, str]]) -> str:
    """The files that could not be read, folded away."""
    if not skipped:
        return ""
    rows = [[escape(path), escape(reason)] for path, reason in skipped[:MOST_LISTED]]
    shown = table(["File", "Reason"], rows, caption=_caption("skipped files", len(skipped)))
    return details(f"{len(skipped)} skipped files", shown)


def duplicate_list(groups: Sequence[Sequence[str]], kind: str = "equal", sign: str = "=") -> str:
    """Groups of equal or nearly equal items, folded away."""
    if not groups:
        return ""
    shown = bullets(f" {sign} ".join(group) for group in groups[:MOST_LISTED])
    return details(f"{len(groups)} groups of {kind} items", shown)


def near_strips(groups: Sequence[Sequence[tuple[str, np.ndarray]]], count: int) -> str:
    """A line a group of nearly equal items, side by side; `count` is how many groups there are."""
    if not groups:
        return ""
    lines = [
        f'<div class="strip">{"".join(image(picture, name, side=96) for name, picture in group)}'
        f'<span class="meta">{escape(" ≈ ".join(name for name, _ in group))}</span></div>'
        for group in groups
    ]
    more = f"<p>The first {len(groups)} of {count} groups.</p>" if count > len(groups) else ""
    return more + "".join(lines)


def _caption(what: str, count: int) -> str:
    return f"The first {MOST_LISTED} of {count} {what}" if count > MOST_LISTED else f"All {count} {what}"
