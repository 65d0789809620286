"""Intervals of cross-validated accuracies hold the truth about as often as they say, in small simulations."""

import pytest
import torch

from headstart.evaluation import accuracy_interval, cross_validated, paired

pytestmark = pytest.mark.slow

CENTRES = 0.6 * torch.randn(4, 10, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("items", "right", "flipped"), [(40, 0.8, 0.0), (40, 0.8, 0.1), (40, 0.95, 0.02), (100, 0.7, 0.1), (20, 0.6, 0.1)]
)
def test_answers_that_need_no_classifier(items, right, flipped):
    """Items are right or wrong by themselves, and each repeat turns some of them over."""
    made = torch.Generator().manual_seed(0)
    truth, trials, covered = right * (1 - flipped) + (1 - right) * flipped, 300, 0
    for trial in range(trials):
        by_item = torch.rand(items, generator=made) < right
        correct = by_item ^ (torch.rand(10, items, generator=made) < flipped)
        found = accuracy_interval(correct[None], seed=trial)
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / trials <= 1.0


def population(each: int, made: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.arange(4).repeat_interleave(each)
    return CENTRES[labels] + torch.randn(len(labels), 10, generator=made), labels


def nearest_mean(known: torch.Tensor, labels: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
    means = torch.stack([known[labels == c].mean(dim=0) for c in range(4)])
    return torch.cdist(asked, means).argmin(dim=1)


def cross_examined(features: torch.Tensor, labels: torch.Tensor, seed: int) -> torch.Tensor:
    """bool R×L: what a classifier of nearest class means gets right."""
    exam = cross_validated(labels, "abcd", labels_per_class=("all",), repeats=10, split_seed=seed)
    correct = torch.empty(10, len(labels), dtype=torch.bool)
    for sitting in exam.sittings:
        draw = sitting.draws["all"][0]
        answers = nearest_mean(features[draw.index], draw.labels, features[sitting.hidden])
        correct[sitting.first, sitting.asked] = answers == labels[sitting.hidden]
    return correct


@pytest.mark.parametrize(("each", "known"), [(4, 3), (10, 8)])
def test_a_classifier_that_learns_from_what_is_known(each, known):
    """The truth is what a classifier of as many labels is worth on new items, on average over the labels."""
    made = torch.Generator().manual_seed(1)
    new, classes = population(1000, made)
    worth = [(nearest_mean(*population(known, made), new) == classes).double().mean() for _ in range(200)]
    truth, trials, covered = float(torch.stack(worth).mean()), 100, 0
    for trial in range(trials):
        found = accuracy_interval(cross_examined(*population(each, made), trial)[None], seed=trial)
        covered += found.low <= truth <= found.high
    assert 0.89 <= covered / trials <= 1.0


def test_routes_of_equal_worth_are_seldom_called_different():
    made = torch.Generator().manual_seed(2)
    trials, wrong = 100, 0
    for trial in range(trials):
        (first, labels), (second, _) = population(6, made), population(6, made)
        a, b = cross_examined(first, labels, trial), cross_examined(second, labels, trial)
        wrong += paired(a[None], b[None]).p_value < 0.05
    assert wrong / trials <= 0.1
