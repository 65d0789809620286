"""A titled grid of pictures as PNG, for papers, slides and chats."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from headstart import atomic

CELL, GAP, TITLE = 96, 8, 18
LONGEST_TITLE = 14


def item_grid_png(
    pictures: Sequence[np.ndarray], titles: Sequence[str], path: Path, *, below: Sequence[np.ndarray] = ()
) -> None:
    """Draws pictures (uint8 H×W×C each) with their titles, at most eight a row; small ones without smoothing.

    `below`: for each of them another, drawn under it.
    """
    columns = max(1, min(8, len(pictures)))
    rows = max(1, math.ceil(len(pictures) / columns))
    high = TITLE + (2 if below else 1) * (CELL + GAP)
    sheet = Image.new("RGB", (columns * (CELL + GAP) + GAP, rows * high + GAP), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for place, (drawn, title) in enumerate(zip(pictures, titles, strict=True)):
        left, top = GAP + place % columns * (CELL + GAP), GAP + place // columns * high
        short = title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"
        pen.text((left, top), " ".join(short.split()), fill="black", font=font)
        sheet.paste(_fitted(drawn), (left, top + TITLE))
        if below:
            sheet.paste(_fitted(below[place]), (left, top + TITLE + CELL + GAP))
    with atomic.aside(path) as draft:
        sheet.save(draft, "PNG", optimize=True)


def _fitted(drawn: np.ndarray) -> Image.Image:
    """A picture of at most a cell's size that keeps its shape."""
    made = Image.fromarray(drawn[:, :, 0] if drawn.shape[2] == 1 else drawn)
    factor = CELL / max(made.size)
    size = (max(1, round(made.width * factor)), max(1, round(made.height * factor)))
    return made.resize(size, Image.Resampling.NEAREST if factor > 1 else Image.Resampling.LANCZOS)
