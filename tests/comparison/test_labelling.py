"""Items to label next, and what suggested labels would have been worth: in leaderboard.json and in the report."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import headstart
from headstart.comparison import scratch
from headstart.comparison.labelling import REPEATS, next_to_label, suggested_answers
from headstart.evaluation import Bank, judge

MADE = torch.Generator().manual_seed(0)
KINDS = torch.arange(240) % 4
MIDDLES = torch.randn(4, 16, generator=MADE)
X = MIDDLES[KINDS] + 0.2 * torch.randn(240, 16, generator=MADE)
CLASSES = ("a", "b", "c", "d")
TRAIN, TEST = torch.arange(160), torch.arange(160, 240)


def context(labels, counts=(1, 5, "all")):
    data = SimpleNamespace(labels=labels, classes=CLASSES)
    return SimpleNamespace(data=data, train=TRAIN, labels=counts)


def judged(labels, counts=(1, 5, "all")):
    return judge(Bank(X[TRAIN]), labels[TRAIN], X[TEST], KINDS[TEST], CLASSES, labels_per_class=counts)


def test_suggested_labels_are_simulated_where_all_picks_have_one():
    found = suggested_answers(Bank(X[TRAIN]), X[TEST], judged(KINDS), context(KINDS))
    assert set(found) == {"suggested/1", "suggested/5"}
    assert found["suggested/1"].shape == (REPEATS, 80)
    assert found["suggested/1"].dtype == torch.bool
    assert found["suggested/1"].double().mean() == 1.0, "one of each kind, and kinds lie far apart"


def test_labels_choose_nothing_in_a_simulation():
    """Were labels looked at, picks would differ once they are shuffled, and so would which items are right."""
    shuffled = KINDS.clone()
    shuffled[TRAIN] = KINDS[TRAIN][torch.randperm(160, generator=MADE)]
    right = suggested_answers(Bank(X[TRAIN]), X[TEST], judged(shuffled), context(shuffled))["suggested/1"]
    assert right.double().mean() < 0.6


def test_there_is_no_simulation_where_a_pick_has_no_label():
    bank = Bank(X[TRAIN])
    few = torch.where(torch.arange(240) % 7 == 0, KINDS, -1)
    assert suggested_answers(bank, X[TEST], judged(few, (1,)), context(few, counts=(1,))) == {}


def test_items_without_a_label_are_named_and_only_these():
    bank = Bank(X[TRAIN])
    assert next_to_label(bank, context(KINDS)) == {}
    none = next_to_label(bank, context(torch.full_like(KINDS, -1)))["to_label"]
    assert set(KINDS[none].tolist()) == {0, 1, 2, 3}
    assert len(set(none.tolist())) == 20
    assert none.max() < 160
    some = torch.where(torch.arange(240) < 150, KINDS, -1)
    assert sorted(next_to_label(bank, context(some))["to_label"].tolist()) == list(range(150, 160))


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    folder = tmp_path_factory.mktemp("labelled") / "out"
    asked = {"routes": "raw,random,scratch", "labels_per_class": "1", "epochs": 1, "seeds": "0,1"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scratch, "SHORTEST", 10)
        headstart.compare("digits", **asked, out=folder)
    return folder


def test_the_leaderboard_says_what_suggested_labels_are_worth(board):
    rows = json.loads((board / "leaderboard.json").read_text())["rows"]
    for row in rows:
        if row["route"] == "scratch":
            assert row["suggested"] is None
            continue
        assert row["suggested"]["labels"] == 10
        low, high = row["suggested"]["interval"]
        assert 0.5 < low < row["suggested"]["accuracy"] < high < 1
    assert json.loads((board / "leaderboard.json").read_text())["to_label"] == []
    page = (board / "report.html").read_text()
    assert "If you label the ones we suggest" in page
    assert 'id="to-label"' not in page
    assert "suggested_accuracy" in (board / "leaderboard.csv").read_text()


def test_without_any_label_the_first_items_to_label_are_named_and_shown(tmp_path):
    data = headstart.load("digits", labels=[-1] * 1797)
    found = headstart.compare(data, routes="raw,simclr", epochs=1, out=tmp_path / "out")
    assert len(found.to_label) == 20
    training = {data.ids[place] for place in data.indices("train").tolist()}
    assert set(found.to_label) <= training
    assert found.best is None
    page = (tmp_path / "out/report.html").read_text()
    section = page[page.index('id="to-label"') :]
    section = section[: section.index("</section>")]
    assert section.count("<img ") == 20
    assert "simclr-seed0 YOUR_DATA" in section
    assert "--sheet labels.html" in section
    assert "To label next" in str(found)
    assert all(row["suggested"] is None for row in found.rows)
    again = headstart.compare(data, routes="raw,simclr", epochs=1, out=tmp_path / "out")
    assert again.to_label == found.to_label


def test_in_cross_validation_nothing_is_simulated_and_the_next_items_are_named(tmp_path):

    whole = headstart.load("digits")
    few = np.where(np.arange(1797) % 30 == 0, whole.labels.numpy(), -1)
    data = headstart.load("digits", labels=few)
    found = headstart.compare(data, routes="raw", labels_per_class="1", epochs=1, out=tmp_path / "out")
    assert all(row["accuracy"] and row["suggested"] is None for row in found.rows)
    assert len(found.to_label) == 20
    assert not {data.ids[place] for place in np.flatnonzero(few >= 0)} & set(found.to_label)
