import time
from itertools import combinations

import pytest
import torch
from scipy import stats

from headstart.evaluation import accuracy_interval, holm, paired, paired_differences, verdicts
from headstart.evaluation.intervals import Paired


def _correct(made: torch.Generator, level: float, seeds: float, draws: float, items: float, shape: tuple[int, ...]):
    """bool S×D×T with effects of each axis, in units of the noise, and the accuracy that all the world would show."""
    s, d, t = shape
    latent = (
        level
        + seeds * torch.randn(s, 1, 1, generator=made)
        + draws * torch.randn(1, d, 1, generator=made)
        + items * torch.randn(1, 1, t, generator=made)
        + torch.randn(s, d, t, generator=made)
    )
    spread = (1 + (seeds**2 if s > 1 else 0) + draws**2 + items**2) ** 0.5
    return latent > 0, float(stats.norm.cdf(level / spread))


@pytest.mark.parametrize(
    ("seeds", "draws", "items", "shape"),
    [
        (0.0, 0.3, 1.0, (1, 10, 300)),
        (0.0, 0.1, 0.3, (1, 10, 300)),
        (0.0, 0.0, 1.0, (1, 1, 300)),
        (0.3, 0.3, 1.0, (5, 10, 300)),
    ],
)
def test_intervals_cover_the_truth_as_often_as_they_say(seeds, draws, items, shape):
    made = torch.Generator().manual_seed(0)
    trials, covered = 200, 0
    for _ in range(trials):
        correct, truth = _correct(made, 1.6, seeds, draws, items, shape)
        found = accuracy_interval(correct)
        covered += found.low <= truth <= found.high
    assert 0.90 <= covered / trials <= 0.99


def test_equal_routes_are_seldom_called_different():
    made = torch.Generator().manual_seed(1)
    trials, wrong = 200, 0
    for _ in range(trials):
        items = torch.randn(1, 1, 200, generator=made)
        a, b = (
            (1 + items + 0.3 * torch.randn(1, 10, 1, generator=made) + torch.randn(1, 10, 200, generator=made)) > 0
            for _ in range(2)
        )
        wrong += paired(a, b).p_value < 0.05
    assert wrong / trials <= 0.08


def test_a_real_lead_is_found():
    made = torch.Generator().manual_seed(2)
    items, draws = torch.randn(1, 1, 450, generator=made), 0.2 * torch.randn(1, 10, 1, generator=made)
    noise = torch.randn(1, 10, 450, generator=made)
    a, b = (items + draws + noise + 1.6 > 0), (items + draws + noise + 1.3 > 0)
    found = paired(a, b)
    assert found.difference > 0.03
    assert found.p_value < 1e-3
    assert paired(b, a).difference == pytest.approx(-found.difference)
    assert paired(b, a).p_value == pytest.approx(found.p_value)


def test_one_draw_of_items_is_the_paired_t_test():
    made = torch.Generator().manual_seed(3)
    a, b = torch.rand(1, 1, 2000, generator=made) < 0.9, torch.rand(1, 1, 2000, generator=made) < 0.88
    expected = stats.ttest_rel(a.flatten().float(), b.flatten().float())
    found = paired(a, b)
    assert found.p_value == pytest.approx(expected.pvalue, rel=0.15)
    low, high = expected.confidence_interval(0.95)
    assert found.interval() == pytest.approx((low, high), abs=1e-3)


def test_the_interval_of_an_accuracy_stays_inside():
    perfect = accuracy_interval(torch.ones(1, 10, 100, dtype=torch.bool))
    expected = stats.binomtest(100, 100).proportion_ci(method="wilson")
    assert perfect == pytest.approx((1.0, expected.low, 1.0))
    nearly = torch.ones(1, 1, 100, dtype=torch.bool)
    nearly[..., 0] = False
    low, high = accuracy_interval(nearly)[1:]
    assert 0.9 < low < 0.99 < high < 1
    nothing = accuracy_interval(~torch.ones(1, 3, 50, dtype=torch.bool))
    assert nothing.low == pytest.approx(0, abs=1e-12)
    assert nothing.high > 0.02


def test_identical_routes_tie():
    same = torch.rand(2, 5, 40, generator=torch.Generator().manual_seed(4)) < 0.7
    found = paired(same, same)
    assert (found.difference, found.p_value) == (0.0, 1.0)
    assert verdicts([found])[0].verdict == "tie"


def test_few_items_that_all_differ_alike_prove_little_and_many_prove_it():
    """Three of three heads come up in one toss of eight: that is 0.25, two-sided."""
    by_items = [paired(*torch.tensor([1, 0]).bool().view(2, 1, 1, 1).expand(2, 1, 2, n)) for n in (1, 3, 20)]
    assert [one.difference for one in by_items] == [1.0] * 3
    assert by_items[0].p_value > by_items[1].p_value > 0.05 > 1e-4 > by_items[2].p_value > 0
    assert by_items[1].interval()[0] < 0 < by_items[2].interval()[0] < by_items[2].interval()[1] == 1
    assert verdicts(by_items[1:2])[0].verdict == "tie"


def test_a_set_whose_spread_is_all_noise_has_an_interval():
    """What draws bring is less than the noise between draws and items, and items bring nothing."""
    few = torch.tensor([[[1, 0], [0, 1], [1, 1], [0, 0]]]).bool()
    found = accuracy_interval(few)
    assert 0 < found.low < found.mean == 0.5 < found.high < 1
    assert 0.05 < paired(few, torch.zeros_like(few)).p_value < 1


def test_a_route_without_seeds_is_compared_with_one_that_has_them():
    made = torch.Generator().manual_seed(5)
    a, b = torch.rand(3, 5, 200, generator=made) < 0.9, torch.rand(1, 5, 200, generator=made) < 0.5
    assert paired(a, b).difference == pytest.approx(float(a.double().mean() - b.double().mean()), abs=1e-6)


def test_bits_depend_on_the_seed_alone():
    correct = torch.rand(3, 10, 100, generator=torch.Generator().manual_seed(6)) < 0.8
    torch.manual_seed(99)
    first = accuracy_interval(correct)
    assert accuracy_interval(correct) == first
    assert accuracy_interval(correct.numpy()) == first
    assert accuracy_interval(correct, seed=1) != first


def test_holm_by_hand():
    """Sorted 0.005, 0.01, 0.03, 0.04 times 4, 3, 2, 1, never falling: the textbook's example."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])
    assert holm([]) == []


def test_verdicts_and_their_intervals_agree():
    made = torch.Generator().manual_seed(7)
    for _ in range(50):
        values = 0.02 * torch.randn(15, generator=made)
        pairs = [Paired(float(v), 0.01, 9.0) for v in values]
        judged = verdicts(pairs)
        adjusted = holm([pair.p_value for pair in pairs])
        for pair, found, p_value in zip(pairs, judged, adjusted, strict=True):
            assert found.p_value == p_value
            assert (found.verdict != "tie") == (p_value <= 0.05) == (found.low > 0 or found.high < 0)
            assert found.verdict in ("tie", "a" if pair.difference > 0 else "b")
            assert found.low < pair.interval()[0]  # wider than the one that stands alone, or as wide


def test_all_pairs_of_seven_routes_are_quick():
    made = torch.Generator().manual_seed(8)
    correct = {str(i): torch.rand(1, 30, 10_000, generator=made) < 0.9 for i in range(7)}
    before = time.perf_counter()
    found = paired_differences(correct, list(combinations(correct, 2)))
    assert len(found) == 21
    assert time.perf_counter() - before < 10


def test_shape_is_checked():
    with pytest.raises(ValueError, match="seeds × draws × items"):
        accuracy_interval(torch.ones(3, 4))
