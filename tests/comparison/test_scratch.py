from types import SimpleNamespace

import pytest

from headstart.comparison.scratch import is_flat


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
    assert is_flat(trained(losses)) is flat
