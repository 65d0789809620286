"""Two rounds: planned at the start, decided by figures, and the same however often they are interrupted."""

import json
from types import SimpleNamespace

import pytest

import headstart
from headstart.comparison import comparing, planning, taking
from headstart.comparison.outcomes import Outcome
from headstart.comparison.rounds import better_half
from headstart.comparison.routes import Route
from headstart.errors import Interrupted

ASKED = {"routes": "raw,random,simclr,moco,byol", "labels_per_class": "1,3", "budget": "40s"}
RATE = 5.0


def standing(name, score, state="done"):
    made = Outcome(Route(name, "trained", name), state=state)
    if score is not None:
        made.judgements = [SimpleNamespace(labels_per_class=(1, 5), validated=lambda k: score if k == 5 else None)]
    return made


def test_the_better_half_goes_on_and_those_that_failed_do_not():
    routes = [standing("a", 0.5), standing("b", 0.7), standing("c", 0.9, "failed"), standing("d", 0.6)]
    assert better_half(routes, [1, 5], 2) == ["b", "d"]
    assert better_half(routes[:1], [1, 5], 2) == ["a"]
    equal = [standing(name, 0.5) for name in "xyz"]
    assert better_half(equal, [1, 5], 2) == ["x", "y"], "the written order breaks ties"


@pytest.fixture(scope="module")
def fixed():
    """A machine on which steps, judging and planning always take the same time, so that the plan is the same."""
    plan_steps = comparing.plan_steps
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "step_rate", lambda job, seconds: RATE)
        patch.setattr(planning, "time", SimpleNamespace(monotonic=lambda: 0.0))
        patch.setattr(comparing, "plan_steps", lambda *args, **_: plan_steps(*args, began=0.0, judging=1.0))
        yield


def figures(folder):
    rows = json.loads((folder / "leaderboard.json").read_text())["rows"]
    return [(row["route"], row["labels_per_class"], row["accuracy"], row["interval"], row["state"]) for row in rows]


def plan_of(folder):
    return json.loads((folder / "run.json").read_text())["plan"]


def steps_of(folder, route):
    return json.loads((folder / f"routes/{route}-seed0/run.json").read_text())["plan"]["steps"]


@pytest.fixture(scope="module")
def untouched(fixed, tmp_path_factory):
    """A comparison in two rounds that nobody interrupted."""
    folder = tmp_path_factory.mktemp("rounds") / "whole"
    return headstart.compare("digits", **ASKED, out=folder), folder


def test_one_is_dropped_and_the_others_train_to_the_end_of_the_plan(untouched):
    found, folder = untouched
    plan = plan_of(folder)
    assert set(plan["first"]) == {"simclr", "moco", "byol"}
    assert plan["places"] == len(plan["kept"]) == 2
    states = {row["route"]: row["state"] for row in found.rows}
    (left,) = set(plan["first"]) - set(plan["kept"])
    assert states == {"raw": "done", "random": "done", **dict.fromkeys(plan["kept"], "done"), left: "dropped"}
    why = next(row["why"] for row in found.rows if row["route"] == left)
    assert "cross-validated accuracy" in why
    assert {row["route"] for row in found.rows if row["accuracy"] is not None} == set(states)
    for name in plan["first"]:
        assert steps_of(folder, name) == (plan["first"] if name == left else plan["steps"])[name]
    for pair in found.paired:
        if left in (pair["a"], pair["b"]):
            assert pair["verdict"] == "tie" or pair[pair["verdict"]] == left


@pytest.mark.slow
@pytest.mark.parametrize("stop_at", [2, 3, 5])
def test_stopped_anywhere_it_goes_on_with_the_same_plan_survivors_and_bits(untouched, tmp_path, monkeypatch, stop_at):
    """The routes are taken one after the other: three in the first round, two in the second."""
    _, whole = untouched
    take, calls = comparing.take_seeds, []

    def interrupted(route, context):
        calls.append(route.name)
        if len(calls) == stop_at + 2:  # raw and random come first
            raise Interrupted("stop", 2)
        return take(route, context)

    monkeypatch.setattr(comparing, "take_seeds", interrupted)
    with pytest.raises(Interrupted):
        headstart.compare("digits", **ASKED, out=tmp_path / "again")
    assert ("kept" in plan_of(tmp_path / "again")) == (stop_at > 3)
    monkeypatch.setattr(comparing, "take_seeds", take)
    headstart.compare("digits", **ASKED, out=tmp_path / "again")
    assert plan_of(tmp_path / "again") == plan_of(whole)
    assert figures(tmp_path / "again") == figures(whole)
    for route in ("simclr", "moco", "byol"):
        weights = [folder / f"routes/{route}-seed0/encoder.safetensors" for folder in (whole, tmp_path / "again")]
        assert weights[0].read_bytes() == weights[1].read_bytes()


@pytest.mark.slow
def test_a_comparison_that_is_killed_in_the_middle_of_the_second_round_ends_alike(untouched, tmp_path, monkeypatch):
    """Killed after a survivor was judged anew, but before that was marked as done."""
    _, whole = untouched
    write = taking.atomic.write_json

    def killed(path, content):
        if path.name == taking.JUDGED and content["round"] == 2:
            raise Interrupted("stop", 2)
        write(path, content)

    monkeypatch.setattr(taking.atomic, "write_json", killed)
    with pytest.raises(Interrupted):
        headstart.compare("digits", **ASKED, out=tmp_path / "again")
    monkeypatch.setattr(taking.atomic, "write_json", write)
    headstart.compare("digits", **ASKED, out=tmp_path / "again")
    assert figures(tmp_path / "again") == figures(whole)
    facts = json.loads((tmp_path / f"again/routes/{plan_of(whole)['kept'][0]}-seed0/judged.json").read_text())
    assert facts["round"] == 2


def test_equal_passes_or_nothing_to_choose_by_make_one_round(fixed, tmp_path, capsys):
    found = headstart.compare("digits", **{**ASKED, "labels_per_class": "1"}, out=tmp_path / "out")
    assert not plan_of(tmp_path / "out")["first"]
    assert "in one round" in capsys.readouterr().err
    assert {row["state"] for row in found.rows} == {"done"}
