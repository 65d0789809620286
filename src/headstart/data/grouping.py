"""What belongs together because it shares something, directly or through others."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence


class DisjointSets:
    """Numbers in sets that pairs join one after the other; a number that no pair has named is alone."""

    def __init__(self) -> None:
        self._above: dict[int, int] = {}

    def root(self, one: int) -> int:
        """The smallest number of the set that this one is in."""
        above = self._above
        above.setdefault(one, one)
        while above[one] != one:
            above[one] = above[above[one]]
            one = above[one]
        return one

    def join(self, one: int, other: int) -> None:
        """Makes one set of those that these two are in."""
        low, high = sorted((self.root(one), self.root(other)))
        self._above[high] = low

    def groups(self) -> tuple[tuple[int, ...], ...]:
        """The sets of at least two numbers, each ascending, in order of their first."""
        groups: dict[int, list[int]] = {}
        for one in sorted(self._above):
            groups.setdefault(self.root(one), []).append(one)
        return tuple(tuple(group) for group in groups.values() if len(group) > 1)


def components(pairs: Iterable[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """Groups of at least two numbers that pairs join, each ascending, in order of their first."""
    sets = DisjointSets()
    for one, other in pairs:
        sets.join(one, other)
    return sets.groups()


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
