"""Which items are learned from and which are judged on: a function of the data and `--split-seed` alone."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from headstart.randomness import permutation

LEAST_TEST_LABELS = 20
"""Labelled items of each class that a test part must hold: with fewer, cross-validation over all labels tells more."""


def settle(parts: Sequence[str]) -> tuple[tuple[str, ...] | None, list[str]]:
    """The official parts with a test part among them, or None where one has to be drawn.

    Where a validation part but no test part exists, it is the test part.
    """
    kinds = set(parts)
    if "test" in kinds and kinds != {"test"}:
        return tuple(parts), []
    if "val" in kinds and kinds != {"val"}:
        return tuple("test" if part == "val" else part for part in parts), [
            "There is no test part: the validation part is used as the test part."
        ]
    return None, []


def draw(labels: Tensor, digests: Sequence[bytes], seed: int) -> tuple[str, ...]:
    """A stratified quarter as the test part: ⌈N/4⌉ items, by class in proportion (largest remainders).

    Unlabelled items are a stratum of their own. Items of a class with equal pixels (equal digests) go to one side,
    as far as the sizes of the groups allow.
    """
    order = permutation(seed, "split", len(labels)).tolist()
    split = ["train"] * len(labels)
    for value, quota in _quarter(labels).items():
        members = sorted(torch.nonzero(labels == value).flatten().tolist(), key=order.__getitem__)
        for place in _whole_groups(members, digests, quota):
            split[place] = "test"
    return tuple(split)


def fewest_test_labels(labels: Tensor) -> int | None:
    """The labelled items that a quarter would hold of its smallest class; None where nothing has a label."""
    held = [quota for value, quota in _quarter(labels).items() if value >= 0]
    return min(held) if held else None


def _quarter(labels: Tensor) -> dict[int, int]:
    """By label (-1: none): how many of its items make up a quarter of all."""
    values, counts = torch.unique(labels, return_counts=True)
    total = min(math.ceil(len(labels) / 4), len(labels) - 1)
    return dict(zip(values.tolist(), quotas(counts.tolist(), total), strict=True))


def quotas(counts: Sequence[int], total: int) -> list[int]:
    """`total` shared out in proportion to `counts`: whole parts first, then the largest remainders."""
    items = sum(counts)
    shares = [count * total // items for count in counts]
    remainders = [count * total % items for count in counts]
    favoured = sorted(range(len(counts)), key=lambda place: -remainders[place])
    for place in favoured[: total - sum(shares)]:
        shares[place] += 1
    return shares


def _whole_groups(members: Sequence[int], digests: Sequence[bytes], quota: int) -> list[int]:
    """`quota` of the members, in order, groups of equal pixels whole; one is torn only where nothing else fits."""
    groups: dict[bytes, list[int]] = {}
    for place in members:
        groups.setdefault(digests[place], []).append(place)
    chosen: list[int] = []
    left: list[int] = []
    for group in groups.values():
        (chosen if len(chosen) + len(group) <= quota else left).extend(group)
    return chosen + left[: quota - len(chosen)]
