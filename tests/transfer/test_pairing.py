"""A source and a target of other sizes, channels and orders of classes are made alike, and what can't be is refused."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from headstart.data import load
from headstart.errors import InputError
from headstart.transfer import pair


def pictures(count=200, side=12, channels=1, names="ab", seed=0):
    made = np.random.default_rng(seed)
    shape = (count, side, side, channels) if channels > 1 else (count, side, side)
    labels = np.array([names[place % len(names)] for place in range(count)])
    return load((made.integers(0, 256, shape, dtype=np.uint8), labels))


def bare(**how):
    data = pictures(**how)
    return load(data.items)


def test_what_is_alike_stays_as_it_is():
    source, target = pictures(), pictures(seed=1)
    made = pair(source, target)
    assert torch.equal(made.target.items, target.items)
    assert made.target.split == target.split
    assert made.notes == ("The labels of array are used for the final score on its test part only.",)


def test_the_target_is_brought_to_the_sources_size_and_said_so():
    made = pair(pictures(side=12), pictures(side=20))
    assert made.target.shape == (1, 12, 12)
    assert "12×12 pixels (--size" in made.notes[0]


def test_pixels_that_were_repeated_become_one_again():
    target = pictures(seed=1)
    large = target.items.repeat_interleave(3, dim=2).repeat_interleave(3, dim=3)
    names = np.array(target.classes)[target.labels]
    made = pair(pictures(), load((large.numpy(), names)))
    assert torch.equal(made.target.items, target.items)


def test_grey_becomes_colour_and_colour_grey():
    colour = pair(pictures(channels=3), pictures())
    assert colour.target.shape == (3, 12, 12)
    assert torch.equal(colour.target.items[:, 0], colour.target.items[:, 2])
    assert "colour" in colour.notes[0]
    source = pictures(channels=3, seed=2)
    grey = pair(pictures(), source).target.items
    red, green, blue = source.items.double().unbind(dim=1)
    expected = 0.299 * red + 0.587 * green + 0.114 * blue
    assert float((grey[:, 0] - expected).abs().max()) <= 0.51


def test_other_channels_are_refused():
    with pytest.raises(InputError, match="4 channels"):
        pair(pictures(channels=3), pictures(channels=4))


def test_labels_are_places_in_the_sources_classes():
    source, target = pictures(names="ab"), pictures(names="ba", seed=1)
    made = pair(source, target)
    names = [source.classes[place] for place in made.target.labels.tolist()]
    assert names == [target.classes[place] for place in target.labels.tolist()]


def test_classes_that_differ_are_named_with_their_side():
    with pytest.raises(InputError, match="b only in array; c only in array"):
        pair(pictures(names="ab"), pictures(names="ac"))


@pytest.mark.parametrize("few", [True, False])
def test_labels_of_the_target_may_miss_classes_of_the_source(few):
    """Few labels, all of one class, or many, none of which is of the third."""
    source, target = pictures(names="abc"), pictures(names="cb", seed=1)
    items, names = target.items.numpy(), np.array(target.classes)[target.labels].astype(object)
    if few:
        names[5:] = None
        names[:5] = "b"
    made = pair(source, load((items, names)))
    scored = made.target.labels[made.scored]
    assert set(scored.tolist()) == ({1} if few else {1, 2})
    assert made.target.classes == ("a", "b", "c")
    missing = "a, c" if few else "a"
    assert made.notes[-1] == f"Of the items of array to score by none is labelled {missing}."


def test_a_source_without_labels_is_refused():
    with pytest.raises(InputError, match="no labels"):
        pair(bare(), pictures())


def test_a_source_whose_training_part_lacks_a_class_is_refused():
    source = pictures(names="abc")
    parts = tuple("test" if label == 2 else "train" for label in source.labels.tolist())
    with pytest.raises(InputError, match="nothing to learn from is labelled c, and some of what it is judged on is"):
        pair(replace(source, split=parts), pictures(names="abc", seed=1))
    source.labels[source.indices("train")] = 0
    with pytest.raises(InputError, match="fewer than two classes to learn from"):
        pair(source, bare(seed=1))


def test_a_target_without_labels_is_adapted_to_whole_and_not_scored():
    target = bare(seed=1)
    made = pair(pictures(), target)
    assert len(made.hidden().indices("train")) == len(target)
    assert len(made.scored) == 0
    assert "none is scored" in made.notes[0]


def test_the_hidden_target_has_classes_and_no_labels():
    hidden = pair(pictures(), pictures(seed=1)).hidden()
    assert hidden.classes == ("a", "b")
    assert set(hidden.labels.tolist()) == {-1}


def test_only_labelled_items_are_learned_from_and_scored():
    source, target = pictures(count=200), pictures(count=200, seed=1)
    source.labels[source.indices("train")[:3]] = -1
    target.labels[target.indices("test")[:2]] = -1
    made = pair(source, target)
    assert len(made.learned) == len(source.indices("train")) - 3
    assert len(made.scored) == len(target.indices("test")) - 2
    assert "3 training items" in made.notes[-1]
