"""Temperatures against SciPy and scikit-learn: as likely as can be, and the error in probabilities shrinks."""

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_digits

from headstart.evaluation import HEADS, Bank, HeldOut, Labelled, fit_temperature, load_head, save_head, tempered

PIXELS, DIGITS = load_digits(return_X_y=True)
MIXED = np.random.default_rng(0).permutation(len(DIGITS))  # the last ones were written by other people
X, Y = torch.tensor(PIXELS[MIXED] / 16).float(), torch.tensor(DIGITS[MIXED])


def calibration_error(probabilities, labels, bins=10):
    """Guo et al. 2017, equation 3, from scikit-learn's reliability curve."""
    sure, picked = probabilities.max(1)
    right = (picked == labels).numpy()
    share, mean = calibration_curve(right, sure.numpy().clip(0, 1), n_bins=bins)
    weights = np.histogram(sure.numpy(), np.linspace(0, 1, bins + 1))[0]
    return float(np.abs(share - mean) @ weights[weights > 0] / weights.sum())


def trial_of(name, count):
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(0))[:count].sort().values
    return HEADS[name].fit_draws(Bank(X[:1000]), [Labelled.of(order, Y[order])], 10)[0]


@pytest.mark.parametrize("name", list(HEADS))
@pytest.mark.parametrize("count", [50, 200, 1000])
def test_probabilities_mean_what_they_say_and_classes_stay(name, count):
    trial = trial_of(name, count)
    plain = trial.fitted.predict(X[1000:])
    mended = tempered(plain, fit_temperature(trial.held_out))
    assert torch.equal(mended.argmax(1), plain.argmax(1))
    torch.testing.assert_close(mended.sum(1), torch.ones(len(mended)))
    assert calibration_error(mended, Y[1000:]) < calibration_error(plain, Y[1000:])


def test_an_overconfident_head_is_made_modest():
    trial = trial_of("propagation", 200)
    sure = (trial.held_out.probabilities.clamp_min(1e-12) ** 20).double()
    boasting = HeldOut(sure / sure.sum(1, keepdim=True), trial.held_out.labels)
    temperature = fit_temperature(boasting)
    assert temperature > 1.5 * fit_temperature(trial.held_out)
    before = calibration_error(boasting.probabilities, boasting.labels)
    assert calibration_error(tempered(boasting.probabilities, temperature), boasting.labels) < before


@pytest.mark.parametrize("name", list(HEADS))
def test_the_temperature_is_the_one_scipy_finds(name):
    held_out = trial_of(name, 200).held_out
    logits = np.log(np.maximum(held_out.probabilities.double().numpy(), 1e-4))

    def loss(inverse):
        return -log_softmax(logits * inverse[0], axis=1)[np.arange(len(logits)), held_out.labels.numpy()].mean()

    found = minimize(loss, [1.0], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12})
    assert fit_temperature(held_out) == pytest.approx(1 / found.x[0], rel=1e-3)


@pytest.mark.parametrize("name", list(HEADS))
def test_what_is_held_out_was_not_learned_from(name):
    made = torch.Generator().manual_seed(1)
    noise = torch.randint(10, (300,), generator=made)
    held_out = HEADS[name].fit_draws(Bank(X[:300]), [Labelled.of(torch.arange(300), noise)], 10)[0].held_out
    assert held_out.probabilities.shape == (300, 10)
    assert held_out.accuracy < 0.25, "labels of chance can't be guessed"


@pytest.mark.parametrize("name", list(HEADS))
def test_too_few_labels_hold_nothing_out(name):
    trial = trial_of(name, 20)
    assert trial.held_out is None
    assert trial.accuracy is None


def test_no_temperature_changes_nothing():
    plain = torch.tensor([[0.2, 0.8]])
    assert tempered(plain, None) is plain


def test_a_temperature_is_stored_with_its_head_and_older_files_load_without(tmp_path):
    trial = trial_of("linear", 200)
    save_head(tmp_path, trial.fitted, tuple("0123456789"), 1.7)
    assert load_head(tmp_path).temperature == 1.7

    path = tmp_path / "head.safetensors"
    with safe_open(path, "pt") as file:
        about = json.loads(file.metadata()["about"])
    del about["temperature"]
    save_file(load_file(path), path, {"about": json.dumps(about)})
    again = load_head(tmp_path)
    assert again.temperature is None
    assert torch.equal(again.head.predict(X), trial.fitted.predict(X))
