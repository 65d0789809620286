"""Labels of any kind become numbers and class names."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

import numpy as np
import torch
from torch import Tensor

from headstart.data.arrays import Array, as_array
from headstart.data.naming import natural
from headstart.errors import InputError

Named = tuple[Tensor, tuple[str, ...]]
"""int64 N labels (-1: none) and the names they stand for."""


def none(count: int) -> Named:
    """No labels at all."""
    return torch.full((count,), -1), ()


def from_names(names: Sequence[str | None]) -> Named:
    """Numbers names in natural order ("2" before "10"); None and "" mean no label."""
    classes = tuple(sorted({name for name in names if name}, key=natural))
    number = {name: place for place, name in enumerate(classes)}
    return torch.tensor([number[name] if name else -1 for name in names], dtype=torch.int64), classes


def from_values(values: Any, where: str, classes: Sequence[str] | None = None) -> Named:
    """Numbers integers, names or whole floats; below 0, NaN, None and "" mean no label.

    `classes` names the integers where the source knows better names. Raises `InputError` for more than one label
    an item and for fractions.
    """
    array = as_array(values, where)
    if array.dtype.kind not in "biuf":
        array = np.asarray(values, dtype=object)  # NumPy makes text of NaN and numbers among names
    array = _one_each(array, where)
    if array.dtype.kind == "O":
        given = [None if one is None or one != one or one == "" else one for one in array.tolist()]
        if not all(one is None or isinstance(one, Real) for one in given):
            return from_names([as_text(one) for one in given])
        array = np.array(given, dtype=np.float64)
    if array.dtype.kind == "f":
        array = _whole(array, where)
    array = array.astype(np.int64)
    present = np.unique(array[array >= 0])
    numbers = torch.from_numpy(np.where(array < 0, -1, np.searchsorted(present, array)))
    if classes is not None and len(present) and present[-1] < len(classes):
        return numbers, tuple(str(classes[value]) for value in present)
    return numbers, tuple(map(str, present.tolist()))


def from_parts(parts: Sequence[Array | None], counts: Sequence[int], where: str) -> Named:
    """`from_values` over the parts of a set together; None stands for a part without labels."""
    known = [part for part in parts if part is not None]
    blank = "" if any(part.dtype.kind not in "biuf" for part in known) else -1
    filled = [
        np.full(count, blank) if part is None else _one_each(part, where)
        for part, count in zip(parts, counts, strict=True)
    ]
    return from_values(np.concatenate(filled), where)


def _one_each(array: Array, where: str) -> Array:
    if array.ndim == 2 and array.shape[1] == 1:
        return array[:, 0]
    if array.ndim != 1:
        raise InputError(
            f"{where}: the labels have the shape {'×'.join(map(str, array.shape)) or '()'}; "
            "one label an item is needed (several at once are not supported)."
        )
    return array


def _whole(array: Array, where: str) -> Array:
    """Floats that count classes as integers, NaN as -1."""
    known = ~np.isnan(array)
    if not np.equal(np.rint(array[known]), array[known]).all():
        raise InputError(f"{where}: the labels are fractions; classes are needed, and regression is not supported.")
    return np.where(known, array, -1).astype(np.int64)


def as_text(value: object) -> str | None:
    """A label as text; None where there is none, as for None, NaN and numbers below 0."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    none = value is None or value != value or (isinstance(value, Real) and value < 0)
    return None if none else str(value)


def require_equal(images: int, labels: int, where: str) -> None:
    """Raises `InputError` where there is not one label an image."""
    if images != labels:
        raise InputError(f"{where}: there are {images} images but {labels} labels; give one label an image.")
