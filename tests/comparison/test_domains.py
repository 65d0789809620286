"""`compare SOURCE --target TARGET`: every route scored on the target, what is kept is chosen without its labels."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import headstart
from headstart.comparison.domains.concluding import best_of, better_than
from headstart.comparison.domains.settings import DomainSettings
from headstart.comparison.domains.taking import Domains
from headstart.comparison.result import Comparison
from headstart.errors import InputError
from headstart.methods import ADAPTERS
from headstart.transfer import pair

ROUTES = "source_only,coral,adabn,target_supervised"


def blobs(seed, count=160):
    """Pictures of 8×8 with a bright corner: which one is the class."""
    made = np.random.default_rng(seed)
    pixels, labels = made.integers(0, 80, (count, 8, 8)), np.arange(count) % 2
    pixels[labels == 0, :4, :4] += 150
    pixels[labels == 1, 4:, 4:] += 150
    return pixels.astype(np.uint8), np.array(["upper", "lower"])[labels]


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("domains")
    np.savez(folder / "source.npz", images=blobs(0)[0], labels=blobs(0)[1])
    np.savez(folder / "target.npz", images=blobs(1)[0] // 2, labels=blobs(1)[1])
    np.save(folder / "bare.npy", blobs(2)[0] // 2)
    return folder


@pytest.fixture(scope="module")
def board(files):
    """A comparison of four routes, two seeds each."""
    headstart.compare(
        files / "source.npz",
        target=files / "target.npz",
        routes=ROUTES,
        seeds="0,1",
        epochs=3,
        out=files / "out",
    )
    return files / "out"


def test_every_route_is_a_row_at_all_labels_and_every_pair_has_a_verdict(board):
    found = json.loads((board / "leaderboard.json").read_text())
    assert [row["route"] for row in found["rows"]] == ROUTES.split(",")
    assert {row["labels_per_class"] for row in found["rows"]} == {"all"}
    assert {row["seeds"] for row in found["rows"]} == {2}
    for row in found["rows"]:
        assert row["state"] == "done"
        assert row["interval"][0] <= row["accuracy"] <= row["interval"][1]
        assert row["density"] > 0
        assert Path(row["run"]).parent == board / "routes"
    assert len(found["paired"]) == 6
    assert found["data"]["test"] == 40
    assert found["to_label"] == []


def test_what_is_kept_is_chosen_without_the_targets_labels_and_predicts(board, files):
    found = json.loads((board / "leaderboard.json").read_text())
    assert found["best"]["route"] != "target_supervised"
    assert "no target label" in found["best"]["chosen_by"]
    written = headstart.predict(found["best"]["run"], files / "bare.npy", out=files / "answers.csv")
    assert written.items == 160


def test_the_report_shows_every_route(board):
    page = (board / "report.html").read_text(encoding="utf-8")
    assert "what closes the gap" in page
    for route in ROUTES.split(","):
        assert route in page
    assert "Holm" in page


def test_it_is_read_and_not_made_again(board, files, capsys):
    again = headstart.compare(
        files / "source.npz", target=files / "target.npz", routes=ROUTES, seeds="0,1", epochs=3, out=board
    )
    assert "nothing to compare" in capsys.readouterr().err
    assert len(again.rows) == 4


def test_more_epochs_go_on_with_every_route_and_score_it_anew(files, tmp_path):
    asked = {"routes": "coral,adabn", "out": tmp_path}
    headstart.compare(files / "source.npz", target=files / "target.npz", epochs=1, **asked)
    found = headstart.compare(files / "source.npz", target=files / "target.npz", epochs=2, **asked)
    assert {row["route"]: row["state"] for row in found.rows} == dict.fromkeys(
        ("source_only", "coral", "adabn"), "done"
    )
    for run in (tmp_path / "routes").glob("*-seed0"):
        assert json.loads((run / "judged.json").read_text())["epochs"] == 2
    assert json.loads((tmp_path / "routes/coral-seed0/run.json").read_text())["settings"]["epochs"] == 2


def test_an_interrupted_comparison_goes_on_where_it_was(files, tmp_path, monkeypatch):
    from headstart.comparison.domains import comparing

    asked = {"target": files / "target.npz", "routes": "source_only,coral", "epochs": 2, "out": tmp_path / "out"}
    taken = comparing.take

    def interrupted(route, *more):
        if route.name == "coral":
            raise KeyboardInterrupt
        return taken(route, *more)

    with monkeypatch.context() as patch:
        patch.setattr(comparing, "take", interrupted)
        with pytest.raises(KeyboardInterrupt):
            headstart.compare(files / "source.npz", **asked)
    assert not (tmp_path / "out/leaderboard.json").exists()
    before = (tmp_path / "out/routes/source_only-seed0/encoder.safetensors").stat().st_mtime_ns
    found = headstart.compare(files / "source.npz", **asked)
    assert [row["state"] for row in found.rows] == ["done", "done"]
    assert (tmp_path / "out/routes/source_only-seed0/encoder.safetensors").stat().st_mtime_ns == before


def test_a_target_without_labels_has_no_figures_and_yet_a_choice(files, tmp_path):
    found = headstart.compare(
        files / "source.npz",
        target=files / "bare.npy",
        routes="coral,target_supervised",
        epochs=2,
        out=tmp_path / "out",
    )
    rows = {row["route"]: row for row in found.rows}
    assert list(rows) == ["source_only", "coral", "target_supervised"], "the row to beat is always there"
    assert rows["target_supervised"]["state"] == "left out"
    assert rows["coral"]["accuracy"] is None
    assert rows["coral"]["labels_per_class"] is None
    assert rows["coral"]["density"] > 0
    kept = found.best["route"]
    assert kept in ("source_only", "coral")
    said = found.advice.splitlines()
    assert any(line.startswith(f"Use {kept}, chosen by the density") for line in said)
    assert "bare has no labels to score by: routes are compared by density alone." in said
    assert said[-1].startswith("To use it: ")
    assert found.best["run"] in said[-1]
    page = (tmp_path / "out/report.html").read_text(encoding="utf-8")
    assert "labelled test items" not in page
    assert f'<p class="winner">Use {kept}</p>' in page


def test_what_the_choice_rests_on_is_shown(board):
    """On the console, in the report and in leaderboard.csv."""
    found = Comparison.read(board)
    page = (board / "report.html").read_text(encoding="utf-8")
    table = list(csv.DictReader((board / "leaderboard.csv").open(encoding="utf-8")))
    lines = {line.split()[0]: line for line in str(found).splitlines()[: 1 + len(found.rows)]}
    assert re.split(r"  +", lines["route"])[2:4] == ["source", "density"]
    for row, written in zip(found.rows, table, strict=True):
        source, density = f"{100 * row['source_accuracy']:.1f}", f"{row['density']:.3f}"
        assert re.split(r"  +", lines[row["route"]])[2:4] == [source, density]
        assert f"<td>{source}</td><td>{density}</td>" in page
        assert float(written["density"]) == row["density"]
        assert float(written["source_accuracy"]) == row["source_accuracy"]


def test_a_route_that_fails_is_a_row_that_says_why(files, tmp_path):
    (tmp_path / "mine.py").write_text(
        "from headstart.methods.adaptation.adapter import Adapter\n\n\n"
        "class Mine(Adapter):\n    '''Fails.'''\n\n"
        "    def transfer(self, source, target, progress):\n        raise ValueError('no such thing')\n"
    )
    found = headstart.compare(
        files / "source.npz", target=files / "target.npz", routes=f"{tmp_path}/mine.py:Mine", epochs=1,
        out=tmp_path / "out",
    )  # fmt: skip
    row = next(row for row in found.rows if row["route"] == "Mine")
    assert row["state"] == "failed"
    assert "no such thing" in row["why"]
    assert found.best["route"] == "source_only"


def outcome(name, density, source):
    return SimpleNamespace(name=name, taken=[SimpleNamespace(facts={"density": density, "source_accuracy": source})])


def test_the_densest_that_still_knows_the_source_is_kept():
    routes = [outcome("source_only", 5.0, 0.9), outcome("mcc", 6.0, 0.89), outcome("dann", 7.0, 0.5)]
    assert best_of([*routes, outcome("target_supervised", 9.0, 0.95)]).name == "mcc"
    assert best_of(routes[:1]).name == "source_only"
    assert best_of([]) is None


def test_what_the_targets_labels_say_against_the_choice_is_said():
    pairs = [
        {"a": "coral", "b": "mcc", "verdict": "b"},
        {"a": "coral", "b": "dann", "verdict": "tie"},
        {"a": "source_only", "b": "coral", "verdict": "b"},
        {"a": "coral", "b": "target_supervised", "verdict": "b"},
    ]
    assert better_than(pairs, {"route": "coral"}).startswith("The choice could not know it: by the target's labels mcc")
    assert better_than(pairs, {"route": "dann"}) is None
    assert better_than(pairs, None) is None


def test_default_routes_are_all_there_are():
    assert {"dann", "cdan", "coral", "mmd", "adabn", "mcc", "source_only"} == set(ADAPTERS)
    with_ceiling = [route.name for route in DomainSettings().plan_routes()]
    assert with_ceiling[0] == "source_only"
    assert with_ceiling[-1] == "target_supervised"
    without = DomainSettings().plan_routes(no_ceiling="the target has no labels")
    assert "target_supervised" not in [route.name for route in without]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"routes": ("simclr",)}, "doesn't adapt"),
        ({"routes": ("coral", "coral")}, "twice"),
        ({"overrides": ("dann.weight=1",), "routes": ("coral",)}, "no such route"),
        ({"overrides": ("coral.weight=-1",)}, "weight"),
        ({"seeds": (0, 0)}, "once"),
        ({"views": "nothing"}, "--views nothing"),
        ({"epochs": 0}, "--epochs"),
    ],
)
def test_settings_that_make_no_sense_are_refused(asked, says):
    with pytest.raises(InputError, match=says):
        DomainSettings(**asked)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"budget": "5m", "target": "digits"}, "--budget says nothing with --target"),
        ({"labels_per_class": "5", "target": "digits"}, "--labels-per-class says nothing"),
        ({"strict": True, "target": "digits"}, "--strict says nothing"),
        ({"target_labels": Path("labels.csv")}, "name it with --target"),
    ],
)
def test_flags_that_do_not_go_together_are_refused(asked, says, tmp_path):
    with pytest.raises(InputError, match=says):
        headstart.compare("digits", out=tmp_path / "out", **asked)
    assert not (tmp_path / "out").exists()


def test_the_ceiling_learns_nothing_that_is_scored(files):
    both = pair(headstart.load(files / "source.npz"), headstart.load(files / "target.npz"))
    domains = Domains(both, DomainSettings(), files, "cpu")
    assert len(domains.known) == 120
    assert not torch.isin(domains.known, both.scored).any()
    assert domains.no_ceiling is None


@pytest.mark.parametrize(
    ("tested", "labelled", "says"),
    [
        (0, lambda labels: labels, "no test part, so all its labels are scored"),
        (40, lambda labels: [*[None] * 120, *labels[120:]], "no labels outside its test part"),
        (40, lambda labels: [*["upper"] * 120, *labels[120:]], "training part is labelled lower"),
        (0, lambda labels: None, "the target has no labels$"),
    ],
)
def test_why_there_is_no_ceiling_is_said(files, tested, labelled, says):
    images, labels = blobs(1)
    names = labelled(labels)
    target = headstart.load(images if names is None else (images, np.array(names, dtype=object)))
    target = replace(target, split=("train",) * (160 - tested) + ("test",) * tested)
    domains = Domains(pair(headstart.load(files / "source.npz"), target), DomainSettings(), files, "cpu")
    assert re.search(says, domains.no_ceiling)
    routes = DomainSettings(routes=("target_supervised",)).plan_routes(no_ceiling=domains.no_ceiling)
    assert [route.left_out for route in routes] == [None, domains.no_ceiling]
