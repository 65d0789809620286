"""Digits as a computer draws them: a source that has every label, for the target that people wrote by hand.

The fonts come from matplotlib's wheel, by name, never from the system, so that everybody draws the same pictures. They
are thickened, turned, slanted, stretched and shifted as 32×32 bitmaps, then reduced as the handwritten ones were: each
of 8×8 pixels counts the black ones among 4×4 (Alpaydin and Kaynak 1998).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from headstart import randomness
from headstart.data.arrays import Scale
from headstart.data.raw import Raw
from headstart.errors import InputError

NAME = "rendered-digits"
DEJAVU = ("Sans", "Sans-Bold", "Sans-Oblique", "Sans-BoldOblique")
DEJAVU_MONO = tuple(style.replace("Sans", "SansMono") for style in DEJAVU)
DEJAVU_SERIF = ("Serif", "Serif-Bold", "Serif-Italic", "Serif-BoldItalic")
FONTS = (
    *(f"DejaVu{style}" for style in (*DEJAVU, *DEJAVU_MONO, *DEJAVU_SERIF)),
    *(f"STIXGeneral{style}" for style in ("", "Bol", "Italic", "BolIta")),
    *("cmr10", "cmss10", "cmtt10", "cmb10", "cmti10"),
)
"""Those of the wheel's fonts that have digits of their own; the rest are symbols and leftovers."""

VARIANTS = 20
"""Pictures of each digit in each font."""

GLYPH, BITMAP, BLOCK = 96, 32, 4
STROKES = (0, 1, 2, 4)
"""Pixels added around a glyph of that size, on either side."""


def rendered_digits() -> Raw:
    """4,200 digits of 8×8 pixels and 17 grey levels, drawn from 21 fonts.

    Raises `InputError` where the fonts are missing.
    """
    folder = font_folder()
    count = len(FONTS) * 10 * VARIANTS
    shapes = torch.rand(count, 7, generator=randomness.generator(0, NAME))
    bitmaps = np.stack([_bitmap(glyphs, shape) for glyphs, shape in zip(_glyphs(folder), shapes, strict=True)])
    blocks = bitmaps.reshape(count, BITMAP // BLOCK, BLOCK, BITMAP // BLOCK, BLOCK)
    counts = blocks.sum(axis=(2, 4))  # [N, 8, 8] of 0…16
    return Raw(
        name=NAME,
        items=torch.from_numpy(Scale(0.0, 16.0)(counts)[:, None]),
        labels=torch.arange(10).repeat_interleave(VARIANTS).repeat(len(FONTS)),
        classes=tuple("0123456789"),
        ids=tuple(f"{font}/{digit}/{turn}" for font in FONTS for digit in range(10) for turn in range(VARIANTS)),
        notes=(f"{NAME}: {count:,} digits drawn from {len(FONTS)} fonts; their 17 levels were scaled to 0…255.",),
    )


def font_folder() -> Path:
    """Where matplotlib's wheel keeps its fonts; matplotlib itself is not imported."""
    found = find_spec("matplotlib")
    places = list(found.submodule_search_locations or []) if found else []
    folder = Path(*places[:1], "mpl-data", "fonts", "ttf")
    if not places or not all((folder / f"{font}.ttf").exists() for font in FONTS):
        raise InputError(
            f"{NAME} is drawn with the fonts of matplotlib's wheel, which isn't here.\n"
            "Get it with: python -m pip install --no-deps matplotlib"
        )
    return folder


def _glyphs(folder: Path) -> Iterator[list[Image.Image]]:
    """For each item, its digit in its font with every stroke, cut to its edges."""
    for name in FONTS:
        font = ImageFont.truetype(str(folder / f"{name}.ttf"), GLYPH)
        for digit in "0123456789":
            drawn = [_drawn(font, digit, stroke) for stroke in STROKES]
            yield from [drawn] * VARIANTS


def _drawn(font: ImageFont.FreeTypeFont, digit: str, stroke: int) -> Image.Image:
    page = Image.new("L", (2 * GLYPH, 2 * GLYPH))
    ImageDraw.Draw(page).text((GLYPH // 2, GLYPH // 4), digit, fill=255, font=font, stroke_width=stroke)
    return page.crop(page.getbbox())


def _bitmap(glyphs: list[Image.Image], shape: Tensor) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """32×32 booleans of a digit, shaped by seven numbers in 0…1."""
    thick, turn, slant, tall, wide, right, down = shape.tolist()
    glyph = glyphs[int(thick * len(glyphs))]
    angle, slant = math.radians(30 * turn - 15), 0.6 * slant - 0.3
    height = BITMAP * (0.8 + 0.2 * tall)
    scale = glyph.height / height
    stretch = scale / (0.7 + 0.6 * wide)
    # From a place in the bitmap, seen from its middle, to one in the glyph, seen from its.
    cos, sin = math.cos(angle), math.sin(angle)
    matrix = np.array([[stretch, 0], [0, scale]]) @ np.array([[1, slant], [0, 1]]) @ np.array([[cos, sin], [-sin, cos]])
    middle = np.array([BITMAP / 2 + 6 * right - 3, BITMAP / 2 + 4 * down - 2])
    offset = np.array([glyph.width / 2, glyph.height / 2]) - matrix @ middle
    (a, b), (d, e) = matrix.tolist()
    c, f = offset.tolist()
    placed = glyph.transform((BITMAP, BITMAP), Image.Transform.AFFINE, (a, b, c, d, e, f), Image.Resampling.BILINEAR)
    black: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = np.asarray(placed) >= 128
    return black
