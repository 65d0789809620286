"""Who is who: digests of items, groups of equal ones, the fingerprint of a whole set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from hashlib import blake2b

from torch import Tensor

DIGEST_SIZE = 16


def item_digests(items: Tensor) -> list[bytes]:
    """16 bytes an item that depend on its pixels only."""
    rows = items.contiguous().numpy().reshape(len(items), -1)
    return [blake2b(row.data, digest_size=DIGEST_SIZE).digest() for row in rows]


def equal_groups(digests: Sequence[bytes], ids: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The ids of items with equal pixels, group by group in order of first appearance."""
    groups: dict[bytes, list[str]] = {}
    for digest, one in zip(digests, ids, strict=True):
        groups.setdefault(digest, []).append(one)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def fingerprint(
    shape: Sequence[int], digests: Sequence[bytes], labels: Tensor, classes: Sequence[str], split: Sequence[str]
) -> str:
    """32 hexadecimal digits that change with any pixel, label, class name or part."""
    whole = blake2b(json.dumps([list(shape), list(classes), list(split)]).encode(), digest_size=DIGEST_SIZE)
    whole.update(b"".join(digests))
    whole.update(labels.numpy().astype("<i8").tobytes())
    return whole.hexdigest()
