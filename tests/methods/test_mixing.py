"""Mixup against a loop over the items, and its shares against the distribution they are drawn from."""

import pytest
import torch
from scipy import stats

from headstart.contracts import Draw, Part
from headstart.methods.mixing import mixed


def drawn(count, alpha, step=0):
    images = torch.rand(count, 3, 4, 5, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(count)
    return images, labels, mixed(images, labels, Draw(0, step, Part.whole(count)), alpha)


def test_every_picture_is_mixed_with_its_partner():
    images, labels, (shown, own, partners, share) = drawn(6, 0.8)
    assert torch.equal(own, labels)
    assert sorted(partners.tolist()) == labels.tolist(), "labels are places here: an order of the batch"
    for place in range(6):
        expected = share[place] * images[place] + (1 - share[place]) * images[partners[place]]
        torch.testing.assert_close(shown[place], expected)


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_shares_come_from_a_beta_distribution(alpha):
    *_, share = drawn(4000, alpha)[2]
    assert stats.kstest(share.numpy(), stats.beta(alpha, alpha).cdf).pvalue > 1e-3
    assert stats.kstest(share.numpy(), stats.beta(3 * alpha, alpha).cdf).pvalue < 1e-6


def test_steps_differ_and_the_same_step_does_not():
    first, again, next_one = (drawn(6, 0.8, step)[2] for step in (0, 0, 1))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[3], next_one[3])
