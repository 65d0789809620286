"""HTML as strings: every text of a user passes through here and is escaped."""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#882255", "#44aa99", "#8c6bb1", "#999933")
"""Six colours of Okabe and Ito's, three of Tol's and a purple of ColorBrewer's, on light and on dark.

Colour-blind readers don't tell every two of them apart: the order keeps such two from marks of one shape.
"""

NOTHING = "–"


def escape(text: object) -> str:
    """Any text as HTML."""
    return html.escape(str(text), quote=True)


def colour(number: int) -> str:
    """The colour of the n-th class or route."""
    return PALETTE[number % len(PALETTE)]


def percent(value: float | None) -> str:
    """0.957 as 95.7."""
    return NOTHING if value is None or not math.isfinite(value) else f"{100 * value:.1f}"


def number(value: Any) -> str:
    """A setting or figure as people read it."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {number(one)}" for key, one in value.items()) or NOTHING
    if isinstance(value, list | tuple):
        return ", ".join(number(one) for one in value) or NOTHING
    return str(value)


class Figure(NamedTuple):
    """A cell that doesn't begin with the number it is sorted by, such as `1 min 20 s` or `1,234`."""

    html: str
    value: float


Cell = str | Figure


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]], *, caption: str, sortable: bool = False) -> str:
    """A table of cells that are HTML already; the first of each row is its heading."""
    columns = "".join(f'<th scope="col">{head}</th>' for head in heads)
    lines = "".join(f'<tr><th scope="row">{row[0]}</th>{"".join(map(_cell, row[1:]))}</tr>' for row in rows)
    kind = ' class="sortable"' if sortable else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table{kind}>'
        f"<caption>{escape(caption)}</caption><thead><tr>{columns}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def _cell(cell: Cell) -> str:
    return f"<td>{cell}</td>" if isinstance(cell, str) else f'<td data-value="{cell.value:g}">{cell.html}</td>'


def facts(values: Mapping[str, Any]) -> str:
    """Names with their values."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(number(value))}</dd>" for name, value in values.items())
    return f"<dl>{rows}</dl>"


def details(summary: str, content: str, *, open: bool = False) -> str:
    """A part that can be folded away; `content` is HTML."""
    return f"<details{' open' if open else ''}><summary>{escape(summary)}</summary>{content}</details>"


def section(title: str, content: str, *, name: str, lead: str = "") -> str:
    """A part of a page; nothing where there is no content."""
    if not content:
        return ""
    said = f'<p class="lead">{escape(lead)}</p>' if lead else ""
    heading = f'<h2 id="{name}-title">{escape(title)}</h2>'
    return f'<section id="{name}" aria-labelledby="{name}-title">{heading}{said}{content}</section>'


def image(picture: np.ndarray, title: str, *, side: int = 56) -> str:
    """A picture uint8 H×W×C inside the page, `side` pixels along its longer side; enlarged without smoothing.

    With 2 or 4 channels the last is how opaque it is.
    """
    height, width = picture.shape[:2]
    longest = max(height, width)
    size = f'width="{round(side * width / longest)}" height="{round(side * height / longest)}"'
    said = f'alt="{escape(title)}" title="{escape(title)}"'
    return f'<img src="{data_uri(picture, most=max(side, 96))}" {said} {size} loading="lazy">'


def data_uri(picture: np.ndarray, *, most: int = 96) -> str:
    """A picture in a URI, at most `most` pixels a side: as PNG, beyond 96 pixels as JPEG if nothing is transparent."""
    drawn = Image.fromarray(picture[:, :, 0] if picture.shape[2] == 1 else picture)
    drawn.thumbnail((most, most))
    kind = "PNG" if max(drawn.size) <= 96 or drawn.mode in ("LA", "RGBA") else "JPEG"
    buffer = io.BytesIO()
    drawn.save(buffer, kind, optimize=True, quality=85)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"
