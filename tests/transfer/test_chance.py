"""Random domains keep what they should, and p-values are ranks among them."""

import pytest
import torch

from headstart.transfer.diagnosing.chance import joint_p_value, p_values, redrawn, shuffled


def generator():
    return torch.Generator().manual_seed(0)


def test_shuffled_domains_keep_their_number_in_every_stratum_and_the_first_is_true():
    domain = torch.arange(40) % 3 == 0
    strata = torch.arange(40) // 10
    made = shuffled(domain, strata, generator(), 50)
    assert torch.equal(made[:, 0].bool(), domain)
    for stratum in range(4):
        mine = strata == stratum
        assert (made[mine].sum(dim=0) == domain[mine].sum()).all()
    assert len({tuple(column.tolist()) for column in made.T}) > 45


def test_shuffled_domains_are_even_within_a_stratum():
    domain = torch.tensor([True, False, False, False] * 2)
    made = shuffled(domain, torch.tensor([0] * 4 + [1] * 4), generator(), 4000)
    torch.testing.assert_close(made[:, 1:].double().mean(dim=1), torch.full((8,), 0.25).double(), atol=0.03, rtol=0)


def test_redrawn_domains_keep_the_number_and_each_items_chance():
    domain = torch.arange(30) < 12
    chances = torch.linspace(0.02, 0.98, 30, dtype=torch.float64)
    chances = chances * 12 / chances.sum()
    made = redrawn(domain, chances, generator(), 6000)
    assert torch.equal(made[:, 0].bool(), domain)
    assert (made.sum(dim=0) == 12).all()
    torch.testing.assert_close(made[:, 1:].double().mean(dim=1), chances, atol=0.03, rtol=0)


def test_with_equal_chances_redrawn_domains_are_permutations():
    """Every pair of four items is as frequent as every other."""
    made = redrawn(torch.tensor([True, True, False, False]), torch.full((4,), 0.5).double(), generator(), 6000)
    kinds, counts = torch.unique(made[:, 1:].T, dim=0, return_counts=True)
    assert len(kinds) == 6
    assert (counts / 6000 - 1 / 6).abs().max() < 0.02


def test_p_values_count_what_is_at_least_as_large():
    found = p_values(torch.tensor([3.0, 1.0, 3.0, 2.0, 5.0]))
    assert found.tolist() == pytest.approx([3 / 5, 1.0, 3 / 5, 4 / 5, 1 / 5])


def test_a_joint_p_value_of_equal_statistics_costs_nothing_and_of_unrelated_ones_their_number():
    first = torch.cat([torch.tensor([9.0]), torch.rand(999, generator=generator())])
    assert joint_p_value(first, first) == pytest.approx(0.001)
    ranks = torch.rand(999, generator=generator())
    twentieth = ranks.sort().values[-20]
    other = torch.rand(1000, generator=torch.Generator().manual_seed(5))
    assert joint_p_value(torch.cat([twentieth[None], ranks]), other) == pytest.approx(0.04, abs=0.012)


def test_joint_p_values_are_uniform_under_chance():
    made = generator()
    found = [joint_p_value(torch.rand(100, generator=made), torch.rand(100, generator=made)) for _ in range(400)]
    assert sum(value <= 0.1 for value in found) / 400 == pytest.approx(0.1, abs=0.045)  # three standard errors
