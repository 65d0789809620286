"""The pixels of JPEG files, decoded by libjpeg-turbo at the smallest of its fast scales that is large enough.

Pillow decodes the same pixels in about twice the time, copies included. Whatever is odd about a file is left to it: it
takes what can be taken, and says what is wrong with the rest.
"""

from __future__ import annotations

import simplejpeg

from headstart.data.arrays import Array

COLOURS = {"Gray": "GRAY", "YCbCr": "RGB", "RGB": "RGB"}
"""What is asked for, by what a file holds; inks are left to Pillow."""

EIGHTHS = (1, 2, 4)
"""Scales that libjpeg-turbo has vector code for; others between them take longer than the whole picture."""


def pixels(content: bytes, sides: tuple[int, int], least: float) -> Array | None:
    """uint8 H×W×C of a file's first picture, as stored: its short side is the smallest of a whole, a half, a quarter
    and an eighth that has `least` pixels.

    None where it isn't an ordinary grey or colour picture of these (height, width), without any fault.
    """
    try:
        height, width, colours, _ = simplejpeg.decode_jpeg_header(content)
        if (height, width) != sides or colours not in COLOURS:
            return None
        found: Array = simplejpeg.decode_jpeg(content, COLOURS[colours], **_scale(height, width, least))
        return found
    except ValueError:
        return None


def _scale(height: int, width: int, least: float) -> dict[str, int]:
    """The arguments that make the decoder choose this scale: it takes the smallest that reaches both sides."""
    for eighths in EIGHTHS:
        sides = [-(-side * eighths // 8) for side in (height, width)]
        if min(sides) >= least:
            return {"min_height": sides[0], "min_width": sides[1], "min_factor": 1}
    return {}
