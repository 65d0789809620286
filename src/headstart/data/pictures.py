"""One image file of any kind becomes upright grey or RGB pixels with eight bits a channel."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from statistics import median_low

import numpy as np
import torch
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from headstart.data import jpeg
from headstart.data.arrays import Array
from headstart.data.files import ImageFile
from headstart.data.sizing import Resampling, fitted

FORMATS = ("JPEG", "MPO", "PNG", "GIF", "BMP", "DIB", "TIFF", "WEBP", "PPM", "JPEG2000", "AVIF")
"""Raster formats that are told by their first bytes; those that start other programs (EPS) are never opened."""

JPEG = ("JPEG", "MPO")
PROBED = 64
"""Files whose own size is looked up, to know what size a set's pictures have."""

SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")
GREY = ("1", "L", "LA", "La", *SIXTEEN_BITS)
ALPHA = ("LA", "La", "PA", "RGBA", "RGBa")
SIDEWAYS = (5, 6, 7, 8)
TURNS: Mapping[int, Callable[[Array], Array]] = {
    1: lambda pixels: pixels,
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: pixels.swapaxes(0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.rot90(pixels, 2).swapaxes(0, 1),
    8: np.rot90,
}
"""What makes pixels, H×W×C, upright, by Exif's orientation."""


class UnreadableError(Exception):
    """Why a file is skipped, in words for the user."""


@dataclass(frozen=True)
class Header:
    """What the first bytes of a file say about its picture."""

    height: int
    width: int
    grey: bool
    alpha: bool
    sixteen_bits: bool
    orientation: int
    """How the camera was held, by Exif; 1: upright."""
    jpeg: bool


@cache
def formats() -> tuple[str, ...]:
    """The formats this Pillow can read."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


@cache
def extensions() -> frozenset[str]:
    """The endings, in small letters, of files that are taken for images."""
    return frozenset(ending for ending, name in Image.registered_extensions().items() if name in formats())


def probe(file: ImageFile) -> Header:
    """Reads the header only. Raises `UnreadableError`."""
    try:
        with open_picture(file) as image:
            return header(image)
    except Exception as error:  # decoders raise almost anything on damaged files
        raise UnreadableError(_reason(error, file)) from error


def short_side(files: Sequence[ImageFile]) -> int | None:
    """Pixels of the short side that pictures have in their files: the median of some; None where none can be read."""
    sides = []
    for file in files[:: max(1, len(files) // PROBED)]:
        with suppress(UnreadableError):  # who decodes it will say so
            found = probe(file)
            sides.append(min(found.height, found.width))
    return median_low(sides) if sides else None


def decode(
    file: ImageFile, header: Header, size: tuple[int, int], channels: int, resampling: Resampling = "bilinear"
) -> Array:
    """uint8 C×H×W: the picture brought to (height, width) and 1 or 3 channels. Raises `UnreadableError`."""
    pixels = torch.from_numpy(_pixels(file, header, max(size)))
    return _with_channels(fitted(pixels[None], size, resampling)[0].numpy(), channels)


def decode_whole(file: ImageFile, channels: int) -> Array:
    """uint8 C×H×W: the picture at the size of its file, with 1 or 3 channels. Raises `UnreadableError`."""
    return _with_channels(_pixels(file, probe(file), math.inf), channels)


def _pixels(file: ImageFile, header: Header, least: float) -> Array:
    """uint8 C×H×W, upright, with a short side of at least `least` if the picture has it."""
    try:
        found = _jpeg(file, header, least) if header.jpeg else None
        if found is not None:
            return found
        with open_picture(file) as image:
            return planes(flattened(upright(image)))
    except Exception as error:  # decoders raise almost anything on damaged files
        raise UnreadableError(_reason(error, file)) from error


def _jpeg(file: ImageFile, header: Header, least: float) -> Array | None:
    """As `_pixels`; None where Pillow is to try."""
    with file.open() as stream:
        content = stream.read()
    sides = (header.height, header.width)
    pixels = jpeg.pixels(content, sides[::-1] if header.orientation in SIDEWAYS else sides, least)
    return None if pixels is None else np.ascontiguousarray(TURNS[header.orientation](pixels)).transpose(2, 0, 1)


@contextmanager
def open_picture(file: ImageFile) -> Iterator[Image.Image]:
    """A picture of one of the known formats, unless it is larger than Pillow's limit against bombs."""
    with file.open() as stream, Image.open(stream, formats=formats()) as image:
        limit = Image.MAX_IMAGE_PIXELS
        if limit is not None and image.width * image.height > limit:
            raise Image.DecompressionBombError
        yield image


def header(image: Image.Image) -> Header:
    """Facts about an opened picture, without decoding it."""
    orientation = _orientation(image)
    width, height = image.size[::-1] if orientation in SIDEWAYS else image.size
    return Header(
        height=height,
        width=width,
        grey=is_grey(image),
        alpha=has_alpha(image),
        sixteen_bits=image.mode in SIXTEEN_BITS,
        orientation=orientation,
        jpeg=image.format in JPEG,
    )


def _orientation(image: Image.Image) -> int:
    """Exif's orientation, 1 (upright) where there is none."""
    if image.format == "TIFF" or (image.format == "PNG" and "exif" not in image.info):
        return 1  # Pillow turns TIFF itself, and would decode a whole PNG to look for Exif at its end
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    return orientation if orientation in range(1, 9) else 1


def is_grey(image: Image.Image) -> bool:
    """Whether the picture can't hold colour: a grey mode, or a palette of greys."""
    if image.mode in ("P", "PA") and image.palette is not None:
        colours = np.array(image.getpalette("RGB"), dtype=np.uint8).reshape(-1, 3)
        return bool((colours == colours[:, :1]).all())
    return image.mode in GREY


def has_alpha(image: Image.Image) -> bool:
    """Whether some pixels may be transparent."""
    return image.mode in ALPHA or ("transparency" in image.info and image.mode not in SIXTEEN_BITS)


def upright(image: Image.Image) -> Image.Image:
    """The picture turned as Exif says; itself where it is known to be upright."""
    if image.format == "JPEG" and _orientation(image) == 1:
        return image  # Pillow would copy it
    return ImageOps.exif_transpose(image)


def flattened(image: Image.Image) -> Image.Image:
    """The picture in mode L or RGB: transparency on white, sixteen bits scaled by 65,535 to eight."""
    if image.mode in SIXTEEN_BITS:
        return _eight_bits(image)
    if image.mode == "F":
        raise UnreadableError("its pixels are floats; save it with 8 or 16 bits a channel, or give the set as .npy")
    mode = "L" if is_grey(image) else "RGB"
    if has_alpha(image):
        coloured = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), coloured)
    return image if image.mode == mode else image.convert(mode)


def _eight_bits(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise UnreadableError("its pixels have 32 bits; save it with 8 or 16 bits a channel, or give the set as .npy")
    return Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))


def planes(image: Image.Image) -> Array:
    """uint8 C×H×W of a picture in mode L or RGB."""
    return np.atleast_3d(np.array(image)).transpose(2, 0, 1)


def _with_channels(pixels: Array, channels: int) -> Array:
    """uint8 C×H×W with 1 or 3 channels, of one with 1 or 3."""
    if len(pixels) == channels:
        return pixels
    if channels == 3:
        return np.repeat(pixels, 3, axis=0)
    return np.asarray(Image.fromarray(np.ascontiguousarray(pixels.transpose(1, 2, 0))).convert("L"))[None]


def _reason(error: Exception, file: ImageFile) -> str:
    """What is wrong with a file, in a few plain words."""
    if isinstance(error, UnreadableError):
        return str(error)
    if isinstance(error, Image.DecompressionBombError):
        return f"more than {Image.MAX_IMAGE_PIXELS:,} pixels: it may be a decompression bomb"
    if isinstance(error, FileNotFoundError):
        return "a link to a file that is gone"
    if isinstance(error, PermissionError):
        return "no permission to read it"
    with suppress(OSError):  # a file that can't even be looked at, or has gone since
        if file.stamp()[0] == 0:
            return "the file is empty"
    if isinstance(error, UnidentifiedImageError):
        return "not an image, whatever its name says"
    if isinstance(error, OSError) and error.strerror:  # the system's words; those of decoders come without a number
        return f"it can't be read ({error.strerror})"
    return f"truncated or damaged ({str(error) or type(error).__name__})"
