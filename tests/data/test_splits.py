from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from headstart.data import load
from headstart.data.grouping import joined
from headstart.data.splits import draw, fewest_test_labels, quotas, settle
from headstart.errors import InputError


def distinct(count: int) -> list[bytes]:
    return [bytes([number % 256, number // 256]) for number in range(count)]


@given(st.lists(st.integers(1, 60), min_size=1, max_size=12))
def test_quotas_are_within_one_of_the_exact_share(counts):
    total = math.ceil(sum(counts) / 4)
    found = quotas(counts, total)
    assert sum(found) == total
    assert all(abs(one - count * total / sum(counts)) < 1 for one, count in zip(found, counts, strict=True))


def test_the_largest_remainders_get_what_is_left():
    assert quotas([10, 10, 7], 7) == [3, 2, 2]  # exactly 2.59, 2.59, 1.81
    assert quotas([1, 1, 10], 3) == [0, 0, 3]


@given(st.lists(st.integers(-1, 3), min_size=2, max_size=80), st.integers(0, 5))
def test_a_quarter_is_drawn_whatever_the_labels(labels, seed):
    split = draw(torch.tensor(labels), distinct(len(labels)), seed)
    assert split.count("test") == math.ceil(len(labels) / 4)
    assert set(split) == {"train", "test"}


def test_digits_give_450_test_items_in_proportion():
    data = load("digits")
    assert (len(data.indices("train")), len(data.indices("test"))) == (1347, 450)
    every, held_out = data.counts(data.indices("all")), data.counts(data.indices("test"))
    assert all(abs(part - whole / 4) < 1 for part, whole in zip(held_out, every, strict=True))


def test_the_split_follows_from_data_and_split_seed():
    torch.manual_seed(1)
    first = load("digits")
    torch.manual_seed(2)
    assert load("digits").split == first.split
    assert load("digits", split_seed=1).split != first.split


def test_every_item_is_equally_likely_to_be_held_out():
    labels = torch.tensor([0] * 8 + [1] * 16)
    tallies = Counter(
        place for seed in range(400) for place, part in enumerate(draw(labels, distinct(24), seed)) if part == "test"
    )
    # 400 draws at 1/4: 100 ± 4 standard deviations of 8.7
    assert all(65 < tallies[place] < 135 for place in range(24))


@given(st.lists(st.integers(0, 30), min_size=40, max_size=120), st.integers(0, 3))
def test_equal_pixels_stay_on_one_side(values, seed):
    digests = [bytes([value]) for value in values]
    split = draw(torch.zeros(len(values), dtype=torch.int64), digests, seed)
    torn = [one for one in set(digests) if len({part for d, part in zip(digests, split, strict=True) if d == one}) == 2]
    assert len(torn) <= 1
    assert split.count("test") == math.ceil(len(values) / 4)


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(-1, 2)), min_size=60, max_size=150), st.integers(0, 3))
def test_a_group_over_several_classes_is_never_torn(items, seed):
    keys = [key for key, _ in items]
    assume(len(set(keys)) > 1)
    labels = [label for _, label in items]
    split = draw(torch.tensor(labels), keys, seed)
    sides = {key: {part for other, part in zip(keys, split, strict=True) if other == key} for key in keys}
    classes = {key: {label for other, label in items if other == key} for key in keys}
    assert all(len(sides[key]) == 1 for key in keys if len(classes[key]) > 1)
    assert set(split) == {"train", "test"}


def test_groups_too_large_for_a_quarter_leave_the_smallest_whole():
    keys = ["a"] * 12 + ["b"] * 8
    split = draw(torch.tensor([0, 1] * 10), keys, 0)
    assert split == ("train",) * 12 + ("test",) * 8


def test_one_group_over_all_classes_is_torn_for_there_is_nothing_else():
    split = draw(torch.tensor([0, 1] * 8), ["a"] * 16, 0)
    assert Counter(split) == {"train": 12, "test": 4}


def test_a_set_of_nothing_but_copies_still_has_both_parts_and_says_so():
    data = load(np.zeros((8, 6, 6), dtype=np.uint8))
    assert Counter(data.split) == {"train": 6, "test": 2}
    assert any("1 groups of equal images lie on both sides" in note for note in data.notes)


@pytest.mark.parametrize("parts", [["train"], ["train", "train"], ["test"], ["val", "val"]])
def test_one_part_alone_is_no_split(parts):
    assert settle(parts) == (None, [])


@given(
    st.lists(
        st.tuples(st.integers(-1, 2), st.integers(0, 9) | st.none(), st.integers(0, 40)), min_size=24, max_size=90
    ),
    st.integers(0, 3),
)
def test_groups_are_never_torn(items, seed):
    labels, groups, pixels = zip(*items, strict=True)
    digests = [bytes([one]) for one in pixels]
    if len(set(joined(groups, digests))) < 2:
        return
    split = draw(torch.tensor(labels), digests, seed, groups)
    for keys in (groups, digests):
        for key in {key for key in keys if key is not None}:
            assert len({part for one, part in zip(keys, split, strict=True) if one == key}) == 1
    assert {"train", "test"} == set(split)


def test_small_groups_give_a_quarter_of_every_class():
    labels = torch.arange(240) % 3
    groups = [place // 6 for place in range(240)]
    split = draw(labels, distinct(240), 0, groups)
    held_out = [int(label) for label, part in zip(labels, split, strict=True) if part == "test"]
    assert Counter(held_out) == {0: 20, 1: 20, 2: 20}
    assert draw(labels, distinct(240), 1, groups) != split


@pytest.mark.parametrize("sizes", [(20, 4), (4, 20), (12, 12), (23, 1)])
def test_of_two_large_groups_the_smaller_is_held_out(sizes):
    groups = [0] * sizes[0] + [1] * sizes[1]
    split = draw(torch.zeros(24, dtype=torch.int64), distinct(24), 0, groups)
    assert split.count("test") == min(sizes)


def test_one_group_can_not_be_parted():
    with pytest.raises(InputError, match="--group: all items belong to one group"):
        draw(torch.zeros(8, dtype=torch.int64), distinct(8), 0, ["a"] * 8)


@pytest.mark.parametrize(("smallest", "parts"), [(82, {"train", "test"}), (76, {"train"})])
def test_a_test_part_is_drawn_where_it_holds_twenty_of_every_class(smallest, parts):
    items = np.random.default_rng(0).integers(0, 256, (400, 6, 6), dtype=np.uint8)
    labels = np.full(400, -1)
    labels[:120], labels[120 : 120 + smallest] = 0, 1
    data = load((items, labels))
    assert set(data.split) == parts
    assert data.cross_validated == ("test" not in parts)
    assert any("too few for a test part" in note for note in data.notes) == data.cross_validated
    assert not any("cross-validation" in note for note in data.notes), "who judges, and how, is a matter of the verb"
    if not data.cross_validated:
        assert min(data.counts(data.indices("test"))) == fewest_test_labels(data.labels) == 20


def test_without_a_label_a_quarter_is_held_out():
    data = load(np.random.default_rng(0).integers(0, 256, (40, 6, 6), dtype=np.uint8))
    assert Counter(data.split) == {"train": 30, "test": 10}
    assert not data.cross_validated
    assert fewest_test_labels(data.labels) is None


def test_few_labels_with_an_official_test_part_keep_it(tmp_path):
    items = np.random.default_rng(0).integers(0, 256, (12, 6, 6), dtype=np.uint8)
    labels = np.arange(12) % 2
    np.savez(tmp_path / "a.npz", x_train=items[:8], y_train=labels[:8], x_test=items[8:], y_test=labels[8:])
    data = load(tmp_path / "a.npz")
    assert Counter(data.split) == {"train": 8, "test": 4}
    assert not data.cross_validated
