"""Maps side by side as one static picture, SVG or PNG, for papers, slides and chats. Shapes: N items."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from headstart import atomic
from headstart.report.charts import SHAPES, mark
from headstart.report.content import DrawnMap, MapPage
from headstart.report.markup import colour, escape

PANEL, GAP, HEADING, COLUMNS = 300, 16, 42, 3
ENTRY, LINE = 152, 20
MOST_CLASSES, LONGEST_NAME = 30, 18
NO_LABEL = "#8a93a3"
INK, SOFT = "#1c2330", "#5b6575"
FAINT = 0.25
SCALE, FINER = 2, 2
"""Pixels of the PNG to a unit of the SVG, and how much finer it is drawn before it is made smooth."""


def framed(places: np.ndarray) -> np.ndarray:
    """N×2 places in 0…1, one scale for both directions, the second growing downwards as on a screen."""
    low, high = places.min(axis=0), places.max(axis=0)
    span = max(float((high - low).max()), 1e-12)
    inside = (places - (low + high) / 2) / span
    return np.asarray(np.stack([0.5 + inside[:, 0], 0.5 - inside[:, 1]], axis=1))


def mark_size(count: int) -> float:
    """Half the width of a mark on a panel of 300 units: small where there are many items."""
    return float(np.clip(60 / math.sqrt(max(count, 1)), 0.7, 2.6))


def tone(label: int) -> str:
    """The colour of a class; grey for no label."""
    return colour(label) if label >= 0 else NO_LABEL


def figures_of(drawn: DrawnMap) -> str:
    """What stands below a map's title."""
    judged = f"trust {drawn.trustworthiness:.3f} · cont. {drawn.continuity:.3f} · kept {drawn.kept:.2f}"
    return f"{drawn.seconds:.1f} s · {judged}"


@dataclass(frozen=True)
class _Layout:
    """Where everything stands, in units."""

    page: MapPage

    @property
    def columns(self) -> int:
        return min(COLUMNS, len(self.page.maps))

    @property
    def width(self) -> int:
        return max(self.columns, 2) * (PANEL + GAP) + GAP

    @property
    def height(self) -> int:
        rows = -(-len(self.page.maps) // self.columns)
        entries = -(-len(self.legend()) // self._entries_a_line)
        return rows * (PANEL + HEADING + GAP) + GAP + entries * LINE

    @property
    def _entries_a_line(self) -> int:
        return (self.width - GAP) // ENTRY

    def panel(self, place: int) -> tuple[int, int]:
        """The left upper corner of a map, above which its heading stands."""
        row, column = divmod(place, self.columns)
        return GAP + column * (PANEL + GAP), GAP + HEADING + row * (PANEL + HEADING + GAP)

    def legend(self) -> list[tuple[int, str]]:
        """(label, name) of the first classes, and what follows them."""
        classes = self.page.classes
        names = [one if len(one) <= LONGEST_NAME else one[: LONGEST_NAME - 1] + "…" for one in classes[:MOST_CLASSES]]
        found = list(enumerate(names))
        if len(classes) > MOST_CLASSES:
            found.append((MOST_CLASSES, f"… {len(classes) - MOST_CLASSES} more"))
        if classes and (self.page.labels < 0).any():
            found.append((-1, "no label"))
        return found

    def entry(self, place: int) -> tuple[int, int]:
        """Where the mark of a class stands in the legend."""
        row, column = divmod(place, self._entries_a_line)
        rows = -(-len(self.page.maps) // self.columns)
        return GAP + 6 + column * ENTRY, GAP + rows * (PANEL + HEADING + GAP) + LINE // 2 - 4 + row * LINE

    def groups(self, drawn: DrawnMap, corner: tuple[int, int]) -> Iterator[tuple[int, bool, np.ndarray]]:
        """(label, whether faint, N×2 places): the items of a class, old ones below those added to them."""
        size = mark_size(len(self.page.labels)) + 5
        places = framed(drawn.places) * (PANEL - 2 * size) + size + np.array(corner)
        added = np.ones(len(places), bool) if self.page.added is None else self.page.added
        for new in (False, True):
            for label in np.unique(self.page.labels):
                chosen = (self.page.labels == label) & (added == new)
                if chosen.any():
                    yield int(label), not new, places[chosen]


def write_map_svg(page: MapPage, path: Path) -> None:
    """Draws the maps with their figures and a legend, in one move."""
    layout = _Layout(page)
    size = mark_size(len(page.labels))
    parts = []
    for place, drawn in enumerate(page.maps):
        x, y = layout.panel(place)
        parts.append(
            f'<text x="{x}" y="{y - 24}" fill="{INK}" font-size="15" font-weight="650">{escape(drawn.title)}</text>'
        )
        parts.append(f'<text x="{x}" y="{y - 8}" fill="{SOFT}" font-size="11.5">{escape(figures_of(drawn))}</text>')
        parts.append(f'<rect x="{x}" y="{y}" width="{PANEL}" height="{PANEL}" rx="6" fill="#f5f7fa"/>')
        for label, faint, places in layout.groups(drawn, (x, y)):
            marks = "".join(mark(label, across, down, size) for across, down in places.tolist())
            parts.append(f'<g fill="{tone(label)}" opacity="{FAINT if faint else 1}">{marks}</g>')
    for place, (label, name) in enumerate(layout.legend()):
        x, y = layout.entry(place)
        parts.append(f'<g fill="{tone(label)}">{mark(label, x, y, 4.2)}</g>')
        parts.append(f'<text x="{x + 10}" y="{y + 4}" fill="{INK}" font-size="12">{escape(name)}</text>')
    atomic.write_text(
        path,
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {layout.width} {layout.height}" width="{layout.width}" '
        f'height="{layout.height}" font-family="system-ui,sans-serif"><title>{escape(page.title)}</title>'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n',
    )


def write_map_png(page: MapPage, path: Path) -> None:
    """The same as pixels."""
    layout, fine = _Layout(page), SCALE * FINER
    sheet = Image.new("RGB", (layout.width * fine, layout.height * fine), "white")
    pen = ImageDraw.Draw(sheet)

    def text(x: float, y: float, said: str, size: float, fill: str) -> None:
        font = ImageFont.load_default(size * fine)
        pen.text((x * fine, y * fine), said, fill=fill, font=font, anchor="ls")

    for place, drawn in enumerate(page.maps):
        x, y = layout.panel(place)
        text(x, y - 24, drawn.title, 15, INK)
        text(x, y - 8, figures_of(drawn), 11.5, SOFT)
        pen.rounded_rectangle((x * fine, y * fine, (x + PANEL) * fine, (y + PANEL) * fine), 6 * fine, fill="#f5f7fa")
        for label, faint, places in layout.groups(drawn, (x, y)):
            for across, down in (places * fine).tolist():
                _stamp(pen, label, across, down, mark_size(len(page.labels)) * fine, faint)
    for place, (label, name) in enumerate(layout.legend()):
        x, y = layout.entry(place)
        _stamp(pen, label, x * fine, y * fine, 4.2 * fine, False)
        text(x + 10, y + 4, name, 12, INK)
    with atomic.aside(path) as draft:
        sheet.reduce(FINER).save(draft, "PNG", optimize=True)


def _stamp(pen: ImageDraw.ImageDraw, label: int, x: float, y: float, size: float, faint: bool) -> None:
    """The mark of `charts.mark` in pixels."""
    fill = _paler(tone(label)) if faint else tone(label)
    shape = max(label, 0) % SHAPES
    if shape == 0:
        pen.ellipse((x - size, y - size, x + size, y + size), fill=fill)
    elif shape == 1:
        pen.rectangle((x - 0.9 * size, y - 0.9 * size, x + 0.9 * size, y + 0.9 * size), fill=fill)
    else:
        wide = 1.2 * size
        pen.polygon([(x, y - wide), (x + wide, y + 0.8 * size), (x - wide, y + 0.8 * size)], fill=fill)


def _paler(tone: str) -> str:
    """What is left of a colour on white at the opacity of faint items."""
    return "#" + "".join(f"{255 - round((255 - int(tone[at : at + 2], 16)) * FAINT):02x}" for at in (1, 3, 5))
