"""Labels that choose the weights are held out of those learned from, and no class is learned from without one."""

from dataclasses import replace

import pytest
import torch

from headstart.data import load
from headstart.transfer import parts_of


def parted(*counts):
    """A set of so many training items of each class, and as many test items."""
    labels = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    items = torch.randint(256, (2 * len(labels), 8, 8), dtype=torch.uint8)
    data = load((items.numpy(), labels.repeat(2).numpy()))
    return replace(data, split=("train",) * len(labels) + ("test",) * len(labels))


@pytest.mark.parametrize(("counts", "away"), [((20, 20, 1), 8), ((20, 20, 2), 9), ((3, 3, 3), 3), ((1, 1, 20, 20), 8)])
@pytest.mark.parametrize("split_seed", [0, 1])
def test_every_class_is_learned_from(counts, away, split_seed):
    data = parted(*counts)
    parts = parts_of(data, labels_per_class=None, split_seed=split_seed)
    assert torch.unique(data.labels[parts.learned]).tolist() == list(range(len(counts)))
    assert torch.equal(parts.known, data.indices("train"))
    assert len(parts.held_out) == away
    assert parts.selected_on == f"{away} of the {sum(counts)} training labels"
