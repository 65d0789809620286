import json
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save
from sklearn import metrics
from sklearn.datasets import load_digits

from headstart.errors import InputError, RunError
from headstart.evaluation import HEADS, Bank, Judgement, draws_of, judge

CLASSES = tuple(str(c) for c in range(10))
COUNTS = (1, 5, "all")


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    order = torch.randperm(len(data.target), generator=torch.Generator().manual_seed(0))
    x, y = torch.tensor(data.data, dtype=torch.float32)[order], torch.tensor(data.target)[order]
    return x[:700], y[:700], x[700:900], y[700:900]


@pytest.fixture(scope="module")
def judged(digits):
    return _judge(digits)


def _judge(digits, **changes) -> Judgement:
    x, y, tx, ty = digits
    return judge(Bank(x), y, tx, ty, CLASSES, **{"labels_per_class": COUNTS, "draws": 4} | changes)


def _same(a: Judgement, b: Judgement) -> bool:
    return all(torch.equal(a.predictions[cell], b.predictions[cell]) for cell in a.predictions)


def test_every_head_is_tried_on_every_draw(judged):
    assert judged.heads(5) == tuple(HEADS)
    assert {cell: tuple(rows.shape) for cell, rows in judged.predictions.items()} == {
        (k, head): (1 if k == "all" else 4, 200) for k in COUNTS for head in HEADS
    }
    assert all(rows.dtype == torch.int16 for rows in judged.predictions.values())
    assert judged.settings[1, "knn"][0] == {"k": 10, "temperature": 0.07, "metric": "cosine"}


def test_predictions_are_those_of_heads_fitted_by_hand(digits, judged):
    x, y, tx, _ = digits
    draw = draws_of(y, 5, 4, 0, CLASSES)[2]
    for name, head in HEADS.items():
        alone = head.fit_draws(Bank(x), [draw], 10)[0]
        agreement = (alone.fitted.predict(tx).argmax(1) == judged.predictions[5, name][2]).double().mean()
        assert agreement >= 0.99  # a batch may round differently
        assert judged.validation[5, name][2] == pytest.approx(alone.accuracy, abs=0.021)


def test_the_default_head_holds_where_nothing_can_be_cross_validated(judged):
    assert judged.chosen(1) == ("propagation",) * 4
    assert judged.chosen_by(1) == "default"
    assert judged.validated(1) is None
    assert judged.accuracy(1) == judged.accuracy(1, "propagation")


def test_with_all_labels_the_best_on_held_out_labels_is_chosen(judged):
    assert judged.chosen_by("all") == judged.chosen_by(5) == "cross-validation"
    for draw, head in enumerate(judged.chosen("all")):
        assert judged.validation["all", head][draw] == max(judged.validation["all", other][draw] for other in HEADS)


def test_ties_go_to_the_written_order(judged):
    even = {cell: (None if values[0] is None else 0.5,) * len(values) for cell, values in judged.validation.items()}
    assert replace(judged, validation=even).chosen(5) == ("propagation",) * 4
    even[5, "propagation"] = (0.4,) * 4
    assert replace(judged, validation=even).chosen(5) == ("linear",) * 4


def test_few_labels_move_the_default_head_only_beyond_one_standard_error(judged):
    """Fifty held-out labels, all right but one or two; SE by Agresti and Coull: √(52/54 · 2/54 / 54) = 0.0257."""
    scores = dict(judged.validation)
    scores[5, "linear"], scores[5, "knn"] = (1.0,) * 4, (0.9,) * 4
    scores[5, "propagation"] = (0.98, 0.975, 0.974, 0.96)
    chosen = replace(judged, validation=scores).chosen(5)
    assert chosen == ("propagation", "propagation", "linear", "linear")


def test_no_test_label_is_used_in_any_choice(digits, judged):
    x, y, tx, ty = digits
    shuffled = _judge((x, y, tx, ty[torch.randperm(200, generator=torch.Generator().manual_seed(1))]))
    assert _same(judged, shuffled)
    assert [judged.chosen(k) for k in COUNTS] == [shuffled.chosen(k) for k in COUNTS]
    assert judged.validation == shuffled.validation
    assert judged.settings == shuffled.settings
    assert shuffled.accuracy(5) < 0.3 < judged.accuracy(5)


def test_test_items_influence_nothing_but_their_own_predictions(digits, judged):
    x, y, tx, ty = digits
    moved = tx.clone()
    moved[:100] += 5 * torch.rand(100, 64, generator=torch.Generator().manual_seed(2))
    bank = Bank(x)
    before = bank.graph.matrix.copy()
    other = judge(bank, y, moved, ty, CLASSES, labels_per_class=COUNTS, draws=4)
    assert (bank.graph.matrix != before).nnz == 0
    assert other.validation == judged.validation
    for cell, rows in judged.predictions.items():
        assert torch.equal(other.predictions[cell][:, 100:], rows[:, 100:])
        assert not torch.equal(other.predictions[cell][:, :100], rows[:, :100])


def test_unlabelled_items_are_in_the_graph_and_nowhere_else(digits):
    x, y, tx, ty = digits
    hidden = y.clone()
    hidden[350:] = -1
    with_rest = _judge((x, hidden, tx, ty))
    without = _judge((x[:350], hidden[:350], tx, ty))
    assert torch.equal(with_rest.predictions[5, "knn"], without.predictions[5, "knn"])
    assert not torch.equal(with_rest.predictions[5, "propagation"], without.predictions[5, "propagation"])


def test_test_items_without_a_label_are_left_out(digits, judged):
    x, y, tx, ty = digits
    partly = torch.cat([ty, torch.full((50,), -1)])
    assert _same(judged, _judge((x, y, torch.cat([tx, tx[:50]]), partly)))


def test_figures_agree_with_scikit_learn(digits, judged):
    truth = digits[3].numpy()
    rows = judged.predicted(5, "linear").numpy()
    assert judged.accuracy(5, "linear") == pytest.approx(sum(metrics.accuracy_score(truth, r) for r in rows) / 4)
    balanced = sum(metrics.balanced_accuracy_score(truth, r) for r in rows) / 4
    assert judged.balanced_accuracy(5, "linear") == pytest.approx(balanced)
    table = sum(metrics.confusion_matrix(truth, r) for r in rows)
    assert (judged.confusion(5, "linear").numpy() == table).all()
    assert judged.correct(5).shape == (4, 200)


def test_top_five_is_kept_beyond_ten_classes():
    made = torch.Generator().manual_seed(0)
    y = torch.arange(12).repeat(20)
    x = 3 * torch.randn(12, 20, generator=made)[y] + 4 * torch.randn(240, 20, generator=made)
    names = tuple(f"class {c}" for c in range(12))
    judged = judge(Bank(x[:180]), y[:180], x[180:], y[180:], names, labels_per_class=(5,), draws=3)
    for head in HEADS:
        assert judged.accuracy(5, head) < judged.top5_accuracy(5, head) <= 1
    fitted = HEADS["knn"].fit_draws(Bank(x[:180]), draws_of(y[:180], 5, 3, 0, names), 12)
    scores = [trial.fitted.predict(x[180:]).numpy() for trial in fitted]
    expected = sum(metrics.top_k_accuracy_score(y[180:], s, k=5, labels=range(12)) for s in scores) / 3
    assert judged.top5_accuracy(5, "knn") == pytest.approx(expected, abs=0.02)  # equal votes have no order
    assert judged.with_own(5, judged.predicted(5)).top5_accuracy(5, "own") is None


def test_ten_classes_have_no_top_five(judged):
    assert judged.top5_accuracy(5) is None


def test_an_own_classifier_is_the_head_from_three_labels_on(digits, judged):
    own = judged.with_own(5, (digits[3] + 1).repeat(4, 1) % 10)
    assert own.chosen(5) == ("own",) * 4
    assert own.accuracy(5) == 0.0
    assert own.chosen_by(5) == "default"
    assert own.validated(5) is None
    with pytest.raises(ValueError, match="draws × test items"):
        judged.with_own("all", digits[3].repeat(4, 1))


def test_below_three_labels_the_better_of_own_and_propagation_is_taken_and_marked(digits, judged):
    truth = digits[3]
    draws = judged.draws(1)
    good, bad = judged.with_own(1, truth.repeat(draws, 1)), judged.with_own(1, (truth + 1).repeat(draws, 1) % 10)
    assert good.chosen(1) == ("own",) * draws
    assert good.accuracy(1) == 1.0
    assert bad.chosen(1) == ("propagation",) * draws
    assert bad.accuracy(1) == judged.accuracy(1, "propagation")
    assert good.chosen_by(1) == bad.chosen_by(1) == "test accuracy"
    assert judged.chosen_by(1) == "default"


def test_one_file_brings_it_back(tmp_path, judged):
    own = judged.with_own(5, judged.predicted(5, "knn"))
    own.save(tmp_path / "judgement.safetensors")
    again = Judgement.load(tmp_path / "judgement.safetensors")
    assert _same(own, again)
    assert again.validation == own.validation
    assert again.settings == own.settings
    assert (again.classes, again.labels_per_class) == (own.classes, own.labels_per_class)
    assert [again.chosen(k) for k in COUNTS] == [own.chosen(k) for k in COUNTS]
    with safe_open(tmp_path / "judgement.safetensors", "pt") as file:
        assert json.loads(file.metadata()["about"])["classes"] == list(CLASSES)
    assert [path.name for path in tmp_path.iterdir()] == ["judgement.safetensors"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a tensor",
        b"\x02\0\0\0\0\0\0\0{}",
        save({"a": torch.ones(1)}, {"about": '{"classes": ["a", "b"]}'}),
        save({"a": torch.ones(1)}, {"about": '{"classes": [], "labels_per_class": [], "validation": 3}'}),
        save({"a": torch.ones(1)}, {"about": "[]"}),
    ],
)
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "judgement.safetensors"
    path.write_bytes(content)
    with pytest.raises(RunError, match="can't be read as a judgement"):
        Judgement.load(path)


def test_what_cannot_be_judged_is_said(digits):
    x, y, tx, ty = digits
    with pytest.raises(InputError, match="two classes or more"):
        _judge((x, torch.where(y == 3, 3, -1), tx, ty))
    with pytest.raises(InputError, match="No test item has a label"):
        _judge((x, y, tx, torch.full_like(ty, -1)))
    with pytest.raises(InputError, match="--labels-per-class 500: class"):
        _judge(digits, labels_per_class=(500,))
    with pytest.raises(RunError, match="NaN"):
        Bank(x / 0)


def test_the_same_bits_twice(digits, judged):
    torch.manual_seed(5)
    again = _judge(digits)
    assert _same(judged, again)
    assert judged.validation == again.validation
