from types import SimpleNamespace

import pytest
import torch

from headstart.comparison.leaderboard import best_route, leaderboard_rows, paired_rows
from headstart.comparison.outcomes import Outcome
from headstart.comparison.routes import Route
from headstart.comparison.summary import terminal_table
from headstart.evaluation import Judgement

CLASSES = ("a", "b")
TRUTH = torch.arange(400, dtype=torch.int16) % 2
HEADS = ("propagation", "linear", "knn")


def judgement(accuracy, validated=None, labels=(1, 5), draws=10, seed=0):
    """Predictions that are right with a probability, in every head."""
    made = torch.Generator().manual_seed(seed)
    cells = [(k, head) for k in labels for head in HEADS]
    wrong = {cell: (torch.rand(draws, len(TRUTH), generator=made) > accuracy).short() for cell in cells}
    held_out = {(k, head): (None if k == 1 else validated,) * draws for k, head in cells}
    return Judgement(
        CLASSES, labels, TRUTH, {cell: (TRUTH + w) % 2 for cell, w in wrong.items()}, held_out,
        {cell: ({},) * draws for cell in cells},
    )  # fmt: skip


def outcome(name, kind, *judgements, state="done"):
    made = Outcome(Route(name=name, kind=kind, method=None if kind in ("raw", "random") else name))
    made.judgements, made.seeds, made.state = list(judgements), len(judgements), state
    return made


def test_one_row_a_route_and_number_of_labels():
    found = leaderboard_rows(
        [outcome("raw", "raw", judgement(0.8)), outcome("simclr", "trained", judgement(0.9))], [1, 5]
    )
    assert [(row["route"], row["labels_per_class"]) for row in found] == [
        ("raw", 1), ("raw", 5), ("simclr", 1), ("simclr", 5),
    ]  # fmt: skip
    for row in found:
        assert row["interval"][0] < row["accuracy"] < row["interval"][1]
        assert row["draws"] == 10
    assert found[2]["accuracy"] == pytest.approx(0.9, abs=0.01)


def test_a_route_that_failed_has_rows_without_figures():
    failed = outcome("simclr", "trained", state="failed")
    failed.why = "out of luck"
    found = leaderboard_rows([failed], [1, 5])
    assert [(row["accuracy"], row["state"], row["why"]) for row in found] == [(None, "failed", "out of luck")] * 2


def test_every_pair_is_compared_once_a_number_of_labels():
    routes = [
        outcome(n, "trained", judgement(a, seed=i)) for i, (n, a) in enumerate([("x", 0.7), ("y", 0.9), ("z", 0.9)])
    ]
    found = paired_rows(routes, [1, 5])
    assert [(p["a"], p["b"]) for p in found if p["labels_per_class"] == 5] == [("x", "y"), ("x", "z"), ("y", "z")]
    verdicts = {(p["a"], p["b"]): p["verdict"] for p in found if p["labels_per_class"] == 5}
    assert verdicts == {("x", "y"): "b", ("x", "z"): "b", ("y", "z"): "tie"}
    assert all(p["interval"][0] <= p["difference"] <= p["interval"][1] for p in found)


def test_no_lead_is_claimed_over_a_route_that_was_cut_short():
    cut = outcome("scratch", "scratch", judgement(0.6), state="cut")
    better = outcome("simclr", "trained", judgement(0.95, seed=1))
    (found,) = paired_rows([cut, better], [5])
    assert found["difference"] < -0.3
    assert found["verdict"] == "tie"
    (other_way,) = paired_rows(
        [outcome("scratch", "scratch", judgement(0.95, seed=1), state="cut"), outcome("s", "trained", judgement(0.6))],
        [5],
    )
    assert other_way["verdict"] == "a", "a route that was cut short may still win"


@pytest.mark.parametrize("state", ["cut", "dropped"])
def test_a_route_left_behind_keeps_its_figures_and_loses_to_nobody(state):
    behind = outcome("moco", "trained", judgement(0.6), state=state)
    (found,) = paired_rows([behind, outcome("simclr", "trained", judgement(0.95, seed=1))], [5])
    assert found["verdict"] == "tie"
    assert found["corrected"][1] < 0, "the difference itself is shown as it is"
    assert leaderboard_rows([behind], [5])[0]["accuracy"] == pytest.approx(0.6, abs=0.03)


def test_fewer_draws_are_compared_with_the_same_first_ones():
    few, many = outcome("scratch", "scratch", judgement(0.7, draws=2)), outcome("raw", "raw", judgement(0.9, seed=1))
    (found,) = paired_rows([few, many], [5])
    first = many.correct(5)[:, :2].double().mean() - few.correct(5).double().mean()
    assert -found["difference"] == pytest.approx(float(first))
    assert [row["draws"] for row in leaderboard_rows([few, many], [5])] == [2, 10]


def test_supervised_is_never_the_best_where_every_fold_has_another_network():
    whole = judgement(0.9, labels=("all",), draws=1)
    routes = [
        outcome("raw", "raw", judgement(0.5, labels=("all",), draws=1)),
        outcome("supervised", "supervised", whole),
    ]
    assert best_route(routes, ["all"]).outcome.name == "supervised"
    routes[1] = outcome("supervised", "supervised", judgement(0.9, labels=("all",), draws=2))
    assert best_route(routes, ["all"]).outcome.name == "raw"


def test_supervised_is_chosen_by_what_it_held_out():
    supervised = outcome("supervised", "supervised", judgement(0.9, labels=("all",), draws=1))
    other = outcome("simclr", "trained", judgement(0.99, labels=("all",), draws=1, validated=0.8))
    for held_out, best in ((0.85, "supervised"), (0.75, "simclr")):
        supervised.taken = [SimpleNamespace(facts={"held_out": held_out})]
        assert best_route([other, supervised], ["all"]).outcome.name == best


def test_the_best_is_chosen_by_held_out_labels_and_not_by_the_test_part():
    liked = outcome("byol", "trained", judgement(0.7, validated=0.99))
    tested = outcome("simclr", "trained", judgement(0.99, validated=0.7, seed=1))
    scratch = outcome("scratch", "scratch", judgement(0.99, validated=1.0, seed=2))
    chosen = best_route([liked, tested, scratch], [1, 5])
    assert (chosen.outcome.name, chosen.labels_per_class) == ("byol", 5)
    assert "cross-validation" in chosen.chosen_by


def test_below_three_labels_the_written_order_chooses():
    raw = outcome("raw", "raw", judgement(0.99, labels=(1,)))
    trained = outcome("simclr", "trained", judgement(0.5, labels=(1,), seed=1))
    chosen = best_route([raw, trained], [1])
    assert (chosen.outcome.name, chosen.chosen_by) == ("simclr", "default")
    assert best_route([outcome("simclr", "trained")], [1]) is None


def test_the_terminal_shows_the_best_first_and_says_why_one_is_missing():
    failed = outcome("moco", "trained", state="failed")
    failed.why = "out of luck"
    rows = leaderboard_rows(
        [outcome("raw", "raw", judgement(0.8)), outcome("simclr", "trained", judgement(0.9)), failed], [1, 5]
    )
    lines = terminal_table(rows)
    assert lines[0].split()[:4] == ["route", "1", "label", "a"]
    assert [line.split()[0] for line in lines[1:]] == ["simclr", "raw", "moco"]
    assert lines[-1].endswith("failed: out of luck")
