from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from headstart.data import load
from headstart.data.splits import draw, fewest_test_labels, quotas, settle


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


def test_a_set_of_nothing_but_copies_still_has_both_parts_and_says_so():
    data = load(np.zeros((8, 6, 6), dtype=np.uint8))
    assert Counter(data.split) == {"train": 6, "test": 2}
    assert any("1 groups of equal images lie on both sides" in note for note in data.notes)


@pytest.mark.parametrize("parts", [["train"], ["train", "train"], ["test"], ["val", "val"]])
def test_one_part_alone_is_no_split(parts):
    assert settle(parts) == (None, [])


@pytest.mark.parametrize(("smallest", "parts"), [(82, {"train", "test"}), (76, {"train"})])
def test_a_test_part_is_drawn_where_it_holds_twenty_of_every_class(smallest, parts):
    items = np.random.default_rng(0).integers(0, 256, (400, 6, 6), dtype=np.uint8)
    labels = np.full(400, -1)
    labels[:120], labels[120 : 120 + smallest] = 0, 1
    data = load((items, labels))
    assert set(data.split) == parts
    assert data.cross_validated == ("test" not in parts)
    assert any("cross-validation" in note for note in data.notes) == data.cross_validated
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
