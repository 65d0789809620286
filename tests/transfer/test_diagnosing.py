"""Pairs of sets made to differ in one way are told apart, and what can't be told says why."""

from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from PIL import Image

import headstart
from headstart.errors import InputError
from headstart.transfer import Shift, Side, advise, find_shifts, pair
from headstart.transfer.diagnosing.describing import Description, described
from headstart.transfer.diagnosing.labels import label_sets
from headstart.transfer.diagnosing.pool import Pool, pooled
from headstart.transfer.diagnosing.posteriors import posteriors
from headstart.transfer.diagnosing.propensity import propensity
from headstart.transfer.diagnosing.shift import SCENARIO, Level

KINDS = ("inputs", "marginal", "labels", "class-shares", "conditional")
DIGITS = headstart.load("digits")


def made(items, labels=None):
    """A set of these items; without labels where there are none."""
    return headstart.load(items.numpy() if labels is None else (items.numpy(), labels.numpy()))


def halves(seed=0, count=898):
    """Items and labels of two random halves of digits, or of as many."""
    order = torch.randperm(len(DIGITS), generator=torch.Generator().manual_seed(seed))
    first, second = order[:count], order[-count:]
    return (DIGITS.items[first], DIGITS.labels[first]), (DIGITS.items[second], DIGITS.labels[second])


def by_kind(source, target, **settings):
    shifts = find_shifts(source, target, **settings)
    assert tuple(shift.kind for shift in shifts) == KINDS
    assert [shift.scenario for shift in shifts] == [1, 2, 3, 4, 4]
    return {shift.kind: shift for shift in shifts}


def found(shifts):
    return {kind for kind, shift in shifts.items() if shift.found}


def noisy(items, deviation):
    noise = torch.randn(items.shape, generator=torch.Generator().manual_seed(1))
    return (items + deviation * noise).clamp(0, 255).byte()


def fewer(items, labels, share, seed=2):
    """Of the first five digits only a share is left."""
    kept = (labels >= 5) | (torch.rand(len(labels), generator=torch.Generator().manual_seed(seed)) < share)
    return items[kept], labels[kept]


@pytest.mark.parametrize("labelled", [True, False])
def test_two_halves_of_one_set_show_no_shift(labelled):
    (a, y), (b, z) = halves()
    shifts = by_kind(made(a, y), made(b, z if labelled else None))
    assert found(shifts) == set()
    untold = {kind for kind, shift in shifts.items() if shift.found is None}
    assert untold == (set() if labelled else {"labels", "conditional"})


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("change", [lambda x: 255 - x, lambda x: noisy(x, 25), lambda x: (0.9 * x).byte()])
def test_changed_pictures_are_marginal_alone_and_conditional_says_that_nothing_overlaps(change, labelled):
    (a, y), (b, z) = halves()
    shifts = by_kind(made(a, y), made(change(b), z if labelled else None))
    assert found(shifts) == {"marginal"}
    assert shifts["marginal"].evidence["auc"] > 0.9
    assert shifts["class-shares"].found is (False if labelled else None)
    assert shifts["conditional"].found is None
    assert ("overlap" if labelled else "no labels") in shifts["conditional"].why


def test_evidence_names_what_gives_the_sets_away():
    (a, y), (b, z) = halves()
    dark = (0.6 * b).byte()
    dark[7] = 255
    evidence = by_kind(made(a, y), made(dark, z))["marginal"].evidence
    strongest = {one["name"]: one for one in evidence["properties"]}
    assert evidence["properties"][0]["auc"] < 0.1
    assert strongest["brightness"]["target"] < strongest["brightness"]["source"]
    assert strongest["brightness"]["source"] == pytest.approx(float(a.float().mean()) / 255, abs=0.02)
    assert len(evidence["most_unlike"]["target"]) == 5


def test_a_colour_cast_is_named():
    (a, y), (b, z) = halves(count=300)
    tinted = b.expand(-1, 3, -1, -1).clone()
    tinted[:, 2] = (tinted[:, 2] * 0.7).byte()
    shift = by_kind(made(a.expand(-1, 3, -1, -1).contiguous(), y), made(tinted, z))["marginal"]
    assert shift.found
    named = {one["name"]: one for one in shift.evidence["properties"][:4]}
    assert named["blue"]["target"] < named["blue"]["source"] == pytest.approx(0, abs=1e-6)
    assert named["saturation"]["auc"] == pytest.approx(1)


@pytest.mark.parametrize("labelled", [True, False])
@pytest.mark.parametrize("share", [0.4, 0.1])
def test_other_class_shares_are_class_shares_alone(share, labelled):
    (a, y), (b, z) = halves(seed=2)
    b, z = fewer(b, z, share)
    shifts = by_kind(made(a, y), made(b, z if labelled else None))
    assert found(shifts) == {"class-shares"}
    evidence = shifts["class-shares"].evidence
    truth = torch.bincount(z, minlength=10) / len(z)
    assert list(evidence["target"].values()) == pytest.approx(truth.tolist(), abs=1e-6 if labelled else 0.025)
    assert evidence["how"] == ("counted" if labelled else "estimated (BBSE)")


def test_without_labels_in_the_source_other_shares_are_marginal_and_said_to_be_doubtful():
    (a, _), (b, z) = halves()
    b, _ = fewer(b, z, 0.1)
    shifts = by_kind(made(a), made(b))
    assert found(shifts) == {"marginal"}
    assert "class shares alone could do this" in shifts["marginal"].why
    for kind in ("labels", "class-shares", "conditional"):
        assert shifts[kind].found is None
        assert "source has no labels" in shifts[kind].why


@pytest.mark.parametrize("labels", [100, 898])
def test_permuted_labels_are_conditional_alone(labels):
    (a, y), (b, z) = halves()
    target = made(b, (z + 1) % 10)
    target.labels[labels:] = -1
    shifts = by_kind(made(a, y), target)
    assert found(shifts) == {"conditional"}
    agreement = shifts["conditional"].evidence["agreement"]
    assert agreement["source"] > 0.9
    assert agreement["target"] < 0.1


def test_two_swapped_classes_are_conditional_and_named():
    (a, y), (b, z) = halves()
    swapped = torch.where(z == 3, 8, torch.where(z == 8, 3, z))
    shift = by_kind(made(a, y), made(b, swapped))["conditional"]
    assert shift.found
    assert {row["class"] for row in shift.evidence["most_changed"][:2]} == {"3", "8"}


def test_slightly_changed_pictures_that_overlap_leave_the_labels_meaning_testable():
    (a, y), (b, z) = halves()
    dim = (0.97 * b).byte()
    assert found(by_kind(made(a, y), made(dim, z))) == {"marginal"}
    assert found(by_kind(made(a, y), made(dim, (z + 1) % 10))) == {"marginal", "conditional"}


def test_other_classes_are_labels_alone_and_the_rest_is_tested_on_the_common_ones():
    (a, y), (b, z) = halves()
    first, second = y <= 6, z >= 3
    shifts = by_kind(made(a[first], y[first]), made(b[second], z[second]))
    assert found(shifts) == {"labels"}
    assert shifts["labels"].evidence == {"target_only": ["7", "8", "9"], "source_only": ["0", "1", "2"]}
    assert set(shifts["class-shares"].evidence["source"]) == {"3", "4", "5", "6"}


def test_no_class_in_common_leaves_nothing_to_compare():
    (a, y), (b, z) = halves(count=300)
    shifts = by_kind(made(a, y), made(b, z + 10))
    assert found(shifts) == {"labels"}
    for kind in ("marginal", "class-shares", "conditional"):
        assert "no class in common" in shifts[kind].why


def test_a_class_of_one_item_is_no_evidence_and_a_partly_labelled_target_may_lack_some():
    (a, y), (b, z) = halves(count=300)
    rare = z.clone()
    rare[5] = 10
    assert not by_kind(made(a, y), made(b, rare))["labels"].found
    target = made(b, z)
    target.labels[(z > 6) | (torch.arange(300) > 150)] = -1
    assert by_kind(made(a, y), target)["labels"].found is False


@pytest.mark.parametrize("whole", [True, False])
def test_a_missing_class_has_the_chance_that_it_is_missing_where_it_would_count(whole):
    """Counted over all ways to choose five of ten items as the target's; with two classes it counts twice."""
    labels = torch.tensor([0, 0, 0, 0, 0, 0, 0, 1, 1, 1] + [-1] * (not whole))
    domain = torch.arange(len(labels)) >= 5
    named = torch.zeros(len(labels), 1)
    ids = tuple(str(place) for place in range(len(labels)))
    pool = Pool(Description(named, named, ("brightness",)), domain, labels, ("a", "b"), ids, torch.zeros_like(labels))
    ways = list(combinations(range(10), 5))
    rare = {7, 8, 9}
    counted = sum(rare <= {*way} or (whole and rare.isdisjoint(way)) for way in ways)
    assert label_sets(pool, Level(1)).p_value == pytest.approx(2 * counted / len(ways))


@pytest.mark.parametrize("count", [0, 1, 19])
def test_few_target_labels_leave_conditional_open(count):
    (a, y), (b, z) = halves(count=300)
    target = made(b, z)
    target.labels[count:] = -1
    shift = by_kind(made(a, y), target)["conditional"]
    assert shift.found is None
    assert ("no labels" if count == 0 else f"{count} label") in shift.why


def test_classes_that_can_not_be_told_say_so():
    noise = torch.randint(0, 256, (400, 1, 8, 8), generator=torch.Generator().manual_seed(0)).byte()
    labels = torch.arange(200) % 4
    shifts = by_kind(made(noise[:200], labels), made(noise[200:]))
    assert found(shifts) == set()
    assert "can't be told from these pictures" in shifts["class-shares"].why


def test_a_partly_labelled_source_is_no_shift_of_class_shares():
    """The few that are labelled have other shares than all: what counts is how the unlabelled look."""
    (a, y), (b, _) = halves()
    source = made(a, y)
    source.labels[(y < 5) & (torch.arange(898) > 300)] = -1
    assert found(by_kind(source, made(b))) == set()


def test_size_and_colours_are_inputs_and_the_rest_is_tested_all_the_same():
    (a, y), (b, z) = halves()
    large = b.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3).expand(-1, 3, -1, -1).contiguous()
    shifts = by_kind(made(a, y), made(large, z))
    assert found(shifts) == {"inputs"}
    for word in ("grey", "colour", "8 pixels", "16"):
        assert word in shifts["inputs"].why
    assert shifts["inputs"].p_value is None
    assert shifts["inputs"].evidence["target"] == {"channels": 3, "shortest_side": [16, 16]}


def test_a_target_of_another_form_shows_its_middle_as_where_it_is_adapted_to():
    (a, y), (b, z) = halves(count=300)
    wide = made(torch.cat([255 - b[..., :4], b, 255 - b[..., 4:]], dim=3), z)
    assert torch.equal(pair(made(a, y), wide).target.items, b)
    assert found(by_kind(made(a, y), wide)) == set()


def test_sizes_of_photographs_are_those_of_the_files(tmp_path):
    numbers = np.random.default_rng(0)
    for name, sizes in (("a", (120, 150)), ("b", (130, 160)), ("c", (40, 50))):
        (tmp_path / name).mkdir()
        for place in range(24):
            side = sizes[place % 2]
            pixels = numbers.integers(0, 255, (side, side + 9, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{place}.png")
    first, same, small = (headstart.load(tmp_path / name) for name in "abc")
    assert not by_kind(first, same)["inputs"].found
    shift = by_kind(first, small)["inputs"]
    assert shift.found
    assert shift.evidence["source"]["shortest_side"] == [120, 150]


def test_copies_of_the_sources_items_are_no_shift():
    """An item and its copy lie in one fold, else the classifier would know the copies' labels by heart."""
    (a, y), _ = halves(count=400)
    assert found(by_kind(made(a, y), made(a, y))) == set()
    assert found(by_kind(made(a, y), made(a[:200], y[:200]))) == set()


def test_what_belongs_together_shares_a_fold():
    """Groups of each set, and copies across the two."""
    (a, _), (b, _) = halves(count=60)
    b[7] = a[3]
    source = replace(made(a), kin=(0, 1, 2, 2, *range(4, 60)))
    target = replace(made(b), kin=(*range(59), 7))
    folds = pooled(source, target, described(source, target, None, "cpu"), 0).folds
    assert len({int(folds[place]) for place in (2, 3, 60 + 7, 60 + 59)}) == 1
    assert sorted(set(folds.tolist())) == [0, 1, 2, 3, 4]


def test_the_same_seed_gives_the_same_and_every_item_counts():
    (a, y), (b, z) = halves(count=200)
    first = find_shifts(made(a, y), made(b, z), seed=3)
    assert first == find_shifts(made(a, y), made(b, z), seed=3)
    assert first != find_shifts(made(a, y), made(b, z), seed=4)
    b = b.clone()
    b[-1] = 255
    assert first[1].evidence != find_shifts(made(a, y), made(b, z), seed=3)[1].evidence


def test_chances_follow_the_true_ratio_of_class_shares():
    (a, y), (b, z) = halves()
    b, z = fewer(b, z, 0.2)
    source, target = made(a, y), made(b)
    pool = pooled(source, target, described(source, target, None, "cpu"), 0)
    explained = propensity(pool, posteriors(pool, ~pool.domain))
    assert float(explained.chances.sum()) == pytest.approx(len(b))
    truth = torch.cat([y, z])
    shares = [torch.bincount(one, minlength=10) for one in (z, y)]
    expected = (shares[0] / (shares[0] + shares[1]))[truth]
    assert float((explained.chances - expected).abs().mean()) < 0.05


def test_equal_chances_where_the_source_has_no_labels():
    (a, _), (b, _) = halves(count=100)
    source, target = made(a), made(b[:50])
    pool = pooled(source, target, described(source, target, None, "cpu"), 0)
    torch.testing.assert_close(propensity(pool, None).chances, torch.full((150,), 1 / 3).double())


def test_too_few_items_and_channels_that_do_not_fit_are_refused():
    (a, y), (b, _) = halves(count=100)
    with pytest.raises(InputError, match="12 items"):
        find_shifts(made(a, y), made(b[:12]))
    with pytest.raises(InputError, match="4 channels"):
        find_shifts(made(a, y), made(b.expand(-1, 4, -1, -1).contiguous()))


def test_p_values_share_the_level():
    """Whatever is planned is corrected for: found is a corrected p-value of 0.02 at most."""
    (a, y), (b, z) = halves(count=300)
    shifts = find_shifts(made(a, y), made(b, z))
    for shift in shifts[1:]:
        assert shift.found is (shift.p_value <= 0.02)
    alone = shifts[1].evidence
    assert shifts[1].p_value >= min(1.0, 4 * min(alone["auc_p_value"], alone["mmd_p_value"]) - 1e-9)


def shown(*kinds, target_only=("z",), source_only=(), untold=()):
    """Shifts of these kinds, as `find_shifts` gives them; other classes are `target_only` and `source_only`."""
    classes = {"target_only": list(target_only), "source_only": list(source_only)}
    return [Shift(kind, SCENARIO[kind], None if kind in untold else kind in kinds, "", classes) for kind in KINDS]


HERE, THERE = Side("'my photos'", " --labels l.csv --size 64", 2), Side("there", " --labels t.csv --size 64", 2)
BOTH = " --labels l.csv --size 64 --target-labels t.csv"
UNLABELLED = Side("'my photos'", " --size 64", 0)


@pytest.mark.parametrize(
    ("kinds", "source", "says"),
    [
        ((), HERE, "compare 'my photos' --labels l.csv --size 64"),
        ((), UNLABELLED, "pretrain simclr 'my photos' --size 64"),
        (("marginal",), HERE, f"adapt dann 'my photos' there{BOTH}"),
        (("marginal",), UNLABELLED, "pretrain simclr there --labels t.csv --size 64"),
        (("class-shares",), HERE, f"adapt source_only 'my photos' there{BOTH}"),
        (("class-shares", "marginal"), HERE, f"adapt mcc 'my photos' there{BOTH}"),
        (("labels",), HERE, "compare there --labels t.csv --size 64"),
        (("conditional", "marginal"), HERE, "compare there --labels t.csv --size 64"),
        (("inputs",), HERE, f"adapt dann 'my photos' there{BOTH}"),
    ],
)
def test_the_advice_names_the_next_command_with_its_flags(kinds, source, says):
    assert advise(shown(*kinds), source, THERE, both=BOTH).splitlines()[-1] == f"Next: headstart {says}"


def test_a_target_that_merely_lacks_classes_can_be_told_by_the_source_and_is_not_aligned():
    """A target of one class has nothing that `compare` could tell apart."""
    alone = Side("there", "", 1)
    lacking = {"target_only": (), "source_only": ("bees", "wasps")}
    advice = advise(shown("labels", **lacking), HERE, alone)
    assert "The target lacks bees, wasps" in advice
    assert "new classifier" not in advice
    assert advice.endswith(f"Next: headstart compare {HERE}")
    assert "adapt mcc" in advise(shown("labels", "marginal", **lacking), HERE, alone)
    assert advise(shown("labels"), HERE, alone).endswith("Next: headstart pretrain simclr there")


def test_without_labels_of_the_source_only_the_pictures_are_cleared():
    advice = advise(shown(untold=KINDS[2:]), UNLABELLED, THERE)
    assert "Only the pictures were compared" in advice
    assert "should hold" not in advice


def test_an_encoder_is_compared_where_the_targets_labels_are_needed():
    assert advise(shown("labels"), HERE, THERE, encoder="runs/x").endswith(
        f"Next: headstart compare {THERE} --routes raw,random,scratch,runs/x"
    )


def test_more_of_a_shift_is_surer():
    (a, y), (b, z) = halves(count=150)
    areas = [by_kind(made(a, y), made((b * (1 - dim)).byte(), z))["marginal"].evidence["auc"] for dim in (0, 0.05, 0.3)]
    assert all(first < second for first, second in pairwise(areas))
