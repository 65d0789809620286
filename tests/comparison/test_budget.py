import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.comparison.budget import SAFETY, Costs, deal, default_budget, parse_budget
from headstart.errors import InputError


@pytest.mark.parametrize(
    ("text", "seconds"), [("600s", 600), ("10m", 600), ("2h", 7200), ("1.5h", 5400), (" 90 s ", 90)]
)
def test_times_are_read_as_people_write_them(text, seconds):
    assert parse_budget(text) == seconds


@pytest.mark.parametrize("text", ["10", "ten minutes", "-5m", "0s", "", "5d", "1e3s"])
def test_other_spellings_are_refused_by_name(text):
    with pytest.raises(InputError, match="--budget"):
        parse_budget(text)


def test_the_default_budget_grows_with_the_data():
    limits = [
        parse_budget(default_budget(*size))
        for size in ((1797, (1, 8, 8)), (70_000, (1, 28, 28)), (60_000, (3, 96, 96)))
    ]
    assert limits == sorted(limits)
    assert limits[0] <= 300


def shares(budget, wanted, rates, seeds=1, draws=0, scratch=0.0):
    costs = Costs(judging=0.0, steps_per_second=rates, scratch=scratch)
    return deal(budget, 0.0, costs, wanted, seeds=seeds, draws=draws, reserve=0.0)


def test_nobody_gets_more_steps_than_it_wants():
    assert shares(1e6, {"simclr": 100, "byol": 300}, {"simclr": 1.0, "byol": 1.0}) == {"simclr": 100, "byol": 300}


def test_a_short_budget_is_dealt_in_equal_times():
    steps = shares(100.0, {"simclr": 10_000, "byol": 10_000}, {"simclr": 10.0, "byol": 5.0})
    assert steps["simclr"] / 10 == pytest.approx(steps["byol"] / 5, rel=0.01)
    assert steps["simclr"] / 10 + steps["byol"] / 5 == pytest.approx(100 * SAFETY, rel=0.01)


def test_what_one_route_does_not_need_goes_to_the_others():
    steps = shares(100.0, {"quick": 10, "slow": 10_000}, {"quick": 10.0, "slow": 10.0})
    assert steps == {"quick": 10, "slow": int((100 * SAFETY - 1) * 10)}


def test_scratch_and_seeds_are_paid_for_first():
    alone = shares(100.0, {"simclr": 10_000}, {"simclr": 10.0})
    beside = shares(100.0, {"simclr": 10_000}, {"simclr": 10.0}, seeds=2, draws=10, scratch=1.0)
    assert beside["simclr"] == pytest.approx((alone["simclr"] - 200) / 2, rel=0.02)


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 10_000), min_size=1),
    st.floats(1, 1e4),
    st.integers(1, 3),
)
def test_the_plan_never_costs_more_than_the_budget(wanted, budget, seeds):
    rates = {name: 1.0 + position for position, name in enumerate(wanted)}
    steps = shares(budget, wanted, rates, seeds=seeds)
    needed = sum(
        seeds * (count - 1) / rates[name] for name, count in steps.items()
    )  # at least one step is always taken
    assert needed <= budget * SAFETY + 1e-6
    assert all(1 <= steps[name] <= wanted[name] for name in wanted)
