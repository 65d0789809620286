"""Who is who: digests of items, groups of equal ones, the fingerprint of a whole set."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import blake2b

from torch import Tensor

from headstart.data.grouping import joined
from headstart.data.resemblance import near_groups

DIGEST_SIZE = 16

CHUNK = 256

LARGE = 4096
"""Bytes of an item from which threads share the work: hashing a smaller one never lets go of Python's lock."""


@dataclass(frozen=True)
class Identity:
    """Which pictures of a set are the same, whatever their labels."""

    digests: list[bytes]
    """16 bytes an item that depend on its pixels only."""
    near: tuple[tuple[int, ...], ...] = ()
    """Groups of places whose pictures show the same; in each, some pixels differ between some of them."""

    def keys(self) -> list[int]:
        """For each item the first place of its group: those that are equal or nearly so."""
        near: list[int | None] = [None] * len(self.digests)
        for number, group in enumerate(self.near):
            for place in group:
                near[place] = number
        return joined(self.digests, near)


def identify(items: Tensor) -> Identity:
    """Compares the pictures of a set, uint8 N×C×H×W, with each other."""
    digests = item_digests(items)
    return Identity(digests, near_groups(items, digests))


def item_digests(items: Tensor) -> list[bytes]:
    """16 bytes an item that depend on its pixels only."""
    rows = items.contiguous().numpy().reshape(len(items), math.prod(items.shape[1:]))

    def digests(start: int) -> list[bytes]:
        return [blake2b(row.data, digest_size=DIGEST_SIZE).digest() for row in rows[start : start + CHUNK]]

    starts = range(0, len(rows), CHUNK)
    if rows.shape[1] < LARGE:
        return [one for start in starts for one in digests(start)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [one for found in pool.map(digests, starts) for one in found]


def equal_groups(digests: Sequence[bytes], ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The ids of items with equal pixels, group by group in order of first appearance."""
    groups: dict[bytes, list[str]] = {}
    for digest, one in zip(digests, ids, strict=True):
        groups.setdefault(digest, []).append(one)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def near_names(identity: Identity, ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The groups of near-duplicates by their ids."""
    return tuple(tuple(ids[place] for place in group) for group in identity.near)


def pixel_digest(shape: Sequence[int], digests: Sequence[bytes]) -> str:
    """32 hexadecimal digits that change with any pixel or the order of the items, and with nothing else."""
    whole = blake2b(json.dumps(list(shape)).encode(), digest_size=DIGEST_SIZE)
    whole.update(b"".join(digests))
    return whole.hexdigest()


def fingerprint(
    shape: Sequence[int], digests: Sequence[bytes], labels: Tensor, classes: Sequence[str], split: Sequence[str]
) -> str:
    """32 hexadecimal digits that change with any pixel, label, class name or part."""
    whole = blake2b(json.dumps([list(shape), list(classes), list(split)]).encode(), digest_size=DIGEST_SIZE)
    whole.update(b"".join(digests))
    whole.update(labels.numpy().astype("<i8").tobytes())
    return whole.hexdigest()
