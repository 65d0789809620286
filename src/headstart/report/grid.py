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
    pictures: Sequence[np.ndarray],
    titles: Sequence[str],
    path: Path,
    *,
    subtitles: Sequence[str] = (),
    below: Sequence[Sequence[np.ndarray]] = (),
) -> None:
    """Draws pictures (uint8 H×W×C each) with their titles, at most eight a row; small ones without smoothing.

    `subtitles`: a second line for each. `below`: rows of further pictures, one of each row for each, drawn under it.
    """
    columns = max(1, min(8, len(pictures)))
    rows = max(1, math.ceil(len(pictures) / columns))
    lines, stacked = [titles, subtitles] if subtitles else [titles], [pictures, *below]
    written = TITLE * len(lines)
    high = written + len(stacked) * (CELL + GAP)
    sheet = Image.new("RGB", (columns * (CELL + GAP) + GAP, rows * high + GAP), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for place, (texts, drawn) in enumerate(zip(zip(*lines, strict=True), zip(*stacked, strict=True), strict=True)):
        left, top = GAP + place % columns * (CELL + GAP), GAP + place // columns * high
        for line, text in enumerate(texts):
            pen.text((left, top + line * TITLE), _short(text), fill="black", font=font)
        for row, one in enumerate(drawn):
            sheet.paste(_fitted(one), (left, top + written + row * (CELL + GAP)))
    with atomic.aside(path) as draft:
        sheet.save(draft, "PNG", optimize=True)


def _short(text: str) -> str:
    """One line of a cell's width."""
    return " ".join((text if len(text) <= LONGEST_TITLE else text[: LONGEST_TITLE - 1] + "…").split())


def _fitted(drawn: np.ndarray) -> Image.Image:
    """A picture of at most a cell's size that keeps its shape."""
    made = Image.fromarray(drawn[:, :, 0] if drawn.shape[2] == 1 else drawn)
    factor = CELL / max(made.size)
    size = (max(1, round(made.width * factor)), max(1, round(made.height * factor)))
    return made.resize(size, Image.Resampling.NEAREST if factor > 1 else Image.Resampling.LANCZOS)
