"""Cross-validated judging: every labelled item is asked about once a repeat, and is out of sight meanwhile."""

from dataclasses import replace

import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from headstart.data import load
from headstart.errors import InputError
from headstart.evaluation import (
    HEADS,
    Bank,
    Judgement,
    Labelled,
    cross_validated,
    examine,
    fewest_known,
    held_out,
    judging_folds,
    nearest,
    unit,
)
from headstart.evaluation import exam_of as exam_on

NAMES = tuple("abc")
FEW = torch.tensor([0] * 7 + [1] * 4 + [2] * 5 + [-1] * 40)[
    torch.randperm(56, generator=torch.Generator().manual_seed(0))
]
DIGITS = tuple(str(c) for c in range(10))


@pytest.fixture(scope="module")
def digits():
    """600 digits' pixels, of which forty have a label."""
    data = load_digits()
    order = torch.randperm(len(data.target), generator=torch.Generator().manual_seed(0))[:600]
    x, truth = torch.tensor(data.data, dtype=torch.float32)[order], torch.tensor(data.target)[order]
    labels = torch.full_like(truth, -1)
    for c in range(10):
        labels[torch.nonzero(truth == c).flatten()[:4]] = c
    return x, labels


def exam_of(labels, counts=(1, 3, "all"), repeats=3, **more):
    return cross_validated(labels, DIGITS, labels_per_class=counts, repeats=repeats, split_seed=0, **more)


@pytest.fixture(scope="module")
def judged(digits):
    x, labels = digits
    return examine(Bank(x), x[labels >= 0], exam_of(labels))


def test_every_item_is_asked_about_once_a_repeat_and_hidden_meanwhile():
    exam = cross_validated(FEW, NAMES, labels_per_class=(1, 2, "all"), repeats=5, split_seed=0)
    rows = torch.nonzero(FEW >= 0).flatten()
    assert torch.equal(exam.truth, FEW[rows])
    for repeat in range(5):
        sittings = [sitting for sitting in exam.sittings if sitting.first == repeat]
        assert len(sittings) == 4  # as many as the smallest class has labels
        assert torch.cat([sitting.asked for sitting in sittings]).sort().values.tolist() == list(range(16))
        for sitting in sittings:
            assert torch.equal(rows[sitting.asked], sitting.hidden)
            everything = set(rows.tolist()) - set(sitting.hidden.tolist())
            assert set(sitting.draws["all"][0].index.tolist()) == everything
            for k in (1, 2):
                (draw,) = sitting.draws[k]
                assert torch.bincount(FEW[draw.index]).tolist() == [k] * 3
                assert set(draw.index.tolist()) <= everything
            assert set(sitting.draws[1][0].index.tolist()) < set(sitting.draws[2][0].index.tolist())


def test_a_repeat_draws_nearly_the_same_labels_for_all_its_folds():
    exam = cross_validated(FEW, NAMES, labels_per_class=(1,), repeats=10, split_seed=0)
    drawn = [{tuple(s.draws[1][0].index.tolist()) for s in exam.sittings if s.first == r} for r in range(10)]
    assert all(len(one) <= 4 for one in drawn)
    # A label changes only where the fold asked about holds it, so a class's first choice serves 3 folds of 4.
    firsts = [s.draws[1][0].index[0] for s in exam.sittings if s.first == 0]
    assert max(firsts.count(one) for one in firsts) >= 3


def test_folds_are_stratified_and_keep_duplicates_together():
    labels, groups = torch.tensor([0] * 9 + [1] * 12), torch.arange(21)
    groups[[1, 2, 3]], groups[[9, 10]] = 1, 9
    for repeat in range(6):
        fold = judging_folds(labels, groups, 0, repeat)
        assert len(fold[[1, 2, 3]].unique()) == len(fold[[9, 10]].unique()) == 1
        assert set(fold.tolist()) == {0, 1, 2, 3, 4}
        alone = torch.tensor([0, 2, 3, *range(4, 9)])
        assert torch.bincount(fold[[place for place in alone.tolist() if groups[place] == place]]).max() <= 2
    assert not torch.equal(judging_folds(labels, groups, 0, 0), judging_folds(labels, groups, 0, 1))
    assert not torch.equal(judging_folds(labels, groups, 0, 0), judging_folds(labels, groups, 1, 0))


def test_as_many_labels_are_known_as_are_in_sight_everywhere():
    asked = {"repeats": 10, "split_seed": 0}
    assert fewest_known(FEW, NAMES, **asked) == [5, 3, 3]
    exam = cross_validated(FEW, NAMES, labels_per_class=(3,), repeats=10, split_seed=0)
    assert len(exam.sittings) == 40
    with pytest.raises(InputError, match="--labels-per-class 4: class"):
        cross_validated(FEW, NAMES, labels_per_class=(4,), repeats=10, split_seed=0)


def test_a_class_with_one_item_or_copies_of_one_can_not_be_cross_validated():
    single = torch.tensor([0, 0, 0, 1, -1, -1])
    assert fewest_known(single, "ab", repeats=3, split_seed=0) == [3, 0]
    copies = torch.tensor([0, 0, 0, 1, 1, -1])
    asked = {"repeats": 3, "split_seed": 0}
    assert fewest_known(copies, "ab", **asked) == [1, 1]
    assert fewest_known(copies, "ab", **asked, groups=torch.tensor([0, 1, 2, 3, 3, 5]))[1] == 0
    with pytest.raises(InputError, match="two different labelled items of every class"):
        cross_validated(single, "ab", labels_per_class=(1,), repeats=3, split_seed=0)


@pytest.mark.parametrize("hidden", [[0], [3, 4, 50, 299], list(range(0, 300, 2)), list(range(290))])
def test_leaving_rows_out_is_the_same_as_never_having_had_them(hidden):
    x = torch.randn(300, 6, generator=torch.Generator().manual_seed(0))
    bank, kept = Bank(x), torch.ones(300, dtype=torch.bool)
    kept[hidden] = False
    smaller, anew = bank.without(torch.tensor(hidden)), Bank(x[kept])
    assert torch.equal(smaller.features, anew.features)
    assert torch.equal(smaller.unit, anew.unit)
    assert torch.equal(smaller.neighbours.rows, anew.neighbours.rows)
    torch.testing.assert_close(smaller.neighbours.similarity, anew.neighbours.similarity)
    assert torch.equal(bank.neighbours.rows, Bank(x).neighbours.rows), "the bank itself stays as it is"


def test_items_whose_neighbours_all_go_find_new_ones():
    x = torch.randn(400, 4, generator=torch.Generator().manual_seed(1))
    close = nearest(unit(x[:1]), unit(x), 100).rows[0, 1:]
    smaller, anew = Bank(x).without(close), Bank(x[~torch.isin(torch.arange(400), close)])
    assert torch.equal(smaller.neighbours.rows, anew.neighbours.rows)


def test_predictions_are_those_of_heads_fitted_by_hand(digits, judged):
    x, labels = digits
    exam = exam_of(labels)
    assert {rows.shape for rows in judged.predictions.values()} == {(3, 40)}
    sitting = exam.sittings[5]
    seen = sitting.rows(len(x))
    for k in (3, "all"):
        draw = sitting.draws[k][0]
        mine = Labelled(torch.searchsorted(seen, draw.index), draw.labels, draw.folds)
        for name, head in HEADS.items():
            alone = head.fit_draws(Bank(x[seen]), [mine], 10)[0]
            answers = alone.fitted.predict(x[sitting.hidden]).argmax(1)
            assert torch.equal(answers.short(), judged.predictions[k, name][sitting.first, sitting.asked])
            assert alone.accuracy == judged.validation[k, name][5]


def test_a_linear_probe_agrees_with_scikit_learn(digits):
    x, labels = digits
    exam = exam_of(labels, ("all",), repeats=2)
    judged = examine(Bank(x), x[labels >= 0], exam)
    agreed = 0
    for number, sitting in enumerate(exam.sittings):
        bank, draw = Bank(x[sitting.rows(len(x))]), sitting.draws["all"][0]
        strength = judged.settings["all", "linear"][number]["l2"]
        model = LogisticRegression(C=1 / strength, max_iter=5000, tol=1e-6)
        model.fit((x[draw.index] - bank.mean) / bank.deviation, draw.labels)
        answers = model.predict((x[sitting.hidden] - bank.mean) / bank.deviation)
        agreed += (torch.tensor(answers) == judged.predictions["all", "linear"][sitting.first, sitting.asked]).sum()
    assert agreed >= 79  # of 80


def test_no_answer_depends_on_the_label_asked_about(digits, judged):
    """With the labels of one fold changed wherever they are known, what is answered about that fold stays, head too."""
    x, labels = digits
    exam = exam_of(labels)
    first = exam.sittings[0]
    other = labels.clone()
    other[first.hidden] = labels[first.hidden].roll(1)

    def relabelled(sitting):
        draws = {k: [replace(draw, labels=other[draw.index]) for draw in drawn] for k, drawn in sitting.draws.items()}
        return replace(sitting, draws=draws)

    again = examine(
        Bank(x), x[labels >= 0], replace(exam, truth=other[labels >= 0], sittings=[*map(relabelled, exam.sittings)])
    )
    for k in (1, 3, "all"):
        assert again.chosen(k)[0] == judged.chosen(k)[0]
        assert torch.equal(again.predicted(k)[0, first.asked], judged.predicted(k)[0, first.asked])
        assert not torch.equal(again.predicted(k), judged.predicted(k))


def test_moving_an_item_moves_no_answer_about_its_fold_mates(digits, judged):
    x, labels = digits
    exam = exam_of(labels)
    moved, sitting = x.clone(), exam.sittings[2]
    moved[sitting.hidden[0]] += 8
    again = examine(Bank(moved), moved[labels >= 0], exam)
    mates = sitting.asked[1:]
    for cell, rows in judged.predictions.items():
        assert torch.equal(again.predictions[cell][sitting.first, mates], rows[sitting.first, mates])
    assert any(not torch.equal(again.predictions[cell], rows) for cell, rows in judged.predictions.items())


def test_each_fold_has_its_own_choice_of_head(judged):
    assert judged.fitted("all") == 12
    assert judged.draws("all") == 3
    assert len(judged.chosen("all")) == 12
    assert judged.chosen(1) == ("propagation",) * 12
    validation = {cell: tuple([0.0] * 12) for cell in judged.validation}
    validation["all", "linear"] = (0.0,) * 5 + (1.0,) + (0.0,) * 6
    mixed = replace(judged, validation=validation)
    assert mixed.chosen("all").count("linear") == 1
    here = judged.fits["all"] == 5
    assert here.sum() == 10
    assert torch.equal(mixed.predicted("all")[here], judged.predictions["all", "linear"][here])
    assert torch.equal(mixed.predicted("all")[~here], judged.predictions["all", "propagation"][~here])


def test_all_labels_are_few_here_so_heads_differ_by_more_than_luck(judged):
    """Thirty labels known: one standard error at 28 right is √(30/34 · 4/34 / 34) = 0.055."""
    scores = {cell: tuple([0.5] * 12) for cell in judged.validation}
    scores["all", "linear"] = (28 / 30,) * 12
    scores["all", "propagation"] = (28 / 30 - 0.05,) * 6 + (28 / 30 - 0.06,) * 6
    assert replace(judged, validation=scores).chosen("all") == ("propagation",) * 6 + ("linear",) * 6


def test_one_file_brings_it_back(tmp_path, judged):
    judged.save(tmp_path / "judgement.safetensors")
    again = Judgement.load(tmp_path / "judgement.safetensors")
    for k in (1, 3, "all"):
        assert torch.equal(again.fits[k], judged.fits[k])
        assert torch.equal(again.correct(k), judged.correct(k))
        assert again.chosen(k) == judged.chosen(k)


def test_a_held_out_part_is_one_sitting():
    exam = held_out(FEW, torch.tensor([0, 1, 2]), NAMES, labels_per_class=(2, "all"), draws=10, split_seed=0)
    (sitting,) = exam.sittings
    assert sitting.asked.tolist() == [0, 1, 2]
    assert len(sitting.hidden) == 0
    assert (exam.draws(2), exam.draws("all")) == (10, 1)


def test_what_belongs_together_in_the_data_is_asked_about_together():
    items = torch.randint(256, (24, 1, 8, 8), generator=torch.Generator().manual_seed(0)).byte()
    items[6:12] = items[:6]
    data = load((items, torch.arange(24) % 3))
    assert data.cross_validated
    for sitting in exam_on(data, (1, "all"), draws=10, split_seed=0).sittings:
        asked = set(sitting.hidden.tolist())
        assert all((place in asked) == (place + 6 in asked) for place in range(6))
