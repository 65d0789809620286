"""Items to label: typical ones of every kind first, uncertain ones later, never a copy."""

import pytest
import torch

from headstart.evaluation import Bank
from headstart.transfer import suggest_items
from headstart.transfer.clustering import near_duplicates, typicality
from headstart.transfer.suggesting import POOL, exploring_share


def nothing(features):
    return torch.full((len(features),), -1)


@pytest.mark.parametrize("seed", range(3))
def test_without_labels_there_is_one_of_every_kind(blobs, seed):
    features, kinds = blobs(centres=12)
    found = suggest_items(features, nothing(features), 12, seed=seed)
    assert sorted(kinds[[pick.place for pick in found]].tolist()) == list(range(12))
    assert all("typical of" in pick.why for pick in found)


def test_many_kinds_that_nothing_links_are_all_found(blobs):
    features, kinds = blobs(centres=30, each=25, width=64)
    found = suggest_items(features, nothing(features), 30)
    assert len(set(kinds[[pick.place for pick in found]].tolist())) >= 28


def test_the_largest_kinds_come_first(blobs):
    features, kinds = blobs(centres=5, each=40)
    small = torch.cat([torch.nonzero(kinds == kind).flatten()[: 40 - 7 * kind] for kind in range(5)])
    found = suggest_items(features[small], nothing(small), 5)
    assert kinds[small][[pick.place for pick in found]].tolist() == list(range(5))


def test_kinds_that_have_a_label_wait(blobs):
    features, kinds = blobs(centres=6)
    labels = nothing(features)
    labels[0], labels[1] = 0, 1  # one of kind 0, one of kind 1
    found = suggest_items(features, labels, 4, classes=("a", "b"))
    assert sorted(kinds[[pick.place for pick in found]].tolist()) == [2, 3, 4, 5]


def test_typical_is_dense(blobs):
    features, _ = blobs(centres=1, each=100)
    density = typicality(Bank(features))
    (pick,) = suggest_items(features, nothing(features), 1)
    assert density[pick.place] == density.max()


def test_with_many_labels_the_uncertain_are_listed(blobs):
    features, kinds = blobs(centres=2, each=300, noise=0.3)
    between = (features[kinds == 0][:20] + features[kinds == 1][:20]) / 2
    every = torch.cat([features, between])
    labels = nothing(every)
    labels[:200] = kinds[:200]
    found = suggest_items(every, labels, 10, classes=("a", "b"))
    uncertain = [pick for pick in found if pick.why.startswith("uncertain: ")]
    assert len(uncertain) == 8
    assert sum(pick.place >= len(features) for pick in uncertain) >= 6
    assert "a (0." in uncertain[0].why
    assert "b (0." in uncertain[0].why


def test_copies_never_fill_the_list(blobs):
    features, kinds = blobs(centres=6)
    burst = features[:1].repeat(100, 1) + 1e-3 * torch.randn(100, 16, generator=torch.Generator().manual_seed(1))
    found = suggest_items(torch.cat([burst, features]), nothing(torch.cat([burst, features])), 6)
    assert sorted(torch.cat([torch.zeros(100), kinds])[[pick.place for pick in found]].tolist()) == [0, 1, 2, 3, 4, 5]
    assert sum(pick.place <= 100 for pick in found) <= 1


def test_copies_of_what_has_a_label_are_left_out(blobs):
    features, _ = blobs(centres=1, each=10, noise=1.0)
    twice = features.repeat(2, 1)
    labels = nothing(twice)
    labels[:9] = 0
    assert [pick.place for pick in suggest_items(twice, labels, 5, classes=("a",))] == [9]


def test_near_duplicates_are_grouped_and_strangers_are_not(blobs):
    features, _ = blobs(centres=4, noise=0.5)
    assert len(set(near_duplicates(Bank(features)).tolist())) == len(features)
    groups = near_duplicates(Bank(torch.cat([features, features[:7] * 3 + 1e-4])))
    assert groups[: len(features)][:7].tolist() == groups[len(features) :].tolist()


def test_what_is_left_is_listed_where_it_is_no_more(blobs):
    features, _ = blobs(centres=1, each=3, noise=1.0)
    found = suggest_items(features, torch.tensor([0, -1, -1]), 7, classes=("a",))
    assert [pick.place for pick in found] == [1, 2]
    assert [pick.place for pick in suggest_items(features[:1], torch.tensor([-1]), 1)] == [0]


@pytest.mark.parametrize(
    ("labels", "share"),
    [
        ([], 1.0), ([0] * 90, 1.0), ([0, 1] * 10, 1.0), (list(range(10)) * 2, 1.0), (list(range(10)) * 5, 0.2),
        ([0, 1] * 17, 16 / 30), ([0, 1] * 100, 0.2),
    ],
)  # fmt: skip
def test_the_fewer_labels_the_more_typical_items(labels, share):
    assert exploring_share(torch.tensor([*labels, -1, -1])) == pytest.approx(share)


def test_the_same_seed_gives_the_same_items(blobs):
    features, kinds = blobs(centres=9, noise=0.6)
    labels = torch.where(torch.arange(len(kinds)) < 45, kinds, -1)
    first = suggest_items(features, labels, 12, classes=tuple("abcdefghi"), seed=3)
    assert suggest_items(features, labels, 12, classes=tuple("abcdefghi"), seed=3) == first
    assert len({pick.place for pick in first}) == 12
    assert all(labels[pick.place] < 0 for pick in first)


def test_large_sets_are_looked_at_in_part(blobs):
    features, kinds = blobs(centres=10, each=POOL // 8, width=8)
    labels = nothing(features)
    labels[:5] = kinds[:5]
    found = suggest_items(features, labels, 5, classes=tuple("abcde"))
    assert sorted(kinds[[pick.place for pick in found]].tolist()) == [5, 6, 7, 8, 9]
