import pytest
import torch
from sklearn.model_selection import StratifiedKFold

from headstart.errors import InputError
from headstart.evaluation import label_draws, stratified_folds
from headstart.evaluation.draws import NEVER

CLASSES = ("ant", "bee", "cat")
LABELS = torch.tensor([0, 1, 2, -1] * 25)


def test_each_draw_has_k_labelled_items_of_every_class():
    for index in label_draws(LABELS, 4, 10, 0, CLASSES):
        assert torch.bincount(LABELS[index]).tolist() == [4, 4, 4]
        assert len(index.unique()) == 12


def test_small_draws_lie_in_large_ones():
    for one, five in zip(label_draws(LABELS, 1, 10, 3, CLASSES), label_draws(LABELS, 5, 10, 3, CLASSES), strict=True):
        assert set(one.tolist()) < set(five.tolist())


def test_draws_depend_on_split_seed_and_number_only():
    first = label_draws(LABELS, 3, 10, 0, CLASSES)
    torch.manual_seed(123)
    assert all(torch.equal(a, b) for a, b in zip(first, label_draws(LABELS, 3, 4, 0, CLASSES), strict=False))
    assert len({tuple(index.tolist()) for index in first}) == 10
    assert not torch.equal(first[0], label_draws(LABELS, 3, 1, 1, CLASSES)[0])


def test_every_item_is_drawn_equally_often():
    counts = torch.zeros(100)
    for index in label_draws(LABELS, 5, 2000, 0, CLASSES):
        counts[index] += 1
    drawn = counts[LABELS >= 0]
    assert drawn.mean() == 400
    assert (drawn - 400).abs().max() < 5 * (400 * 0.8) ** 0.5


def test_a_class_too_small_is_named():
    with pytest.raises(InputError, match=r"--labels-per-class 26: class 'ant' has only 25 labelled") as error:
        label_draws(LABELS, 26, 10, 0, CLASSES)
    assert "at most 25" in str(error.value)


def test_folds_are_as_stratified_as_scikit_learns():
    labels = torch.tensor([0] * 50 + [1] * 23 + [2] * 7)
    folds = stratified_folds(labels, 0)
    assert folds is not None
    theirs = StratifiedKFold(5, shuffle=True, random_state=0).split(labels, labels)
    for fold, (_, held_out) in enumerate(theirs):
        ours = torch.bincount(labels[folds == fold], minlength=3)
        assert (ours - torch.bincount(labels[held_out], minlength=3)).abs().max() <= 1


def test_too_few_labels_have_no_folds():
    assert stratified_folds(torch.tensor([0, 0, 1, 1]), 0) is None
    assert stratified_folds(torch.tensor([0, 0, 0, 1, 1, 1]), 0) is not None
    assert stratified_folds(torch.zeros(50, dtype=torch.int64), 0) is None


def test_a_large_draw_holds_out_one_stratified_part():
    labels = torch.arange(60_000) % 10
    folds = stratified_folds(labels, 0)
    assert set(folds.tolist()) == {0, NEVER}
    counts = torch.bincount(labels[folds == 0])
    assert counts.tolist() == [500] * 10
