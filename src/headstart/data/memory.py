"""What is in memory already: tensors, arrays, (items, labels) pairs and torch data sets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from headstart.data import labels, pictures
from headstart.data.arrays import Array, as_array, channels_last, find_scale, joined, to_pixels
from headstart.data.dataset import Skipped
from headstart.data.raw import Raw, numbered
from headstart.data.sizing import announcement, fitted, working_size
from headstart.data.skipping import refuse_too_many
from headstart.errors import InputError


@runtime_checkable
class MapStyle(Protocol):
    """Anything with a length and items by number: a torch data set, a list."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


@dataclass(frozen=True)
class Given:
    """Items one by one, as a torch data set yields them."""

    images: list[Array]
    answers: list[Any] | None
    places: tuple[int, ...]
    skipped: tuple[Skipped, ...]


def read_memory(source: object, size: int | None, *, allow_skips: bool) -> Raw:
    """A tensor, an array, an (items, labels) pair or a map-style data set of images or (image, label) pairs."""
    if isinstance(source, Tensor | np.ndarray):
        return read_tensor(source)
    if isinstance(source, tuple) and len(source) == 2:
        raw = read_memory(source[0], size, allow_skips=allow_skips)
        return raw if source[1] is None else _with_answers(raw, source[1])
    if isinstance(source, MapStyle) and not isinstance(source, dict | str | bytes):
        return read_sequence(source, size, allow_skips=allow_skips)
    hint = (
        "give the data set itself, not a loader or iterator over it"
        if hasattr(source, "__iter__")
        else "give a path, a tensor or array, an (items, labels) pair or a torch data set"
    )
    raise InputError(f"A {type(source).__name__} is no source of data: {hint}.")


def read_tensor(source: Tensor | Array) -> Raw:
    """The images of one tensor or array, without labels."""
    items, notes = to_pixels([as_array(source, "The array")], ["The array"])
    numbers, classes = labels.none(len(items))
    return Raw("array", items, numbers, classes, numbered(len(items)), notes=tuple(notes))


def _with_answers(raw: Raw, answers: Any) -> Raw:
    values = np.atleast_1d(as_array(answers, "The labels"))
    labels.require_equal(len(raw.items) + len(raw.skipped), len(values), "The labels")
    numbers, classes = labels.from_values(values[[int(one) for one in raw.ids]], "The labels")
    return replace(raw, labels=numbers, classes=classes)


def read_sequence(source: MapStyle, size: int | None, *, allow_skips: bool) -> Raw:
    """A map-style data set of PIL images, tensors or arrays, alone or each with its label."""
    where = f"The {type(source).__name__}"
    given = _collected(source, where)
    notes = refuse_too_many(where, given.skipped, len(source), (), allowed=allow_skips)
    items, more = _stacked(given.images, given.places, size, where)
    names = getattr(source, "classes", None)
    numbers, classes = (
        labels.none(len(items)) if given.answers is None else labels.from_values(given.answers, where, names)
    )
    return Raw(
        name=type(source).__name__.lower(),
        items=items,
        labels=numbers,
        classes=classes,
        ids=tuple(map(str, given.places)),
        notes=(*notes, *more),
        skipped=given.skipped,
    )


def _collected(source: MapStyle, where: str) -> Given:
    """Every item once, in order; one that raises is skipped."""
    images, answers, places, skipped = [], [], [], []
    for place in range(len(source)):
        try:
            image, answer = _image_and_answer(source[place])
            images.append(as_item(image))
        except InputError as error:
            raise InputError(f"{where}: item {place}: {error}") from error
        except Exception as error:  # a data set may raise anything on a damaged item
            skipped.append(Skipped(str(place), f"{type(error).__name__}: {error}"))
            continue
        answers.append(answer)
        places.append(place)
    if not len(source):
        raise InputError(f"{where}: it holds no items.")
    labelled = any(answer is not None for answer in answers)
    return Given(images, answers if labelled else None, tuple(places), tuple(skipped))


def _image_and_answer(item: Any) -> tuple[Any, Any]:
    """Takes an item apart: an image alone, or with its label in second place.

    Raises `InputError` for anything but one label.
    """
    if not isinstance(item, tuple | list):
        return item, None
    answer: Any = item[1] if len(item) > 1 else None
    if isinstance(answer, Tensor | np.generic | np.ndarray):
        answer = answer.item() if math.prod(answer.shape) == 1 else answer.tolist()
    if isinstance(answer, dict | list | tuple | set):
        raise InputError("it has several labels; one label an item is needed (several at once are not supported).")
    return item[0], answer


def as_item(image: Any) -> Array:
    """C×H×W values of a PIL image, or of a tensor or array H×W, C×H×W or H×W×C."""
    if isinstance(image, Image.Image):
        return pictures.planes(pictures.flattened(pictures.upright(image)))
    if not isinstance(image, Tensor | np.ndarray):
        raise InputError(f"a {type(image).__name__} is no image; give PIL images, tensors or arrays.")
    array = as_array(image, "The image")
    if array.ndim == 2:
        return array[None]
    if array.ndim != 3:
        raise InputError(f"the shape {tuple(array.shape)} is not that of one image.")
    return array.transpose(2, 0, 1) if channels_last(array.shape) else array


def _stacked(images: Sequence[Array], places: Sequence[int], size: int | None, where: str) -> tuple[Tensor, list[str]]:
    """One tensor of all items: those of one size as they are, others brought to the working size."""
    depths = {len(image) for image in images}
    if depths == {1, 3}:
        images = [np.broadcast_to(image, (3, *image.shape[1:])) for image in images]
    elif len(depths) > 1:
        raise InputError(f"{where}: its images have {', '.join(map(str, sorted(depths)))} channels; make them alike.")
    if len({image.shape for image in images}) == 1:
        return joined([np.stack(images)], [where])
    sizes = [image.shape[1:] for image in images]
    target = working_size(sizes, size)
    scale = find_scale([image[None] for image in images], [f"{where}, {place}" for place in places])
    items = torch.cat([fitted(torch.from_numpy(scale(image).copy())[None], target) for image in images])
    return items, [note for note in (scale.note, announcement(sizes, target)) if note]
