from __future__ import annotations

import lightly.utils.lars
import numpy as np
import pytest
import torch
from torch import nn

from headstart.training.lars import LARS


def paper_steps(weight, gradients, rates, momentum, decay, trust):
    """Algorithm 1 of 1708.03888 in plain numpy, one layer."""
    velocity = np.zeros_like(weight)
    for gradient, rate in zip(gradients, rates, strict=True):
        local = trust * np.linalg.norm(weight) / (np.linalg.norm(gradient) + decay * np.linalg.norm(weight))
        velocity = momentum * velocity + rate * local * (gradient + decay * weight)
        weight = weight - velocity
    return weight


def test_it_follows_the_papers_algorithm_while_the_rate_changes():
    rng = np.random.default_rng(0)
    start, gradients = rng.normal(size=(4, 3)), rng.normal(size=(5, 4, 3))
    rates = [0.1, 0.5, 2.0, 1.0, 0.2]
    weight = nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = LARS([weight], lr=1.0, momentum=0.9, weight_decay=0.01)
    for gradient, rate in zip(gradients, rates, strict=True):
        weight.grad = torch.from_numpy(gradient)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
    expected = paper_steps(start, gradients, rates, 0.9, 0.01, 0.001)
    np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-12)


def test_with_a_constant_rate_it_agrees_with_lightly():
    torch.manual_seed(0)
    ours, theirs = nn.Linear(5, 4), nn.Linear(5, 4)
    theirs.load_state_dict(ours.state_dict())
    data, target = torch.randn(16, 5), torch.randn(16, 4)
    split = [
        [{"params": [net.weight], "weight_decay": 1e-3}, {"params": [net.bias], "weight_decay": 0.0}]
        for net in (ours, theirs)
    ]
    optimizers = [LARS(split[0], lr=0.5, momentum=0.9), lightly.utils.lars.LARS(split[1], lr=0.5, momentum=0.9)]
    for _ in range(10):
        for net, optimizer in zip((ours, theirs), optimizers, strict=True):
            optimizer.zero_grad()
            (net(data) - target).square().mean().backward()
            optimizer.step()
    torch.testing.assert_close(ours.weight, theirs.weight, rtol=1e-5, atol=1e-7)


def test_vectors_take_plain_momentum_steps():
    bias, twin = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    ours, plain = LARS([bias], lr=0.1, momentum=0.9), torch.optim.SGD([twin], lr=0.1, momentum=0.9)
    for _ in range(4):
        bias.grad, twin.grad = torch.tensor([1.0, -2.0, 0.5]), torch.tensor([1.0, -2.0, 0.5])
        ours.step()
        plain.step()
    torch.testing.assert_close(bias, twin)


@pytest.mark.parametrize("start", [0.0, 1.0])
def test_zero_weights_or_gradients_stay_finite(start):
    weight = nn.Parameter(torch.full((2, 2), start))
    optimizer = LARS([weight], lr=0.1, weight_decay=0.0)
    weight.grad = torch.full((2, 2), 1.0 - start)
    optimizer.step()
    assert torch.isfinite(weight).all()
