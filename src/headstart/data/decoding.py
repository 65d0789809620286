"""Many image files become one uint8 tensor: headers first, then pixels, in memory or in a file that is mapped there.

Decoders don't hold Python's lock, so threads share the work. Sets whose files and pixels together reach
`KEPT_FROM` bytes are kept decoded in the user's cache (`headstart.data.cache`) and read from there the next time.
"""

from __future__ import annotations

import os
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from headstart import terminal
from headstart.data import cache
from headstart.data.arrays import Array
from headstart.data.files import ImageFile, Stamp
from headstart.data.identity import Identity, identify
from headstart.data.pictures import Header, UnreadableError, decode, probe
from headstart.data.sizing import Resampling, announcement, working_size
from headstart.errors import InputError, RunError

S = TypeVar("S")
T = TypeVar("T")

KEPT_FROM = 32_000_000
"""Bytes of files and pixels together from which decoding is worth keeping: about a second of it."""

UPDATE_EVERY = 64

BATCH = 8
"""Files a thread takes at once: handing over a tiny one costs as much as decoding it."""

AHEAD = 4
"""Batches a thread that may wait to be taken, so that a slow disk holds decoding up instead of filling the memory."""


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
    identity: Identity


@dataclass(frozen=True)
class Plan:
    """What is known of some files before their pixels are."""

    files: Sequence[ImageFile]
    stamps: Sequence[Stamp | None]
    headers: Mapping[int, Header]
    """Of the files whose header could be read, by place."""
    shape: tuple[int, int, int]
    """Channels, height and width that all are brought to."""
    resampling: Resampling
    failures: dict[int, str]
    notes: tuple[str, ...]

    def pictures(self, known: Callable[[int], Array | None] = lambda _: None) -> Iterator[tuple[int, Array]]:
        """(place, uint8 C×H×W) of every picture that can be read, in order; the reasons of others go to `failures`.

        `known` gives pixels of a place that needs no decoding. Raises `RunError` where a file changed meanwhile.
        """
        channels, *size = self.shape

        def pixels(place: int) -> Array:
            found = known(place)
            if found is not None:
                return found
            return decode(self.files[place], self.headers[place], (size[0], size[1]), channels, self.resampling)

        places = tuple(self.headers)
        for number, outcome in _outcomes(pixels, places, "Reading the images"):
            place = places[number]
            if isinstance(outcome, UnreadableError):
                self.failures[place] = str(outcome)
            else:
                yield place, outcome
        _refuse_changed(self.files, self.stamps)

    def decoded(self, items: Tensor, identity: Identity) -> Decoded:
        """The result, with items of all places but those that failed."""
        places = tuple(place for place in self.headers if place not in self.failures)
        return Decoded(items, places, dict(sorted(self.failures.items())), self.notes, identity)


def decode_all(
    files: Sequence[ImageFile], size: int | None, *, resampling: Resampling = "bilinear", keep: bool = True
) -> Decoded:
    """All readable files at one size and with one number of channels: 1 only where every file is grey.

    `keep` lets large sets be read from the user's cache, and written there the first time. Raises `RunError` where
    there is no room for that, and where a file changes meanwhile.
    """
    stamps = [_stamp(file) for file in files]
    entry = cache.Entry.of(files, stamps, (size, resampling)) if keep else None
    if entry is not None and (kept := entry.read()) is not None:
        return _from_cache(kept, len(files))
    headers, failures = _headers(files)
    if not headers:
        _refuse_changed(files, stamps)
        return Decoded(torch.empty(0, 1, 1, 1, dtype=torch.uint8), (), failures, (), Identity([]))
    sizes = [(header.height, header.width) for header in headers.values()]
    target = working_size(sizes, size)
    depth = 1 if all(header.grey for header in headers.values()) else 3
    notes = [*_conversions(list(headers.values())), announcement(sizes, target)]
    plan = Plan(files, stamps, headers, (depth, *target), resampling, failures, tuple(note for note in notes if note))
    weight = sum(stamp[0] for stamp in stamps if stamp) + len(headers) * prod(plan.shape)
    return _in_memory(plan) if entry is None or weight < KEPT_FROM else _in_cache(plan, entry)


def _in_memory(plan: Plan) -> Decoded:
    """Decodes into the memory of this process."""
    pixels = _allocated((len(plan.headers), *plan.shape))
    count = 0
    for _, picture in plan.pictures():
        pixels[count] = picture
        count += 1
    items = torch.from_numpy(pixels[:count])
    return plan.decoded(items, identify(items))


def _in_cache(plan: Plan, entry: cache.Entry) -> Decoded:
    """Decodes into an entry of the cache; what an earlier state of the same folder had is taken over from there."""
    earlier = entry.earlier()
    rows = {key: row for row, key in enumerate(earlier.keys)} if earlier is not None else {}

    def known(place: int) -> Array | None:
        row = rows.get(entry.keys[place])
        same = earlier is not None and row is not None and earlier.pixels.shape[1:] == plan.shape
        return earlier.pixels[row] if same else None  # type: ignore[union-attr]

    needed = len(plan.headers) * (prod(plan.shape) + 2 * cache.DIGEST_SIZE)
    with entry.room(needed), entry.locked():
        kept = entry.read()  # another run may have finished it while we waited
        if kept is None:
            _announce(plan, entry, needed)
            with entry.draft() as path:
                _write(plan, entry, path, known)
            kept = entry.read()
    if kept is None:
        raise RunError(f"{entry.path} is gone or damaged already. Run the command again, or add --no-cache.")
    return _from_cache(kept, len(plan.files))


def _write(plan: Plan, entry: cache.Entry, path: Path, known: Callable[[int], Array | None]) -> None:
    """The pixels as they come, then who is who among them, then the facts."""
    keys = []
    with path.open("r+b") as file:
        for place, picture in plan.pictures(known):
            file.write(np.ascontiguousarray(picture).data)
            keys.append(entry.keys[place])
        file.flush()
        shape = (len(keys), *plan.shape)
        identity = identify(torch.from_numpy(cache.mapped(path, shape)))
        facts = {"failures": list(plan.failures.items()), "notes": plan.notes, "near": identity.near}
        cache.finish(file, shape, identity.digests, keys, facts)


def _from_cache(kept: cache.Kept, count: int) -> Decoded:
    failures = dict(kept.facts["failures"])
    return Decoded(
        items=torch.from_numpy(kept.pixels),
        places=tuple(place for place in range(count) if place not in failures),
        failures=failures,
        notes=tuple(kept.facts["notes"]),
        identity=Identity(kept.digests, tuple(map(tuple, kept.facts["near"]))),
    )


def _announce(plan: Plan, entry: cache.Entry, needed: int) -> None:
    height, width = plan.shape[1:]
    terminal.note(
        f"{len(plan.headers):,} images are kept decoded at {width}×{height} in {entry.path.parent} "
        f"({terminal.size(needed)}; --size sets another size, --no-cache goes without)."
    )


def _stamp(file: ImageFile) -> Stamp | None:
    """None for a file that is gone."""
    try:
        return file.stamp()
    except OSError:
        return None


def _refuse_changed(files: Sequence[ImageFile], stamps: Sequence[Stamp | None]) -> None:
    """Raises `RunError` where a file isn't any more what it was."""
    changed = [file for file, stamp in zip(files, stamps, strict=True) if _stamp(file) != stamp]
    if changed:
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        raise RunError(
            f"{changed[0].place}{more} changed while being read.\n"
            "Wait until nothing writes there any more, then run the command again."
        )


def _headers(files: Sequence[ImageFile]) -> tuple[dict[int, Header], dict[int, str]]:
    """What can be read of each file's header, and why the others can't be, by place."""
    headers: dict[int, Header] = {}
    failures: dict[int, str] = {}
    for place, outcome in _outcomes(probe, files, "Looking at the files"):
        if isinstance(outcome, UnreadableError):
            failures[place] = str(outcome)
        else:
            headers[place] = outcome
    return headers, failures


def _outcomes(work: Callable[[S], T], jobs: Sequence[S], title: str) -> Iterator[tuple[int, T | UnreadableError]]:
    """(place, result or failure) of `work` for every job, in order, made by as many threads as there are cores."""

    def attempt(start: int) -> list[T | UnreadableError]:
        return [_outcome(work, job) for job in jobs[start : start + BATCH]]

    threads = os.cpu_count() or 1
    began = time.monotonic()
    with _quiet_pillow(), ThreadPoolExecutor(threads) as pool, terminal.progress(title, len(jobs)) as meter:
        batches = _in_order(pool, attempt, range(0, len(jobs), BATCH), AHEAD * threads)
        for place, outcome in enumerate(outcome for batch in batches for outcome in batch):
            yield place, outcome
            if place % UPDATE_EVERY == 0:
                meter.update(place + 1, (place + 1) / max(time.monotonic() - began, 1e-9))


def _in_order(pool: ThreadPoolExecutor, work: Callable[[S], T], jobs: Sequence[S], ahead: int) -> Iterator[T]:
    """Results in order, with at most `ahead` jobs begun and not taken."""
    waiting: deque[Future[T]] = deque()
    try:
        for job in jobs:
            waiting.append(pool.submit(work, job))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


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
    if turned := sum(header.orientation != 1 for header in headers):
        yield f"{turned} of {len(headers)} images were turned upright as their Exif data say."
