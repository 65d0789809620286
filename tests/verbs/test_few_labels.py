"""Forty labels for 1,797 digits, or none, or one of a class: from the command line to the report."""

import csv
import json

import numpy as np
import pytest
import torch

import headstart
from headstart.training.places import unpack

FEW = ("--routes", "raw,scratch,simclr", "--budget", "25s")


def write_labels(path, each):
    """A labels file with the first so many items of each class."""
    data = headstart.load("digits")
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "label"])
        for c, count in enumerate(each):
            for place in torch.nonzero(data.labels == c).flatten()[:count].tolist():
                writer.writerow([data.ids[place], data.classes[c]])
    return path


@pytest.fixture(scope="module")
def forty(tmp_path_factory):
    """Four labels a class."""
    return write_labels(tmp_path_factory.mktemp("few") / "labels.csv", [4] * 10)


@pytest.fixture
def found(call_json, forty, tmp_path):
    """A comparison by forty labels: the object that --json prints, and its folder."""
    return call_json("compare", "digits", "--labels", forty, *FEW, "-o", tmp_path / "out"), tmp_path / "out"


def test_forty_labels_are_cross_validated(found, forty, call_json, tmp_path):
    board, folder = found
    assert board["data"]["judging"] == "cross-validation"
    assert (board["data"]["train"], board["data"]["test"]) == (1797, 40)
    rows = {(row["route"], row["labels_per_class"]): row for row in board["rows"]}
    assert {k for _, k in rows} == {1, 3, "all"}, "5 and 10 don't fit: 3 are what every fold leaves"
    for (route, k), row in rows.items():
        trained_on_labels = route in ("scratch", "supervised")
        assert (route, k) != ("scratch", "all")
        assert route != "supervised" or k == "all"
        assert row["draws"] == (2 if trained_on_labels else 10)
        low, high = row["interval"]
        assert 0 <= low < row["accuracy"] < high <= 1
        assert high - low > 0.1, "forty items can't say more"
        assert row["accuracy"] * 40 * row["draws"] == pytest.approx(round(row["accuracy"] * 40 * row["draws"]))
    assert rows["raw", "all"]["accuracy"] > rows["raw", 1]["accuracy"]
    networks = {path.name for path in (folder / "routes").iterdir() if path.name.startswith("scratch-seed0-k3")}
    assert networks == {f"scratch-seed0-k3-draw{r}-fold{f}" for r in range(2) for f in range(4)}
    assert len(board["paired"]) == 6 * 3
    assert board["best"]["labels_per_class"] == "all"
    assert board["best"]["route"] in ("raw", "random", "simclr")
    _check_words(board, folder)
    answers = tmp_path / "answers.csv"
    call_json("predict", board["best"]["run"], "digits", "-o", answers)
    truth = headstart.load("digits").label_names(torch.arange(1797))
    right = [row["label"] == name for row, name in zip(csv.DictReader(answers.open()), truth, strict=True)]
    # Fitted to all forty labels, it is worth about what cross-validation with thirty said.
    assert np.mean(right) == pytest.approx(rows[board["best"]["route"], "all"]["accuracy"], abs=0.2)


def _check_words(board, folder):
    """The advice and the report say what was done and what more labels would bring."""
    two = sorted((r for r in board["rows"] if r["labels_per_class"] == "all"), key=lambda r: -r["accuracy"])[:2]
    names = {row["route"] for row in two}
    (pair,) = (p for p in board["paired"] if {p["a"], p["b"]} == names and p["labels_per_class"] == "all")
    if pair["verdict"] == "tie" and {row["state"] for row in two} == {"done"}:
        assert "can't be told apart" in board["advice"]
        assert ("more labels won't help" in board["advice"]) == (board["more_labels"] is None)
    page = (folder / "report.html").read_text()
    assert "cross-validation over the 40 labelled items" in page
    assert "learn from the pixels of all items" in page
    assert "labelled items, each out of sight" in board["advice"]
    leaderboard = json.loads((folder / "leaderboard.json").read_text())
    assert leaderboard["more_labels"] == board["more_labels"]


@pytest.mark.parametrize("strict", [False, True])
def test_strict_keeps_the_labelled_pixels_out_of_pretraining(call_json, forty, tmp_path, strict):
    out = tmp_path / "out"
    extra = ("--strict",) if strict else ()
    asked = ("--routes", "raw,simclr", "--epochs", 1, "--labels-per-class", "3", *extra, "-o", out)
    call_json("compare", "digits", "--labels", forty, *asked)
    learned = unpack(json.loads((out / "routes/simclr-seed0/encoder.json").read_text())["data"]["learned_from"])
    labelled = torch.nonzero(headstart.load("digits", labels=forty).labels >= 0).flatten()
    assert len(learned) == (1757 if strict else 1797)
    assert bool(torch.isin(labelled, learned).any()) != strict
    assert ("not even its pixels" in (out / "report.html").read_text()) == strict


def test_strict_changes_nothing_where_a_test_part_is_held_out(call, tmp_path):
    code, _, err = call("compare", "digits", "--routes", "raw", "--epochs", 1, "--strict", "-o", tmp_path / "out")
    assert code == 0
    assert "--strict changes nothing here" in err


def test_evaluate_cross_validates_too(call, run, forty):
    code, out, err = call("evaluate", run, "digits", "--labels", forty, "--json")
    assert code == 0
    assert err.count("Judging is cross-validation over the labelled items.") == 1
    found = json.loads(out)
    assert (found["items"], found["judging"]) == (40, "cross-validation")
    assert [row["labels_per_class"] for row in found["few_label"]] == [1, 3]
    assert {row["draws"] for row in found["few_label"]} == {10}
    assert sum(map(sum, found["confusion"])) == 400
    low, high = found["linear"]["interval"]
    assert low < found["linear"]["accuracy"] < high
    code, out, _ = call("evaluate", run, "digits", "--labels", forty)
    assert "40 items, cross-validated" in out
    code, out, err = call("evaluate", run, "digits", "--labels", forty, "--labels-per-class", "4")
    assert code == 2
    assert "--labels-per-class 4" in err


def test_a_class_with_one_label_is_no_verdict_but_asks_for_another(call_json, call, run, tmp_path):
    labels = write_labels(tmp_path / "labels.csv", [4] * 9 + [1])
    asked = ("--routes", "raw,scratch,simclr", "--epochs", 1, "-o", tmp_path / "out")
    board = call_json("compare", "digits", "--labels", labels, *asked)
    assert board["best"] is None
    assert {row["labels_per_class"] for row in board["rows"]} == {None}
    assert "Class '9' has a label on one item only" in board["advice"]
    assert "not a verdict" in board["advice"]
    assert (tmp_path / "out/report.html").exists()
    code, out, err = call("evaluate", run, "digits", "--labels", labels)
    assert code == 0
    assert "label another of it" in err
    assert "health" in out


def test_no_label_at_all_shows_the_routes_without_a_verdict(call_json, tmp_path):
    np.save(tmp_path / "digits.npy", headstart.load("digits").items[:, 0].numpy())
    routes = ("--routes", "raw,random,supervised,simclr", "--epochs", 1)
    board = call_json("compare", tmp_path / "digits.npy", *routes, "-o", tmp_path / "out")
    states = {row["route"]: row["state"] for row in board["rows"]}
    assert states == {"raw": "done", "random": "done", "supervised": "left out", "simclr": "done"}
    assert board["best"] is board["more_labels"] is board["data"]["judging"] is None
    assert board["paired"] == []
    assert len(set(board["to_label"])) == 20, "the items to label first"
    for row in board["rows"]:
        assert row["labels_per_class"] is row["accuracy"] is row["interval"] is None
    assert "not a verdict" in board["advice"]
    page = (tmp_path / "out/report.html").read_text()
    for shown in ("Map of simclr", "Nearest neighbours", "Effective rank", "not a verdict"):
        assert shown in page
    assert not (tmp_path / "out/best").exists()


def test_balanced_accuracy_is_shown_where_classes_are_unbalanced(call_json, tmp_path):
    pages = {}
    for name, each in (("even", [4] * 10), ("uneven", [8] * 5 + [4] * 5)):
        labels = write_labels(tmp_path / f"{name}.csv", each)
        asked = ("--routes", "raw", "--epochs", 1, "--labels-per-class", "3", "-o", tmp_path / name)
        call_json("compare", "digits", "--labels", labels, *asked)
        pages[name] = (tmp_path / name / "report.html").read_text()
    assert ", balanced " in pages["uneven"]
    assert ", balanced " not in pages["even"]
