import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.comparison.budget import Need, deal, default_budget, parse_budget
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


def shares(seconds, wanted, rates, runs=1):
    return deal(seconds, {name: Need(wanted[name], runs, rates[name]) for name in wanted}).steps


def test_nobody_gets_more_steps_than_it_wants():
    assert shares(1e6, {"simclr": 100, "byol": 300}, {"simclr": 1.0, "byol": 1.0}) == {"simclr": 100, "byol": 300}


def test_a_short_budget_is_dealt_in_equal_times():
    steps = shares(100.0, {"simclr": 10_000, "byol": 10_000}, {"simclr": 10.0, "byol": 5.0})
    assert steps == {"simclr": 500, "byol": 250}


def test_what_one_route_does_not_need_goes_to_the_others():
    steps = shares(100.0, {"quick": 10, "slow": 10_000}, {"quick": 10.0, "slow": 10.0})
    assert steps == {"quick": 10, "slow": 990}


def test_runs_share_what_their_route_gets():
    assert shares(100.0, {"scratch": 300}, {"scratch": 10.0}, runs=20) == {"scratch": 50}


def test_longer_training_is_planned_only_where_time_is_left():
    needs = {"scratch": Need(300, 10, 100.0), "simclr": Need(1000, 1, 10.0)}  # 30 s and 100 s
    stretches = [
        deal(seconds, needs, stretched=["scratch"], longest=4).stretch for seconds in (100, 130, 161, 221, 1e4)
    ]
    assert stretches == [1, 1, 2, 4, 4]


@given(
    st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 10_000), min_size=1),
    st.floats(1, 1e4),
    st.integers(1, 60),
)
def test_the_plan_never_costs_more_than_the_budget(wanted, seconds, runs):
    rates = {name: 1.0 + position for position, name in enumerate(wanted)}
    steps = shares(seconds, wanted, rates, runs)
    assert all(1 <= steps[name] <= wanted[name] for name in wanted)
    above_one = sum(runs * count / rates[name] for name, count in steps.items() if count > 1)
    assert above_one <= seconds + 1e-6  # one step is always taken
