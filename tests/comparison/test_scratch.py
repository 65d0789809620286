from types import SimpleNamespace

import pytest

from headstart.comparison.scratch import FALLING, still_falling, was_cut


def trained(losses):
    return SimpleNamespace(steps=len(losses), history=[{"step": n + 1, "loss": loss} for n, loss in enumerate(losses)])


@pytest.mark.parametrize(
    ("losses", "flat"),
    [
        ([2.3] * 2 + [0.1] * 38, True),
        ([2.3 - 2.2 * n / 40 for n in range(40)], False),
        ([2.3 * 0.8**n for n in range(40)], True),
        ([2.3] * 40, True),  # nothing was learned, and nothing will be
        ([2.3, 1.0], False),  # too short to tell
        ([2.3], False),
    ],
)
def test_a_loss_is_flat_where_the_last_quarter_brought_little_of_its_fall(losses, flat):
    assert (still_falling(trained(losses)) <= FALLING) is flat


def test_a_route_was_cut_where_its_draws_are_not_flat_on_average():
    def of(*shares):
        return [SimpleNamespace(falling=share) for share in shares]

    assert not was_cut(of(0.02, 0.03, 0.06))
    assert was_cut(of(0.04, 0.05, 0.08))
