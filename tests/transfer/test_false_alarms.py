"""No shift: at most five per cent of false alarms over all kinds together. One shift: that one, and no other."""

import pytest
import torch

import headstart
from headstart.transfer import find_shifts

DIGITS = headstart.load("digits")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def pair(seed, *, labels, change=None):
    """Random halves of digits; the target, changed, with "all", "some" or "no" labels, or "none" in either set."""
    made = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(DIGITS), generator=made)
    source, target = order[:898], order[898:]
    items, classes = DIGITS.items[target], DIGITS.labels[target]
    if change is not None:
        items, classes = change(items, classes, made)
    if labels == "none":
        return headstart.load(DIGITS.items[source].numpy()), headstart.load(items.numpy())
    first = headstart.load((DIGITS.items[source].numpy(), DIGITS.labels[source].numpy()))
    if labels == "no":
        return first, headstart.load(items.numpy())
    second = headstart.load((items.numpy(), classes.numpy()))
    if labels == "some":
        second.labels[100:] = -1
    return first, second


def alarms(seed, **settings):
    return {shift.kind for shift in find_shifts(*pair(seed, **settings), seed=seed) if shift.found}


MOST = {100: 5, 30: 3, 15: 2}
"""Draws → false alarms among them that are let pass; the promised rate of 2 % exceeds these in 15, 3 and 3 of 1,000
tests, a rate of 10 % the first in 94 of 100."""


@pytest.mark.parametrize(("labels", "draws"), [("all", 100), ("no", 100), ("some", 30), ("none", 30)])
def test_false_alarms_of_all_kinds_together_are_five_per_cent_at_most(labels, draws):
    wrong = [found for seed in range(draws) if (found := alarms(seed, labels=labels))]
    assert len(wrong) <= MOST[draws], wrong


def kept(rule):
    """Items that the rule keeps: other class shares."""

    def change(items, classes, made):
        mine = rule(classes, torch.rand(len(classes), generator=made))
        return items[mine], classes[mine]

    return change


SHIFTS = {
    "inverted": ("marginal", lambda x, y, made: (255 - x, y)),
    "noise": ("marginal", lambda x, y, made: ((x + 8 * torch.randn(x.shape, generator=made)).clamp(0, 255).byte(), y)),
    "dim": ("marginal", lambda x, y, made: ((0.95 * x).byte(), y)),
    "half as common": ("class-shares", kept(lambda y, lot: (y >= 5) | (lot < 0.5))),
    "a tenth as common": ("class-shares", kept(lambda y, lot: (y >= 5) | (lot < 0.1))),
    "mostly threes": ("class-shares", kept(lambda y, lot: (y == 3) | (lot < 0.1))),
    "permuted": ("conditional", lambda x, y, made: (x, (y + 1) % 10)),
    "other classes": ("labels", kept(lambda y, lot: y >= 4)),
}
TARGET_LABELS_NEEDED = {"permuted", "other classes"}


@pytest.mark.parametrize(
    ("shift", "labels"),
    [
        (shift, labels)
        for shift in SHIFTS
        for labels in ("all", "no")
        if not (labels == "no" and shift in TARGET_LABELS_NEEDED)
    ],
)
def test_one_shift_is_found_and_no_other(shift, labels):
    kind, change = SHIFTS[shift]
    draws = 15
    found = [alarms(seed, labels=labels, change=change) for seed in range(draws)]
    assert all(kind in one for one in found)
    others = sum(one != {kind} for one in found)
    assert others <= MOST[draws], found
