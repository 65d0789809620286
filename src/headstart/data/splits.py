"""Which items are learned from and which are judged on: a function of the data and `--split-seed` alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

import torch
from torch import Tensor

from headstart.data.grouping import joined
from headstart.errors import InputError
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


def draw(
    labels: Tensor, keys: Sequence[Hashable], seed: int, groups: Sequence[Hashable | None] | None = None
) -> tuple[str, ...]:
    """A stratified quarter as the test part: ⌈N/4⌉ items, by class in proportion (largest remainders).

    Unlabelled items are a stratum of their own. Items with equal keys go to one side, as far as the sizes of these
    sets allow: one is torn only where its class has no other items to hold out, or the whole nothing else. Items of one
    of the `groups` always do (None belongs to none), so with groups the test part is as near to a quarter of every
    class as they allow. Raises `InputError` where all items are one group.
    """
    strata, room = labels.tolist(), _quarter(labels)
    order = permutation(seed, "split", len(labels)).tolist()
    units = _units(keys if groups is None else joined(groups, keys), order)
    if groups is None:
        held_out = _held_out(units, strata, room)
    elif len(units) > 1:
        held_out = _untorn(units, strata, room)
    else:
        raise InputError("--group: all items belong to one group, so none can be held out. Name another column.")
    return tuple("test" if place in held_out else "train" for place in range(len(labels)))


def _units(keys: Sequence[Hashable], order: Sequence[int]) -> list[list[int]]:
    """Places with equal keys, all in random order."""
    units: dict[Hashable, list[int]] = {}
    for place in sorted(range(len(keys)), key=order.__getitem__):
        units.setdefault(keys[place], []).append(place)
    return list(units.values())


def _held_out(units: Sequence[Sequence[int]], strata: Sequence[int], room: dict[int, int]) -> set[int]:
    """Whole units while they fit in the room of each class, then parts of others."""
    held_out: set[int] = set()
    too_large: list[Sequence[int]] = []
    for unit in units:
        needed = Counter(strata[place] for place in unit)
        if all(count <= room[value] for value, count in needed.items()):
            held_out.update(unit)
            room = {value: left - needed[value] for value, left in room.items()}
        else:
            too_large.append(unit)
    held_out.update(_torn(too_large, strata, room))
    if not held_out:
        smallest = min(too_large, key=len)
        held_out.update(smallest)
    return held_out


def _torn(units: Sequence[Sequence[int]], strata: Sequence[int], room: dict[int, int]) -> Iterator[int]:
    """Members of units within a class that fill what room the whole ones left; of one over classes, if alone."""
    for unit in units:
        if len({strata[place] for place in unit}) == 1 or len(units) == 1:
            for place in unit:
                if room[strata[place]] > 0:
                    room[strata[place]] -= 1
                    yield place


def _untorn(units: Sequence[Sequence[int]], strata: Sequence[int], room: dict[int, int]) -> set[int]:
    """Whole units, in turn, that bring each class nearer to its share: first those that fit in."""
    counts = [Counter(strata[place] for place in unit) for unit in units]
    taken: dict[int, None] = {}
    for fits in (True, False):
        for number, count in enumerate(counts):
            left = {value: share - count[value] for value, share in room.items()}
            nearer = sum(map(abs, left.values())) < sum(map(abs, room.values()))
            if number not in taken and (min(left.values()) >= 0 if fits else nearer):
                taken[number], room = None, left
    if not taken:
        taken[min(range(len(units)), key=lambda number: len(units[number]))] = None
    return {place for number in taken for place in units[number]}


def straddling(split: Sequence[str], groups: Sequence[Hashable | None]) -> list[str]:
    """What there is to say about groups on both sides of a split that is not drawn."""
    sides: dict[Hashable, set[bool]] = {}
    for part, group in zip(split, groups, strict=True):
        if group is not None:
            sides.setdefault(group, set()).add(part == "test")
    both = [group for group, found in sides.items() if len(found) == 2]
    return [f"{len(both)} groups lie on both sides of the split (for one {both[0]})."] if both else []


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
