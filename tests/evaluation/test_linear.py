import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from headstart.evaluation import FITTED, HEADS, Bank, Labelled, label_draws
from headstart.evaluation.heads import linear
from headstart.evaluation.heads.linear import STRENGTHS, Linear
from headstart.evaluation.logistic import Design, fit_logistic


def _problem(count: int, width: int, classes: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    made = torch.Generator().manual_seed(seed)
    x = torch.randn(count, width, generator=made, dtype=torch.float64)
    logits = x @ torch.randn(width, classes, generator=made, dtype=torch.float64)
    return x, (logits + 2 * torch.randn(count, classes, generator=made, dtype=torch.float64)).argmax(1)


def _reference(x: torch.Tensor, y: torch.Tensor, strength: float) -> LogisticRegression:
    return LogisticRegression(C=1 / strength, tol=1e-10, max_iter=10_000).fit(x.numpy(), y.numpy())


@pytest.mark.parametrize(("count", "width"), [(300, 20), (30, 100)])
@pytest.mark.parametrize("strength", [0.1, 10.0])
def test_coefficients_are_scikit_learns(count, width, strength):
    x, y = _problem(count, width, 4)
    fit = fit_logistic(Design.of(x[None]), y[None], 4, torch.tensor([[strength]]), tolerance=1e-9, iterations=5000)
    theirs = _reference(x, y, strength)
    np.testing.assert_allclose(fit.weight[0, 0].numpy(), theirs.coef_, atol=1e-4)
    bias = fit.bias[0, 0] - fit.bias[0, 0].mean()  # only differences between classes are determined
    np.testing.assert_allclose(bias.numpy(), theirs.intercept_ - theirs.intercept_.mean(), atol=1e-4)


def test_a_batch_holds_what_each_problem_has_alone():
    """Two draws, three strengths, weights that leave items out: as if each were fitted by itself."""
    x, y = _problem(80, 6, 3)
    designs, labels = x.reshape(2, 40, 6), y.reshape(2, 40)
    weights = torch.ones(2, 3, 40)
    weights[:, 1, ::4] = 0
    strengths = torch.tensor([[0.5, 1.0, 20.0]] * 2)
    fit = fit_logistic(Design.of(designs), labels, 3, strengths, weights, tolerance=1e-9)
    for draw in range(2):
        for problem in range(3):
            kept = weights[draw, problem] > 0
            theirs = _reference(designs[draw][kept], labels[draw][kept], float(strengths[draw, problem]))
            np.testing.assert_allclose(fit.weight[draw, problem].numpy(), theirs.coef_, atol=1e-4)


def test_the_probe_standardises_and_carries_over_to_raw_features():
    x, y = _problem(200, 10, 3)
    x = x * torch.linspace(0.8, 2, 10) + 5
    fitted = Linear(strength=2.0).fit(Bank(x.float()), torch.arange(200), y, 3)
    standard = (x - x.mean(0)) / x.std(0, correction=0)
    theirs = _reference(standard, y, 2.0).predict_proba(standard.numpy())
    np.testing.assert_allclose(fitted.predict(x.float()).numpy(), theirs, atol=5e-3)


def test_few_labels_get_the_default_strength_and_more_choose_theirs():
    digits = load_digits()
    bank, labels = Bank(torch.tensor(digits.data, dtype=torch.float32)), torch.tensor(digits.target)
    few, many = (label_draws(labels, k, 1, 0, [str(c) for c in range(10)])[0] for k in (2, 20))
    trials = HEADS["linear"].fit_draws(bank, [Labelled.of(few, labels[few]), Labelled.of(many, labels[many])], 10)
    assert trials[0].accuracy is None
    assert trials[0].fitted.settings == {"l2": 10.0}
    assert trials[1].fitted.settings["l2"] in STRENGTHS
    rest = torch.ones(len(labels), dtype=torch.bool)
    rest[many] = False
    right = (trials[1].fitted.predict(bank.features[rest]).argmax(1) == labels[rest]).double().mean()
    assert trials[1].accuracy == pytest.approx(float(right), abs=0.06)  # what it promised is what it holds


def test_weak_evidence_is_regularised_harder_than_clear_evidence():
    made = torch.Generator().manual_seed(0)
    y = torch.randint(2, (300,), generator=made)
    weak = torch.randn(300, 250, generator=made) + 0.15 * (2 * y[:, None] - 1)  # a little in each of many features
    clear = torch.randn(300, 5, generator=made)
    bank = Bank(clear * torch.tensor([1, 1, 1, 1, 0.5]))
    rule = (clear @ torch.tensor([1.0, -1, 0.5, 0, 3]) > 0).long()
    index = torch.arange(300)
    chosen = [HEADS["linear"].fit(b, index, labels, 2).settings["l2"] for b, labels in ((Bank(weak), y), (bank, rule))]
    assert chosen[0] >= 10 > chosen[1]


@pytest.mark.parametrize("numbers", [1, 2000, 10**9])
def test_draws_that_are_searched_together_find_what_each_finds_alone(monkeypatch, numbers):
    """One by one, in twos and threes, or all at once; two of other sizes, one without folds."""
    monkeypatch.setattr(linear, "SEARCHED_NUMBERS", numbers)
    x, y = _problem(240, 8, 3)
    bank, names = Bank(x.float()), ["a", "b", "c"]
    drawn = [*label_draws(y, 9, 5, 0, names), *label_draws(y, 20, 1, 0, names), *label_draws(y, 2, 1, 0, names)]
    draws = [Labelled.of(index, y[index], 0, draw) for draw, index in enumerate(drawn)]
    together = HEADS["linear"].fit_draws(bank, draws, 3)
    for draw, trial in zip(draws, together, strict=True):
        alone = HEADS["linear"].fit_draws(bank, [draw], 3)[0]
        assert trial.fitted.settings == alone.fitted.settings
        assert (trial.held_out is None) == (alone.held_out is None)
        torch.testing.assert_close(trial.fitted.weight, alone.fitted.weight, atol=1e-4, rtol=1e-3)
        if alone.held_out is not None:
            assert torch.equal(trial.held_out.labels, alone.held_out.labels)
            torch.testing.assert_close(trial.held_out.probabilities, alone.held_out.probabilities, atol=1e-4, rtol=1e-3)


def test_out_of_fold_probabilities_are_those_of_a_fit_without_the_fold():
    x, y = _problem(60, 5, 3)
    draw = Labelled.of(torch.arange(60), y)
    bank = Bank(x.float())
    trial = Linear(strength=3.0).fit_draws(bank, [draw], 3)[0]
    standard = ((bank.features - bank.mean) / bank.deviation).double()
    for fold in range(5):
        asked = draw.folds == fold
        theirs = _reference(standard[~asked], y[~asked], 3.0).predict_proba(standard[asked].numpy())
        np.testing.assert_allclose(trial.held_out.probabilities[asked].numpy(), theirs, atol=0.02)


def test_a_large_draw_is_searched_in_part(monkeypatch):
    monkeypatch.setattr("headstart.evaluation.draws.HELD_OUT_MOST", 40)
    monkeypatch.setattr("headstart.evaluation.heads.linear.SEARCH_ITEMS", 100)
    x, y = _problem(600, 5, 3)
    draw = Labelled.of(torch.arange(600), y)
    assert int((draw.folds >= 0).sum()) == 40
    trial = HEADS["linear"].fit_draws(Bank(x.float()), [draw], 3)[0]
    assert trial.accuracy > 0.5
    assert round(trial.accuracy * 40, 6) == round(trial.accuracy * 40)  # 40 items were scored


def test_state_rebuilds_the_head():
    x, y = _problem(60, 5, 3)
    fitted = HEADS["linear"].fit(Bank(x.float()), torch.arange(60), y, 3)
    again = FITTED["linear"].from_state(fitted.state())
    assert torch.equal(again.predict(x.float()), fitted.predict(x.float()))
