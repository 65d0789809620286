"""JPEG files decoded by libjpeg-turbo have Pillow's pixels; what it doesn't take is left to Pillow."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from PIL import Image

from headstart.data import jpeg


def written(size=(120, 90), mode="RGB", **options) -> bytes:
    """A file of smooth random colours."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 256, (6, 8, 3), dtype=np.uint8)).convert(mode)
    content = io.BytesIO()
    coarse.resize(size, Image.Resampling.BICUBIC).save(content, "JPEG", **options)
    return content.getvalue()


def pillows(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize(
    "options", [{}, {"subsampling": 0}, {"progressive": True}, {"keep_rgb": True, "subsampling": 0}]
)
def test_whole_pictures_have_pillows_pixels(options):
    content = written(**options)
    found = jpeg.pixels(content, (90, 120), 90)
    assert np.abs(found - np.asarray(pillows(content)).astype(int)).max() <= 1


def test_grey_pictures_have_one_channel():
    content = written(mode="L")
    assert np.array_equal(jpeg.pixels(content, (90, 120), 90)[..., 0], np.asarray(pillows(content)))


@pytest.mark.parametrize(
    ("least", "short"), [(91, 90), (90, 90), (46, 90), (45, 45), (24, 45), (23, 23), (12, 12), (1, 12)]
)
@pytest.mark.parametrize("size", [(120, 90), (90, 120)])
def test_the_scale_is_the_smallest_of_the_fast_ones_that_is_large_enough(least, short, size):
    found = jpeg.pixels(written(size), size[::-1], least)
    assert min(found.shape[:2]) == short


@pytest.mark.parametrize("size", [(121, 93), (500, 375), (97, 1000)])
@pytest.mark.parametrize("eighths", [1, 2, 4])
def test_scaled_pictures_are_those_of_pillow(size, eighths):
    exact = min(size) * eighths / 8
    found = jpeg.pixels(written(size), size[::-1], math.ceil(exact))
    image = pillows(written(size))
    image.draft(None, (math.floor(exact), math.floor(exact)))
    assert found.shape[:2] == image.size[::-1]
    assert np.abs(found - np.asarray(image).astype(int)).max() <= 1


def test_what_is_odd_is_left_to_pillow():
    content = written()
    png = io.BytesIO()
    Image.new("RGB", (120, 90)).save(png, "PNG")
    for odd in (written(mode="CMYK"), content[: len(content) // 2], png.getvalue(), b""):
        assert jpeg.pixels(odd, (90, 120), 8) is None
    assert jpeg.pixels(content, (90, 121), 8) is None, "not the picture that was looked at before"
