"""Which items are learned from and which are judged on: a function of the data and `--split-seed` alone."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from headstart.errors import InputError
from headstart.randomness import permutation


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
    labels: Tensor, digests: Sequence[bytes], seed: int, groups: Sequence[Hashable | None] | None = None
) -> tuple[str, ...]:
    """A stratified quarter as the test part: ⌈N/4⌉ items, by class in proportion (largest remainders).

    Unlabelled items are a stratum of their own. Items of a class with equal pixels (equal digests) go to one side,
    as far as the sizes of the groups allow. Items of one of the `groups` always do (None belongs to none), so with
    groups the test part is as near to a quarter of every class as they allow. Raises `InputError` where all items are
    one group.
    """
    total = min(math.ceil(len(labels) / 4), len(labels) - 1)
    strata = [torch.nonzero(labels == value).flatten().tolist() for value in sorted(set(labels.tolist()))]
    shares = quotas([len(members) for members in strata], total)
    order = permutation(seed, "split", len(labels)).tolist()
    chosen: list[int] = []
    if groups is not None:
        equal = list(zip(labels.tolist(), digests, strict=True))
        chosen = _untorn(labels, sorted(connected(groups, equal), key=lambda unit: order[unit[0]]), shares)
    else:
        for members, quota in zip(strata, shares, strict=True):
            members.sort(key=order.__getitem__)
            chosen += _whole_groups(members, digests, quota)
    test = set(chosen)
    return tuple("test" if place in test else "train" for place in range(len(labels)))


def connected(*kinds: Sequence[Hashable | None]) -> list[list[int]]:
    """Places that belong together because one of several kinds of keys is equal, directly or through others.

    None joins nothing. In order of the first place of each.
    """
    parent = list(range(len(kinds[0])))

    def root(place: int) -> int:
        while parent[place] != place:
            parent[place] = place = parent[parent[place]]
        return place

    for keys in kinds:
        first: dict[Hashable, int] = {}
        for place, key in enumerate(keys):
            if key is not None:
                parent[root(place)] = root(first.setdefault(key, place))
    units: dict[int, list[int]] = {}
    for place in range(len(parent)):
        units.setdefault(root(place), []).append(place)
    return list(units.values())


def _untorn(labels: Tensor, units: Sequence[Sequence[int]], shares: Sequence[int]) -> list[int]:
    """The places of whole units, in turn, that bring each class nearer to its share: first those that fit in."""
    if len(units) < 2:
        raise InputError("--group: all items belong to one group, so none can be held out. Name another column.")
    kinds = torch.unique(labels, return_inverse=True)[1]
    counts = torch.stack([torch.bincount(kinds[list(unit)], minlength=len(shares)) for unit in units])
    lacking, taken = torch.tensor(shares), dict[int, None]()
    for fits in (True, False):
        for place, count in enumerate(counts):
            left = lacking - count
            if place not in taken and bool((left >= 0).all() if fits else left.abs().sum() < lacking.abs().sum()):
                taken[place], lacking = None, left
    if not taken:
        taken[int(counts.sum(dim=1).argmin())] = None
    return [place for unit in taken for place in units[unit]]


def straddling(split: Sequence[str], groups: Sequence[Hashable | None]) -> list[str]:
    """What there is to say about groups on both sides of a split that is not drawn."""
    sides: dict[Hashable, set[bool]] = {}
    for part, group in zip(split, groups, strict=True):
        if group is not None:
            sides.setdefault(group, set()).add(part == "test")
    both = [group for group, found in sides.items() if len(found) == 2]
    return [f"{len(both)} groups lie on both sides of the split (for one {both[0]})."] if both else []


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
