from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from headstart.data.grouping import components, joined

numbers = st.integers(0, 12)


def test_groups_in_order():
    assert components([(5, 3), (1, 2), (3, 9), (7, 7)]) == ((1, 2), (3, 5, 9))
    assert components([]) == ()


@given(st.lists(st.tuples(numbers, numbers), max_size=30))
def test_each_pair_lies_in_one_group_and_groups_are_apart(pairs):
    groups = components(pairs)
    places = [place for group in groups for place in group]
    assert len(places) == len(set(places))
    assert all(any({one, other} <= set(group) for group in groups) for one, other in pairs if one != other)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=30))
def test_groups_are_no_larger_than_the_pairs_make_them(pairs):
    reached = {one: {one} for pair in pairs for one in pair}
    for _ in reached:
        for one, other in pairs:
            reached[one] |= reached[other]
            reached[other] |= reached[one]
    assert {frozenset(group) for group in components(pairs)} == {
        frozenset(found) for found in reached.values() if len(found) > 1
    }


def test_what_shares_anything_is_joined_and_none_is_shared_with_nobody():
    digests = [b"a", b"b", b"a", b"c", b"d", b"e"]
    near = [None, 1, None, 1, None, None]
    groups = ["x", "y", "z", "z", None, None]
    assert joined(digests) == [0, 1, 0, 3, 4, 5]
    assert joined(digests, near) == [0, 1, 0, 1, 4, 5]
    assert joined(digests, near, groups) == [0, 0, 0, 0, 4, 5]
