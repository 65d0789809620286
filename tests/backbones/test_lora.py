"""Low-rank adapters change nothing at first, learn alone, and leave an ordinary network once they are merged."""

import copy

import pytest
import torch
from torch import nn
from torchvision import models

from headstart.backbones import adapt, merge


def network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, stride=2, padding=1),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 8, 3, groups=4, bias=False),
        nn.Conv2d(8, 8, 3, groups=8),
        nn.Flatten(),
        nn.Linear(128, 5),
    ).eval()


def learned(module, steps=3):
    """After some steps, the adapters are not zero any more."""
    optimizer = torch.optim.SGD([p for p in module.parameters() if p.requires_grad], lr=0.5)
    for _ in range(steps):
        optimizer.zero_grad()
        (module(torch.rand(4, 3, 16, 16)) - 1).square().mean().backward()
        optimizer.step()
    return module


def test_at_first_the_outputs_are_the_same():
    plain, images = network(), torch.rand(2, 3, 16, 16)
    adapted = copy.deepcopy(plain)
    adapt(adapted, 2)
    assert torch.equal(adapted(images), plain(images))


def test_only_the_adapters_learn():
    plain, adapted = network(), network()
    adapt(adapted, 2)
    moving = {name for name, p in adapted.named_parameters() if p.requires_grad}
    assert len(moving) == 8
    assert all(name.rpartition(".")[2] in ("up", "down") for name in moving)
    learned(adapted)
    for place in (0, 2, 3, 5):
        weights = adapted[place].parametrizations.weight
        assert torch.equal(weights.original, plain[place].weight)
        assert weights[0].up.abs().sum() > 0


@pytest.mark.parametrize("rank", [1, 2, 100])
def test_merged_they_give_what_they_gave_in_an_ordinary_network(rank):
    plain, merged, images = network(), network(), torch.rand(2, 3, 16, 16)
    adapt(merged, rank)
    before = learned(merged)(images)
    merge(merged)
    torch.testing.assert_close(merged(images), before, rtol=1e-6, atol=1e-6)
    assert not torch.allclose(merged(images), plain(images), atol=1e-3)
    assert {n: v.shape for n, v in merged.state_dict().items()} == {n: v.shape for n, v in plain.state_dict().items()}
    assert [type(one) for one in merged.modules()] == [type(one) for one in plain.modules()]


def test_what_is_added_has_the_rank_that_was_asked_for():
    plain, adapted = network(), network()
    adapt(adapted, 2)
    merge(learned(adapted))
    for place in (0, 5):
        added = (adapted[place].weight - plain[place].weight).detach().flatten(1).double()
        assert torch.linalg.matrix_rank(added, rtol=1e-4) == 2


def test_merging_what_has_no_adapters_changes_nothing():
    plain, merged = network(), network()
    merge(merged)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), merged.parameters(), strict=True))


def test_a_whole_resnet_takes_them():
    made = models.resnet18(weights=None).eval()
    everything = sum(p.numel() for p in made.parameters())
    adapt(made, 4)
    moving = sum(p.numel() for p in made.parameters() if p.requires_grad)
    assert 0 < moving < everything / 20
    with torch.no_grad():
        assert made(torch.rand(1, 3, 64, 64)).shape == (1, 1000)
