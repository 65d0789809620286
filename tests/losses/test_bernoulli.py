"""Binary cross-entropy against torch's, values and gradients, and where logits are large."""

import pytest
import torch
from torch.nn import functional as F

from headstart.losses import binary_cross_entropy


def both(logits, targets):
    found = []
    for loss in (binary_cross_entropy, F.binary_cross_entropy_with_logits):
        mine = logits.clone().requires_grad_()
        value = loss(mine, targets)
        (3 * value).backward()
        found.append((value.detach(), mine.grad))
    return found


@pytest.mark.parametrize(("dtype", "close"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_it_is_torchs(dtype, close):
    draw = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(32, 50, generator=draw, dtype=dtype)
    targets = torch.rand(32, 50, generator=draw, dtype=dtype)
    logits[0, :3] = 0
    targets[1] = (targets[1] > 0.5).to(dtype)
    (value, gradient), (theirs, their_gradient) = both(logits, targets)
    torch.testing.assert_close(value, theirs, atol=close, rtol=close)
    torch.testing.assert_close(gradient, their_gradient, atol=close, rtol=close)


def test_it_is_by_the_definition():
    logits, targets = torch.tensor([[-1.0, 0.5]]), torch.tensor([[0.25, 1.0]])
    chance = 1 / (1 + (-logits).exp())
    wanted = -(targets * chance.log() + (1 - targets) * (1 - chance).log()).mean()
    torch.testing.assert_close(binary_cross_entropy(logits, targets), wanted)


def test_large_logits_stay_finite():
    logits, targets = torch.tensor([-800.0, 800.0, 0.0, 90.0]), torch.tensor([0.0, 1.0, 0.5, 0.0])
    (value, gradient), (theirs, their_gradient) = both(logits, targets)
    torch.testing.assert_close(value, theirs)
    torch.testing.assert_close(gradient, their_gradient)


def test_half_precision_is_computed_in_single():
    logits = torch.tensor([3.3, -0.2], dtype=torch.bfloat16)
    assert binary_cross_entropy(logits, torch.tensor([0.7, 0.1])).dtype == torch.float32


def test_targets_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(3,\)"):
        binary_cross_entropy(torch.zeros(2, 3), torch.zeros(3))
