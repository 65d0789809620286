"""Many image files become one uint8 tensor: headers first, then pixels straight into their place.

Pillow decodes without holding Python's lock, so threads share the work.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from headstart import terminal
from headstart.data.files import ImageFile
from headstart.data.pictures import Header, UnreadableError, decode, probe
from headstart.data.sizing import announcement, working_size
from headstart.errors import InputError

S = TypeVar("S")
T = TypeVar("T")

UPDATE_EVERY = 64

BATCH = 8
"""Files a thread takes at once: handing over a tiny one costs as much as decoding it."""


@dataclass(frozen=True)
class Decoded:
    """The pictures that could be read, and why the others could not."""

    items: Tensor
    """uint8 n×C×H×W."""
    places: tuple[int, ...]
    """Which of the given files each item is."""
    failures: dict[int, str]
    """The reason for each of the other files."""
    notes: tuple[str, ...]


def decode_all(files: Sequence[ImageFile], size: int | None) -> Decoded:
    """All readable files at one size and with one number of channels (1 only where every file is grey)."""
    headers, failures = _try_all(probe, files, "Looking at the files")
    if not headers:
        return Decoded(torch.empty(0, 1, 1, 1, dtype=torch.uint8), (), failures, ())
    sizes = [(header.height, header.width) for header in headers.values()]
    target = working_size(sizes, size)
    channels = 1 if all(header.grey for header in headers.values()) else 3
    pixels = _allocated((len(headers), channels, *target))
    places = list(headers)

    def fill(row: int) -> bool:
        pixels[row] = decode(files[places[row]], target, channels)
        return True

    filled, broken = _try_all(fill, range(len(places)), "Reading the images")
    failures |= {places[row]: reason for row, reason in broken.items()}
    rows = list(filled)
    kept = pixels if not broken else pixels[rows]
    notes = [*_conversions(list(headers.values())), announcement(sizes, target)]
    return Decoded(
        torch.from_numpy(kept), tuple(places[row] for row in rows), failures, tuple(note for note in notes if note)
    )


def _try_all(work: Callable[[S], T], jobs: Sequence[S], title: str) -> tuple[dict[int, T], dict[int, str]]:
    """Results and failures of `work`, each by the job's place, in order."""

    def attempt(start: int) -> list[T | UnreadableError]:
        return [_outcome(work, job) for job in jobs[start : start + BATCH]]

    results: dict[int, T] = {}
    failures: dict[int, str] = {}
    began = time.monotonic()
    with _quiet_pillow(), ThreadPoolExecutor(os.cpu_count()) as pool, terminal.progress(title, len(jobs)) as meter:
        outcomes = chain.from_iterable(pool.map(attempt, range(0, len(jobs), BATCH)))
        for place, outcome in enumerate(outcomes):
            if isinstance(outcome, UnreadableError):
                failures[place] = str(outcome)
            else:
                results[place] = outcome
            if place % UPDATE_EVERY == 0:
                meter.update(place + 1, (place + 1) / max(time.monotonic() - began, 1e-9))
    return results, failures


def _outcome(work: Callable[[S], T], job: S) -> T | UnreadableError:
    try:
        return work(job)
    except UnreadableError as failure:
        return failure


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Pillow's warnings about odd files are not for the user: what matters is in the reasons for skipping."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        yield


def _allocated(shape: tuple[int, ...]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    try:
        return np.empty(shape, dtype=np.uint8)
    except MemoryError as error:
        needed = terminal.size(float(np.prod(shape, dtype=np.float64)))
        raise InputError(
            f"{shape[0]:,} images of {shape[2]}×{shape[3]} pixels need {needed} of memory, more than there is. "
            "Choose a smaller --size."
        ) from error


def _conversions(headers: Sequence[Header]) -> Iterator[str]:
    """What was done to some of the files."""
    grey = sum(header.grey for header in headers)
    if 0 < grey < len(headers):
        yield f"{grey} of {len(headers)} images are grey; they were brought to RGB like the others."
    if alpha := sum(header.alpha for header in headers):
        yield f"{alpha} of {len(headers)} images may be transparent; they were put on white."
    if deep := sum(header.sixteen_bits for header in headers):
        yield f"{deep} of {len(headers)} images have 16 bits a pixel; 0…65,535 was scaled to 0…255."
    if turned := sum(header.turned for header in headers):
        yield f"{turned} of {len(headers)} images were turned upright as their Exif data say."
