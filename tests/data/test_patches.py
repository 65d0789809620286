"""Patches of two photographs: the pixels they say, and none on both sides of the split."""

import numpy as np
import torch
from sklearn.datasets import load_sample_images

import headstart
from headstart.data.patches import CLASSES, STRIDE, TILE


def test_they_are_cut_where_their_names_say():
    data = headstart.load("patches")
    assert data.shape == (3, 32, 32)
    assert data.classes == CLASSES
    assert data.counts(data.indices("all")) == (735, 735)
    photographs = load_sample_images().images
    for place in (0, 49, 100, 800, 1469):
        name, tile, number = data.ids[place].split("/")
        row, column = (TILE * int(part) for part in tile.split("-"))
        down, right = divmod(int(number), 7)
        top, left = row + STRIDE * down, column + STRIDE * right
        cut = photographs[CLASSES.index(name)][top : top + 32, left : left + 32]
        assert np.array_equal(data.items[place].permute(1, 2, 0).numpy(), cut)


def test_a_tile_lies_on_one_side():
    data = headstart.load("patches")
    test = set(data.indices("test").tolist())
    sides = {}
    for place, name in enumerate(data.ids):
        sides.setdefault(name.rpartition("/")[0], set()).add(place in test)
    assert all(len(side) == 1 for side in sides.values())
    assert 0.15 < len(test) / len(data) < 0.35
    assert set(data.labels[torch.tensor(sorted(test))].tolist()) == {0, 1}


def test_they_are_the_same_every_time():
    assert headstart.load("patches").fingerprint == headstart.load("patches").fingerprint
