from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from headstart.data import Dataset, load
from headstart.errors import InputError, RunError


@pytest.fixture
def data() -> Dataset:
    """Twelve colour items: 6 to train, 2 to validate, 4 to test; the last has no label."""
    items = torch.randint(0, 256, (12, 3, 5, 4), generator=torch.Generator().manual_seed(0)).byte()
    return Dataset(
        name="set",
        items=items,
        labels=torch.tensor([0, 1, 2] * 3 + [0, 0, -1]),
        classes=("a", "b", "c"),
        split=("train",) * 6 + ("val",) * 2 + ("test",) * 4,
        ids=tuple("abcdefghijkl"),
    )


def test_parts(data):
    assert data.indices("train").tolist() == list(range(8))
    assert data.indices("val").tolist() == [6, 7]
    assert data.indices("test").tolist() == [8, 9, 10, 11]
    assert data.indices("all").tolist() == list(range(12))
    with pytest.raises(InputError, match="--split dev is not known: choose train, val, test, all"):
        data.indices("dev")


def test_an_original_is_the_item_as_it_came(data, tmp_path):
    assert torch.equal(data.original(3), data.items[3])
    made = np.random.default_rng(0)
    for number, size in enumerate([(30, 50), (41, 20)]):
        Image.fromarray(made.integers(0, 256, (*size, 3), dtype=np.uint8)).save(tmp_path / f"{number}.png")
    from_files = load(tmp_path, size=16)
    assert from_files.shape == (3, 16, 16)
    for place in range(2):
        pixels = np.array(Image.open(tmp_path / f"{place}.png"))
        assert torch.equal(from_files.original(place), torch.from_numpy(pixels).permute(2, 0, 1))
    (tmp_path / "1.png").write_bytes(b"gone")
    with pytest.raises(RunError, match=r"1\.png changed while it was in use"):
        from_files.original(1)


def test_a_part_that_is_empty_is_said_to_be(data):
    assert torch.equal(data.part("val"), data.indices("val"))
    without = dataclasses.replace(data, split=("train",) * 12)
    with pytest.raises(InputError, match=r"--split val: set has no val part, only train. Leave it out"):
        without.part("val")
    with pytest.raises(InputError, match=r"no test part \(labels are too few for one\)"):
        without.part("test")


def test_judging_is_cross_validation_where_no_test_item_has_a_label(data):
    assert not data.cross_validated
    assert dataclasses.replace(data, split=("train",) * 12).cross_validated
    hidden = data.labels.clone()
    hidden[8:] = -1
    assert dataclasses.replace(data, labels=hidden).cross_validated, "a test part without labels is none to judge by"
    assert not dataclasses.replace(data, labels=torch.full_like(hidden, -1)).cross_validated, "nothing has a label"


def test_duplicates_are_one_group(data):
    items = np.random.default_rng(0).integers(0, 256, (8, 1, 6, 6), dtype=np.uint8)
    items[5] = items[2]
    items[7] = items[6] = items[0]
    groups = load(items).groups()
    assert len(groups.unique()) == 5
    assert groups[2] == groups[5]
    assert groups[0] == groups[6] == groups[7]
    assert data.groups().tolist() == list(range(12)), "one item each where nothing is known"


def test_what_is_asked_about_items(data):
    test = data.indices("test")
    assert data.shape == (3, 5, 4)
    assert len(data) == 12
    assert data.counts(test) == (2, 0, 1)
    assert data.label_names(test) == ("c", "a", "a", None)
    assert torch.equal(data.take(test), data.items[8:])


def test_facts_are_those_of_the_train_part(data):
    facts = data.facts("glyphs")
    assert (facts.items, facts.shape, facts.classes, facts.counts, facts.views) == (
        8, (3, 5, 4), ("a", "b", "c"), (3, 3, 2), "glyphs",
    )  # fmt: skip


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_are_grey_until_one_pixel_is_not(channels):
    items = np.random.default_rng(0).integers(0, 256, (1500, 1, 6, 6), dtype=np.uint8).repeat(channels, axis=1)
    assert load(items).facts().grey
    items[1499, 0, 5, 5] ^= 1
    assert load(items).facts().grey is (channels == 1)


def test_pixel_statistics_are_those_of_the_train_part(data):
    train = data.items[:8].numpy().astype(np.float64) / 255
    mean, deviation = data.pixel_statistics()
    assert mean == pytest.approx(train.mean(axis=(0, 2, 3)), abs=1e-12)
    assert deviation == pytest.approx(train.std(axis=(0, 2, 3)), abs=1e-12)


def test_a_constant_channel_has_a_deviation_to_divide_by():
    mean, deviation = load(np.full((8, 6, 6), 51, dtype=np.uint8)).pixel_statistics()
    assert mean == pytest.approx([0.2])
    assert deviation == pytest.approx([1 / 255])


def test_duplicates_and_leaks():
    items = np.random.default_rng(0).integers(0, 256, (8, 1, 6, 6), dtype=np.uint8)
    items[5] = items[2]
    items[7] = items[6] = items[0]
    data = load(items)
    assert data.duplicates == (("0", "6", "7"), ("2", "5"))
    assert data.leaks() == ()
    moved = dataclasses.replace(data, split=("train",) * 6 + ("test",) * 2)
    assert moved.leaks() == (("0", "6", "7"),)


def test_leaks_of_an_official_split_are_named(tmp_path):
    items = np.random.default_rng(0).integers(0, 256, (8, 6, 6), dtype=np.uint8)
    np.savez(tmp_path / "a.npz", x_train=items[:6], x_test=items[[6, 3]])
    assert any("1 groups of equal images" in note and "3, 7" in note for note in load(tmp_path / "a.npz").notes)


def test_the_fingerprint_depends_on_pixels_labels_classes_and_split(tmp_path):
    items = np.random.default_rng(0).integers(0, 256, (8, 6, 6), dtype=np.uint8)
    labels = ["a", "b"] * 4
    changed = items.copy()
    changed[3, 2, 1] ^= 1
    prints = [
        load((items, labels)).fingerprint,
        load((changed, labels)).fingerprint,
        load((items, ["b", "a"] * 4)).fingerprint,
        load((items, ["a", "c"] * 4)).fingerprint,
        load((items.reshape(8, 4, 9), labels)).fingerprint,
        load((items[::-1].copy(), labels)).fingerprint,
    ]
    assert len(set(prints)) == len(prints)
    assert load(items).fingerprint != load(items, split_seed=3).fingerprint
    assert load((items.copy(), list(labels))).fingerprint == prints[0]
    assert all(len(one) == 32 and int(one, 16) for one in prints)


def test_digits_keep_their_fingerprint():
    data = load("digits")
    assert data.classes == tuple("0123456789")
    assert (int(data.items.min()), int(data.items.max())) == (0, 255)
    assert len(data.items.unique()) == 17
    assert data.fingerprint == "a65d6fcc0a0a4d67f04445f0db7be624"


def test_a_bundled_name_beats_a_folder_of_that_name_and_says_so(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert any("./digits" in note for note in load("digits").notes)
    with pytest.raises(InputError, match="it is empty"):
        load("./digits")


def test_classes_are_required_where_labels_are_needed(data):
    data.require_classes()
    with pytest.raises(InputError, match=r"array: it has only one class \(ants\)"):
        load((np.zeros((4, 6, 6), dtype=np.uint8), ["ants"] * 4)).require_classes()
    with pytest.raises(InputError, match="it has no labels"):
        load(np.zeros((4, 6, 6), dtype=np.uint8)).require_classes()
