"""Which items are learned from and which are judged on: a function of the data and `--split-seed` alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence

from torch import Tensor

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


def draw(labels: Tensor, keys: Sequence[Hashable], seed: int) -> tuple[str, ...]:
    """A stratified quarter as the test part: ⌈N/4⌉ items, by class in proportion (largest remainders).

    Unlabelled items are a stratum of their own. Items with equal keys go to one side, as far as the sizes of these
    groups allow: one is torn only where its class has no other items to hold out, or the set nothing else.
    """
    total = min(math.ceil(len(labels) / 4), len(labels) - 1)
    strata = labels.tolist()
    counts = Counter(strata)
    room = dict(zip(sorted(counts), quotas([counts[value] for value in sorted(counts)], total), strict=True))
    order = permutation(seed, "split", len(labels)).tolist()
    groups: dict[Hashable, list[int]] = {}
    for place in sorted(range(len(labels)), key=order.__getitem__):
        groups.setdefault(keys[place], []).append(place)
    held_out: set[int] = set()
    too_large = []
    for group in groups.values():
        needed = Counter(strata[place] for place in group)
        if all(count <= room[value] for value, count in needed.items()):
            held_out.update(group)
            room = {value: left - needed[value] for value, left in room.items()}
        else:
            too_large.append(group)
    held_out.update(_torn(too_large, strata, room))
    if not held_out:
        smallest = min(too_large, key=len)
        held_out.update(smallest)
    return tuple("test" if place in held_out else "train" for place in range(len(labels)))


def _torn(groups: Sequence[Sequence[int]], strata: Sequence[int], room: dict[int, int]) -> Iterator[int]:
    """Members of groups within a class that fill what room the whole groups left; of a group over classes, if alone."""
    for group in groups:
        if len({strata[place] for place in group}) == 1 or len(groups) == 1:
            for place in group:
                if room[strata[place]] > 0:
                    room[strata[place]] -= 1
                    yield place


def quotas(counts: Sequence[int], total: int) -> list[int]:
    """`total` shared out in proportion to `counts`: whole parts first, then the largest remainders."""
    items = sum(counts)
    shares = [count * total // items for count in counts]
    remainders = [count * total % items for count in counts]
    favoured = sorted(range(len(counts)), key=lambda place: -remainders[place])
    for place in favoured[: total - sum(shares)]:
        shares[place] += 1
    return shares
