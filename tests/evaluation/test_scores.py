import numpy as np
import pytest
import torch
from sklearn import metrics

from headstart.evaluation import balanced_accuracy, calibration_error, confusion_matrix, top_k_accuracy

RANDOM = np.random.default_rng(0)
LABELS = RANDOM.choice(6, 500, p=[0.5, 0.2, 0.1, 0.1, 0.05, 0.05])
PREDICTED = np.where(RANDOM.random(500) < 0.6, LABELS, RANDOM.integers(0, 6, 500))


@pytest.mark.parametrize("kind", [torch.from_numpy, np.asarray, lambda a: torch.from_numpy(a).short()])
def test_confusion_and_balance_are_scikit_learns(kind):
    table = confusion_matrix(kind(PREDICTED), kind(LABELS), 6)
    np.testing.assert_array_equal(table.numpy(), metrics.confusion_matrix(LABELS, PREDICTED))
    expected = metrics.balanced_accuracy_score(LABELS, PREDICTED)
    assert balanced_accuracy(kind(PREDICTED), kind(LABELS), 6) == pytest.approx(expected)


def test_a_class_without_test_items_does_not_count():
    assert balanced_accuracy(torch.tensor([0, 2]), torch.tensor([0, 0]), 3) == 0.5


def test_many_classes_fit_small_integers():
    labels = torch.arange(400).short()
    assert balanced_accuracy(labels, labels, 400) == 1.0


@pytest.mark.parametrize("k", [1, 3, 5])
def test_top_k_is_scikit_learns(k):
    scores = RANDOM.random((500, 6))
    expected = metrics.top_k_accuracy_score(LABELS, scores, k=k)
    assert top_k_accuracy(torch.from_numpy(scores), torch.from_numpy(LABELS), k) == pytest.approx(expected)


def test_the_calibration_error_by_hand_and_against_scikit_learn():
    from sklearn.calibration import calibration_curve

    made = torch.Generator().manual_seed(0)
    probabilities = torch.rand(500, 2, generator=made).softmax(dim=1)
    labels = (torch.rand(500, generator=made) < probabilities[:, 1]).long()
    sure, answers = probabilities.double().max(dim=1)
    right = (answers == labels).numpy()
    share, confidence = calibration_curve(right, sure.numpy(), n_bins=15)
    counts = np.histogram(sure.numpy(), bins=np.linspace(0, 1, 16))[0]
    theirs = float((abs(share - confidence) * counts[counts > 0]).sum() / 500)
    assert calibration_error(probabilities, labels) == pytest.approx(theirs, abs=1e-9)
    assert calibration_error(torch.eye(3), torch.arange(3)) == 0
    assert calibration_error(torch.eye(3), torch.tensor([1, 2, 0])) == 1
