"""What belongs together because it shares something, directly or through others."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence


def components(pairs: Iterable[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """Groups of at least two numbers that pairs join, each ascending, in order of their first."""
    above: dict[int, int] = {}

    def root(one: int) -> int:
        above.setdefault(one, one)
        while above[one] != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        above[high] = low
    groups: dict[int, list[int]] = {}
    for one in sorted(above):
        groups.setdefault(root(one), []).append(one)
    return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def joined(*kinds: Sequence[Hashable | None]) -> list[int]:
    """For each item the first place of its group: those that have a value of any kind in common, None left aside."""
    pairs = []
    for values in kinds:
        firsts: dict[Hashable, int] = {}
        for place, value in enumerate(values):
            if value is not None and (first := firsts.setdefault(value, place)) != place:
                pairs.append((first, place))
    keys = list(range(len(kinds[0])))
    for group in components(pairs):
        for place in group:
            keys[place] = group[0]
    return keys
