from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headstart.comparison import planning
from headstart.comparison.budget import SAFETY, Need, deal, default_budget, in_rounds, parse_budget
from headstart.comparison.routes import Route
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


NEEDS = {"simclr": Need(1000, 1, 10.0), "moco": Need(1000, 1, 10.0), "byol": Need(1000, 1, 5.0)}


def test_enough_time_is_dealt_in_one_round():
    plan = deal(400.0, NEEDS)
    assert in_rounds(plan, NEEDS, list(NEEDS), judging=5.0) == plan


def test_a_baseline_that_learns_from_labels_has_a_double_share():
    needs = {"simclr": Need(1000, 1, 10.0), "moco": Need(1000, 1, 10.0), "scratch": Need(500, 10, 50.0)}  # 100 s each
    plan = deal(100.0, needs, stretched=["scratch"], longest=4)
    assert plan.steps == {"simclr": 250, "moco": 250, "scratch": 250}
    assert plan.stretch == 1


def test_routes_that_have_half_of_their_steps_are_not_left_behind():
    needs = {name: NEEDS[name] for name in ("simclr", "moco")}
    assert not in_rounds(deal(100.0, needs), needs, list(needs), judging=0.0).first
    assert in_rounds(deal(99.0, needs), needs, list(needs), judging=0.0).first


def test_half_of_a_short_time_is_for_all_and_half_for_the_better_half():
    plan = in_rounds(deal(66.0, NEEDS), NEEDS, list(NEEDS), judging=3.0)  # 60 s: 10 each, then 15 each for two
    assert plan.first == {"simclr": 100, "moco": 100, "byol": 50}
    assert plan.steps == {"simclr": 250, "moco": 250, "byol": 125}
    assert plan.places == 2


def test_routes_that_do_not_compete_keep_what_they_have():
    needs = {**NEEDS, "scratch": Need(300, 10, 100.0)}
    before = deal(90.0, needs)
    plan = in_rounds(before, needs, list(NEEDS), judging=0.0)
    assert plan.steps["scratch"] == before.steps["scratch"]
    assert "scratch" not in plan.first


def test_one_route_alone_or_no_time_at_all_makes_no_rounds():
    alone = {"simclr": NEEDS["simclr"]}
    assert not in_rounds(deal(10.0, alone), alone, ["simclr"], judging=0.0).first
    assert not in_rounds(deal(10.0, NEEDS), NEEDS, list(NEEDS), judging=100.0).first
    assert in_rounds(deal(10.0, NEEDS), NEEDS, ["simclr", "moco", "gone"], judging=0.0).places == 1


@given(st.integers(2, 6), st.floats(1, 1e4), st.floats(0, 20), st.integers(1, 3), st.data())
def test_two_rounds_never_cost_more_than_one_whoever_goes_on(count, seconds, judging, seeds, data):
    names = [f"route {number}" for number in range(count)]
    needs = {name: Need(data.draw(st.integers(1, 10_000)), seeds, 1.0 + i) for i, name in enumerate(names)}
    before = deal(seconds, needs)
    plan = in_rounds(before, needs, names, judging=judging)
    assert all(1 <= plan.first.get(name, 1) <= plan.steps[name] <= needs[name].steps for name in names)
    if plan.first:
        kept = data.draw(st.permutations(names))[: plan.places]
        took = {name: plan.steps[name] if name in kept else plan.first[name] for name in names}
        cost = sum(seeds * steps / needs[name].rate for name, steps in took.items() if steps > 1)
        dealt = sum(seeds * before.steps[name] / needs[name].rate for name in names)
        assert cost + plan.places * judging <= dealt + 1e-6


def test_a_route_that_comes_late_has_a_share_of_the_budget_and_the_others_keep_theirs(monkeypatch):
    monkeypatch.setattr(planning, "_need", lambda route, context: Need(steps=100_000, runs=1, rate=10.0))
    record = {"plan": {"steps": {"simclr": 500}, "stretch": 1, "budget_seconds": 200.0, "kept": ["simclr"]}}
    folder = SimpleNamespace(record=record, update=lambda plan: record.update(plan=plan))
    routes = [Route("simclr", "trained", "simclr"), Route("pretrained+simclr", "trained", "simclr", encoder="resnet18")]
    plan = planning.plan_steps(routes, None, folder, "200s", began=0.0, judging=1.0)
    assert plan.steps == {"simclr": 500, "pretrained+simclr": int(200 * SAFETY / 2 * 10)}
    assert record["plan"]["steps"] == plan.steps
    assert record["plan"]["kept"] == ["simclr"], "what was settled stays"
    monkeypatch.setattr(planning, "_need", lambda route, context: pytest.fail("rates are measured once"))
    assert planning.plan_steps(routes, None, folder, "200s", began=0.0, judging=1.0) == plan
