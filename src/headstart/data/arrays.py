"""Arrays of any layout and range become one uint8 tensor N×C×H×W.

Layouts: N×H×W, N×H×W×C and N×C×H×W with any number of channels C.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headstart.errors import InputError

Array = np.ndarray[Any, Any]

CHUNK = 1024
"""Items converted at once: the floats in between stay small."""

LEAST_SHARE = 0.25
"""0…1 and 0…255 are recognised where the brightest pixel of the set reaches this share of the range."""

TOLERANCE = 1e-3
"""How far rounding may carry pixels out of a recognised range, as a share of it."""


@dataclass(frozen=True)
class Scale:
    """The range of pixel values, one for a whole set, that becomes 0…255."""

    low: float
    high: float
    note: str | None = None

    @property
    def keeps(self) -> bool:
        """Whether values stay what they are."""
        return (self.low, self.high) == (0.0, 255.0)

    def __call__(self, values: Array) -> Array:
        """The same shape as uint8, rounded to the nearest level."""
        if self.keeps and values.dtype == np.uint8:
            return values
        single = values.dtype.itemsize <= 2 or values.dtype == np.float32
        levels: Array = values.astype(np.float32 if single else np.float64)
        levels -= self.low
        levels *= 255 / (self.high - self.low)
        return np.rint(levels, out=levels).clip(0, 255, out=levels).astype(np.uint8)


def as_array(values: Any, where: str) -> Array:
    """A NumPy view of a tensor, an array or nested lists of numbers; tensors come to the CPU."""
    if isinstance(values, Tensor):
        values = values.detach().cpu()
        values = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    try:
        array: Array = np.asarray(values)
    except ValueError as error:
        raise InputError(f"{where}: they differ in length, so they make no array.") from error
    return array


def to_pixels(arrays: Sequence[Array], names: Sequence[str]) -> tuple[Tensor, list[str]]:
    """One uint8 tensor N×C×H×W of all arrays one after the other, and what there is to say about it.

    `names` says what each array is called in messages. A single uint8 array in a fitting layout is not copied.
    Raises `InputError` for shapes that are no images, differing item shapes, other kinds of values and NaN.
    """
    planes, notes = [], []
    for array, name in zip(arrays, names, strict=True):
        plane, note = channels_first(array, name)
        planes.append(plane)
        notes.extend(note)
    if len({plane.shape[1:] for plane in planes}) > 1:
        listed = ", ".join(f"{name} {_times(array.shape)}" for name, array in zip(names, arrays, strict=True))
        raise InputError(f"The parts hold images of different shapes: {listed}. Make them alike.")
    items, scaled = joined(planes, names)
    return items, [*dict.fromkeys(notes), *scaled]


def joined(planes: Sequence[Array], names: Sequence[str]) -> tuple[Tensor, list[str]]:
    """One uint8 tensor of arrays n×C×H×W, all scaled alike, and what there is to say about it."""
    scale = find_scale(planes, names)
    return _filled(planes, scale), [scale.note] if scale.note else []


def _filled(planes: Sequence[Array], scale: Scale) -> Tensor:
    """Scales every array into its place in one tensor."""
    if len(planes) == 1 and planes[0].dtype == np.uint8 and scale.keeps:
        only = np.ascontiguousarray(planes[0])
        return torch.from_numpy(only if only.flags.writeable else only.copy())
    total = sum(map(len, planes))
    pixels = np.empty((total, *planes[0].shape[1:]), dtype=np.uint8)
    place = 0
    for plane in planes:
        for start in range(0, len(plane), CHUNK):
            chunk = scale(plane[start : start + CHUNK])
            pixels[place : place + len(chunk)] = chunk
            place += len(chunk)
    return torch.from_numpy(pixels)


def channels_first(array: Array, name: str) -> tuple[Array, list[str]]:
    """A view N×C×H×W of images in any layout; says which was taken where there are not 1 or 3 channels."""
    if array.dtype.kind not in "biuf":
        raise InputError(f"{name}: it holds {array.dtype} values; images need numbers.")
    if array.ndim not in (3, 4):
        raise InputError(
            f"{name}: the shape {_times(array.shape)} is not that of images; reshape it to N×H×W, N×H×W×C or N×C×H×W."
        )
    if 0 in array.shape:
        raise InputError(f"{name}: it holds no images (its shape is {_times(array.shape)}).")
    if array.ndim == 3:
        return array[:, None], []
    last = channels_last(array.shape[1:])
    plane = array.transpose(0, 3, 1, 2) if last else array
    if plane.shape[1] in (1, 3):
        return plane, []
    layout = "N×H×W×C" if last else "N×C×H×W"
    return plane, [f"{name}: {_times(array.shape)} was read as {layout}, {plane.shape[1]} channels."]


def channels_last(shape: Sequence[int]) -> bool:
    """Whether an item of three axes is H×W×C rather than C×H×W.

    Two equal neighbours are the sides of a square picture; else the shorter of the outer axes is the channels.
    """
    first, middle, last = shape
    if (first == middle) != (middle == last):
        return first == middle
    return last < first


def find_scale(planes: Sequence[Array], names: Sequence[str]) -> Scale:
    """The range of a whole set; raises `InputError` naming the first item that holds NaN or infinity."""
    kinds = {plane.dtype.kind for plane in planes}
    if kinds == {"b"}:
        return Scale(0.0, 1.0)
    low = float(np.min([plane.min() for plane in planes]))  # unlike Python's own, these hand NaN on
    high = float(np.max([plane.max() for plane in planes]))
    if not math.isfinite(high - low):
        _refuse_unbounded(planes, names)
    if all(plane.dtype == np.uint8 for plane in planes) and high != 1:
        return Scale(0.0, 255.0)
    return recognise(low, high, floats="f" in kinds)


def recognise(low: float, high: float, *, floats: bool) -> Scale:
    """Which range the values from `low` to `high` were meant in."""
    if low >= -TOLERANCE and LEAST_SHARE <= high <= 1 + TOLERANCE:
        kind = "floats in 0…1" if floats else "only 0 and 1"
        return Scale(0.0, 1.0, f"The pixels are {kind}; they were scaled to 0…255.")
    if low >= -255 * TOLERANCE and 255 * LEAST_SHARE <= high <= 255 * (1 + TOLERANCE):
        return Scale(0.0, 255.0, "The pixels are floats in 0…255; they were rounded." if floats else None)
    low = min(low, 0.0)
    if low == high:
        return Scale(0.0, 255.0)
    return Scale(low, high, f"The pixels range from {low:g} to {high:g}; all were scaled to 0…255 alike.")


def _refuse_unbounded(planes: Sequence[Array], names: Sequence[str]) -> None:
    """Names the first item with a pixel that is not a number."""
    for plane, name in zip(planes, names, strict=True):
        finite = np.isfinite(plane).reshape(len(plane), -1).all(axis=1)
        if not finite.all():
            first, count = int(finite.argmin()), int((~finite).sum())
            others = f", and so have {count - 1} more" if count > 1 else ""
            raise InputError(f"{name}: item {first} has NaN or infinite pixels{others}. Repair them or leave them out.")
    raise InputError(f"{names[0]}: the pixels span more than numbers can; scale them to 0…1.")


def _times(shape: Sequence[int]) -> str:
    return "×".join(map(str, shape)) or "()"
