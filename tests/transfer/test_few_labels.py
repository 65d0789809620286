"""Accuracy against labels a class, of heads on features that are there anyway."""

import pytest
import torch

from headstart.evaluation import HEADS, Bank, Labelled, accuracy_interval, label_draws
from headstart.transfer.finetuning.few_labels import DRAWS, label_curve, why_missing

CLASSES = ("a", "b", "c")


def parted(blobs, each, noise=0.8):
    """Features and labels to learn from, and of half as many others to be asked about."""
    features, labels = blobs(centres=3, each=each + each // 2, noise=noise)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    features, labels = features[order], labels[order]
    asked = torch.zeros(len(labels), dtype=torch.bool)
    asked[: 3 * (each // 2)] = True
    return features[~asked], labels[~asked], features[asked], labels[asked]


def curve_of(features, labels, asked, truth, classes=CLASSES):
    solved = HEADS["linear"].fit_draws(Bank(features), [Labelled.of(torch.arange(len(labels)), labels, 4)], 3)[0].fitted
    return solved, label_curve(features, labels, asked, truth, classes, solved, split_seed=4)


def test_every_row_is_the_mean_of_heads_fitted_one_by_one(blobs):
    features, labels, asked, truth = parted(blobs, 24)
    solved, curve = curve_of(features, labels, asked, truth)
    assert curve.missing == ""
    *few, whole = curve.rows
    fewest = int(labels.bincount().min())
    assert [row["labels_per_class"] for row in few] == [k for k in (1, 2, 5, 10, 20) if k < fewest]
    for row in few:
        right = []
        for draw, index in enumerate(label_draws(labels, row["labels_per_class"], DRAWS, 4, CLASSES)):
            drawn = Labelled.of(index, labels[index], 4, draw)
            head = HEADS["linear"].fit_draws(Bank(features), [drawn], 3)[0].fitted
            right.append(head.predict(asked).argmax(dim=1) == truth)
        mean, low, high = accuracy_interval(torch.stack(right)[None].numpy())
        assert row["draws"] == DRAWS
        assert row["accuracy"] == pytest.approx(mean, abs=0.005)
        assert row["interval"] == pytest.approx([low, high], abs=0.01)
    assert whole["labels_per_class"] == "all"
    assert whole["draws"] == 1
    assert whole["accuracy"] == pytest.approx(float((solved.predict(asked).argmax(dim=1) == truth).double().mean()))
    assert few[0]["accuracy"] < few[-1]["accuracy"]


def test_many_classes_have_no_draws_that_cost_more_than_the_whole(blobs):
    features, labels = blobs(centres=100, each=12, noise=0.5)
    classes = [str(number) for number in range(100)]
    solved = HEADS["linear"].fit_draws(Bank(features), [Labelled.of(torch.arange(1200), labels)], 100)[0].fitted
    curve = label_curve(features, labels, features[::7], labels[::7], classes, solved, split_seed=0)
    assert [row["labels_per_class"] for row in curve.rows] == [1, "all"]


@pytest.mark.parametrize(
    ("labels", "asked", "says"),
    [
        ([0, 0, 1, 1], 0, "no test part"),
        ([0, 0, 1], 5, "two of each class or more; 'b' has 1"),
        ([0, 0, 1, 1], 5, ""),
    ],
)
def test_what_a_curve_lacks_is_said(labels, asked, says):
    found = why_missing(torch.tensor(labels), asked, ("a", "b"))
    assert says in found
    assert bool(found) == bool(says)
