"""Batch norm over several processes: which kinds there are, and what they count in."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from headstart import collectives
from headstart.collectives import synchronise_batch_norm
from headstart.errors import InputError


@pytest.fixture
def one_of_two(monkeypatch):
    """This process takes itself for one of two, the other of which has nothing."""
    monkeypatch.setattr(collectives, "world_size", lambda: 2)
    monkeypatch.setattr(collectives, "total", lambda values: values)


def test_a_norm_with_an_activation_of_its_own_keeps_it(one_of_two):
    layers = pytest.importorskip("timm.layers")
    norm = layers.BatchNormAct2d(3, act_layer=nn.ReLU6)
    module = nn.Sequential(norm, nn.BatchNorm2d(3))
    expected, images = copy.deepcopy(module), 9 * torch.randn(8, 3, 5, 5)
    synchronise_batch_norm(module)
    assert module[0] is norm
    assert module.state_dict().keys() == expected.state_dict().keys()
    for mode in (True, False):
        torch.testing.assert_close(module.train(mode)(images), expected.train(mode)(images))
    torch.testing.assert_close(module.state_dict(), expected.state_dict())


def test_a_kind_that_is_not_known_is_refused_by_its_name():
    class Scaled(nn.BatchNorm2d):
        def forward(self, input):
            return 2 * super().forward(input)

    for norm in (Scaled(3), nn.BatchNorm3d(3)):
        with pytest.raises(InputError, match=type(norm).__name__):
            synchronise_batch_norm(nn.Sequential(norm))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_more_values_than_a_half_can_count_are_normalised_all_the_same(one_of_two, dtype):
    images = (3 + torch.randn(2, 2, 200, 200, generator=torch.Generator().manual_seed(0))).to(dtype)
    module, expected = nn.Sequential(nn.BatchNorm2d(2)), nn.BatchNorm2d(2)
    synchronise_batch_norm(module)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = module(images)
    assert found.dtype == dtype
    torch.testing.assert_close(found, expected(images.float()).to(dtype))
    torch.testing.assert_close(module[0].running_var, expected.running_var)
