"""Maps separate what is separate, take new points, and are as faithful as an independent count says."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.optimize import approx_fprime
from sklearn.datasets import load_digits, make_swiss_roll
from sklearn.manifold import trustworthiness

from headstart.errors import InputError
from headstart.evaluation.maps import (
    MAPS,
    asked_about,
    draw_map,
    expected_seconds,
    faithfulness,
    fit_map,
    judging_seconds,
    tsne,
    usual_maps,
)
from headstart.evaluation.maps import drawing as room
from headstart.evaluation.neighbours import closest
from headstart.transfer.mapping import LEAST, MOST

QUICK = [name for name in MAPS if name != "umap"]
EVERY = [*QUICK, pytest.param("umap", marks=pytest.mark.slow)]


@pytest.fixture(scope="module")
def digits():
    found = load_digits()
    return torch.from_numpy(found.data[:400]).float(), found.target[:400]


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", EVERY)
def test_a_map_keeps_neighbours_and_takes_new_points(name, digits):
    if name == "umap":
        pytest.importorskip("umap", reason="the extra `maps` is not installed")
    features, labels = digits
    first = fit_map(name, features[:300], neighbours=10, seed=0)
    assert first.places.shape == (300, 2)
    assert first.places.dtype == torch.float32
    found = faithfulness(features[:300], first.places, 10, torch.arange(300))
    assert found.trustworthiness > 0.75
    new = first.place(features[300:])
    assert new.shape == (100, 2)
    near = closest(new, first.places, 5).rows
    agreement = (labels[:300][near] == labels[300:, None]).mean()
    everywhere = closest(first.places, first.places, 5, exclude=torch.arange(300)).rows
    assert agreement > (labels[:300][everywhere] == labels[:300, None]).mean() - 0.2, "nearly as well as the old ones"
    again = fit_map(name, features[:300], neighbours=10, seed=0, known=first.places)
    torch.testing.assert_close(again.places, first.places)
    torch.testing.assert_close(again.place(features[300:]), new, atol=1e-3 * float(first.places.std()), rtol=1e-3)


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize("scale", [LEAST, MOST / 10])
@pytest.mark.filterwarnings("error")
def test_features_of_the_smallest_and_largest_numbers_are_drawn_alike(name, scale):
    found = []
    for factor in (1, scale):
        features = noise(120, 6) * factor
        fitted = fit_map(name, features, neighbours=5, seed=0)
        found.append(faithfulness(features, fitted.places, 5, torch.arange(120)).trustworthiness)
        assert torch.isfinite(fitted.place(features[:9])).all()
    assert found[0] == pytest.approx(found[1], abs=0.05)


@pytest.mark.parametrize("name", QUICK)
def test_the_same_seed_draws_the_same_map(name):
    features = noise(120, 6)
    drawn = [draw_map(name, features, neighbours=5, seed=3).places for _ in range(2)]
    assert torch.equal(*drawn)


def test_the_number_of_threads_changes_no_bit_of_the_descent(digits, monkeypatch):
    before, drawn = torch.get_num_threads(), []
    for name, value in (("ALL_PAIRS", 100), ("EARLY", 20), ("STEPS", 20)):
        monkeypatch.setattr(tsne, name, value)
    reduced = digits[0][:, :50].contiguous()
    pull = tsne._affinities(reduced, 10.0)
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            drawn.append(tsne._descended(pull, reduced[:, 20:22].numpy() * np.float32(1e-4)))
    finally:
        torch.set_num_threads(before)
    assert (drawn[0] == drawn[1]).all()


@pytest.mark.parametrize("name", QUICK)
@pytest.mark.parametrize(("count", "width"), [(5, 3), (12, 1), (30, 2), (9, 40)])
def test_few_points_and_few_features_are_drawn(name, count, width):
    places = fit_map(name, noise(count, width), neighbours=2, seed=0).places
    assert places.shape == (count, 2)
    assert torch.isfinite(places).all()


@pytest.mark.parametrize("name", QUICK)
def test_equal_points_among_others_are_no_error(name):
    features = torch.cat([noise(40, 4), torch.ones(25, 4)])
    assert torch.isfinite(fit_map(name, features, neighbours=5, seed=0).places).all()


def test_isomap_unrolls_what_pca_lays_on_top_of_itself():
    points, along = make_swiss_roll(800, random_state=0)
    features = torch.from_numpy(points).float()
    order = {}
    for name in ("pca", "isomap"):
        places = fit_map(name, features, neighbours=10, seed=0).places.numpy()
        order[name] = max(abs(np.corrcoef(places[:, axis], along)[0, 1]) for axis in (0, 1))
    assert order["isomap"] > 0.97
    assert order["pca"] < 0.9


def test_more_points_than_landmarks_are_placed_among_these(monkeypatch, digits):
    monkeypatch.setattr(room, "LANDMARKS", 200)
    features, _ = digits
    for name in ("kernel_pca", "lle", "isomap"):
        drawn = draw_map(name, features, neighbours=10, seed=0)
        assert drawn.landmarks == 200
        assert faithfulness(features, drawn.places, 10, torch.arange(400)).trustworthiness > 0.75
    assert draw_map("pca", features, neighbours=10, seed=0).landmarks is None


def exact(places, shares):
    """t-SNE's loss, all pairs, in float64."""
    y = places.reshape(-1, 2)
    w = 1 / (1 + ((y[:, None] - y[None]) ** 2).sum(2))
    np.fill_diagonal(w, 0)
    q = w / w.sum()
    kept = shares > 0
    return float((shares[kept] * np.log(shares[kept] / q[kept])).sum())


def test_the_gradient_of_tsne_is_that_of_its_loss():
    features = noise(30, 5)
    pull = tsne._affinities(features, 5.0)
    shares = pull.toarray().astype(np.float64)
    assert shares.sum() == pytest.approx(1, abs=1e-5)
    places = noise(30, 2, seed=1).numpy() * 3
    push, total = tsne.all_pairs(places)
    upper = sparse.triu(pull, 1, "csr")
    sums = tsne.Attraction(upper, 0, 12)(places) + tsne.Attraction(upper, 12, 30)(places)
    found = 4 * (places * sums[:, :1] - sums[:, 1:] - push / total)
    wanted = approx_fprime(places.ravel().astype(np.float64), exact, 1e-6, shares).reshape(-1, 2)
    np.testing.assert_allclose(found, wanted, atol=1e-3 * np.abs(wanted).max())


@pytest.mark.parametrize("repulsion", [tsne.all_pairs, tsne.through_grid])
@pytest.mark.parametrize("scale", [1e-4, 1.0, 10.0, 60.0])
def test_repulsion_is_that_of_all_pairs(scale, repulsion):
    places = noise(500, 2).numpy() * np.float32(scale)
    y = places.astype(np.float64)
    apart = y[:, None] - y[None]
    w = 1 / (1 + (apart**2).sum(2))
    np.fill_diagonal(w, 0)
    push, total = repulsion(places)
    wanted = (w[:, :, None] ** 2 * apart).sum(1)
    assert total == pytest.approx(w.sum(), rel=0.03, abs=0.03 * len(places))
    assert np.linalg.norm(push - wanted) < 0.1 * np.linalg.norm(wanted)


def test_every_row_of_affinities_has_the_perplexity_asked_for():
    squared = noise(50, 40).square().sort(dim=1).values * 1e4
    shares = tsne.conditional(squared, 12.0)
    entropy = torch.special.entr(shares).sum(dim=1)
    torch.testing.assert_close(entropy.exp(), torch.full((50,), 12.0), rtol=1e-3, atol=1e-3)


def slow_faithfulness(features, places, k):
    """By sorting everything."""
    count = len(features)
    far, near = (((x[:, None] - x[None]) ** 2).sum(2) for x in (features.astype(float), places.astype(float)))
    for one in (far, near):
        np.fill_diagonal(one, -1)
    by_far, by_near = (np.argsort(one, axis=1, kind="stable") for one in (far, near))
    intruding = missing = kept = 0
    for item in range(count):
        wanted, shown = by_far[item, 1 : k + 1].tolist(), by_near[item, 1 : k + 1].tolist()
        intruding += sum(by_far[item].tolist().index(one) - k for one in shown if one not in wanted)
        missing += sum(by_near[item].tolist().index(one) - k for one in wanted if one not in shown)
        kept += len({*wanted} & {*shown})
    scale = 2 / (count * k * (2 * count - 3 * k - 1))
    return 1 - scale * intruding, 1 - scale * missing, kept / (count * k)


@pytest.mark.parametrize("k", [1, 7, 20])
def test_faithfulness_is_what_sorting_and_scikit_learn_say(k, digits):
    features = digits[0][:90] + 0.1 * noise(90, 64, seed=2)  # no two distances are equal
    places = features[:, [10, 20]] + 0.5 * noise(90, 2)
    found = faithfulness(features, places, k, torch.arange(90))
    wanted = slow_faithfulness(features.numpy(), places.numpy(), k)
    assert (found.trustworthiness, found.continuity, found.kept) == pytest.approx(wanted, abs=1e-3)
    theirs = trustworthiness(features.numpy(), places.numpy(), n_neighbors=k)
    assert found.trustworthiness == pytest.approx(theirs, abs=1e-3)


def test_a_perfect_map_has_ones_and_a_random_one_half():
    features = noise(600, 2)
    perfect = faithfulness(features, features * 3 + 1, 10, torch.arange(600))
    assert (perfect.trustworthiness, perfect.continuity, perfect.kept) == pytest.approx((1, 1, 1), abs=1e-4)
    by_chance = faithfulness(features, noise(600, 2, seed=1), 10, torch.arange(600))
    assert by_chance.trustworthiness == pytest.approx(0.5, abs=0.03)
    assert by_chance.continuity == pytest.approx(0.5, abs=0.03)


def test_a_sample_says_what_all_say():
    features = noise(3000, 8)
    places = features[:, :2].contiguous()
    every, some = (faithfulness(features, places, 10, rows) for rows in (torch.arange(3000), torch.arange(0, 3000, 4)))
    assert some.asked == 750
    assert some.trustworthiness == pytest.approx(every.trustworthiness, abs=0.01)
    assert len(asked_about(5_000, 0)) == 5_000
    assert len(asked_about(70_000, 0).unique()) == 2_000
    assert not torch.equal(asked_about(70_000, 0), asked_about(70_000, 1))


def test_the_closest_are_those_of_the_smallest_distances():
    queries, anchors = noise(30, 9) + 100, noise(80, 9, seed=1) + 100
    found = closest(queries, anchors, 6)
    wanted = torch.cdist(queries.double(), anchors.double()).topk(6, largest=False)
    assert torch.equal(found.rows, wanted.indices)
    torch.testing.assert_close(found.squared.double(), wanted.values**2, atol=1e-3, rtol=1e-3)


def test_expected_seconds_grow_with_the_points():
    for name in MAPS:
        seconds = [expected_seconds(name, count) for count in (50, 500, 2_000, 10_000, 70_000, 1_000_000)]
        assert seconds == sorted(seconds)
        assert seconds[0] > 0
    assert expected_seconds("tsne", 10_000_000) > 100 * expected_seconds("tsne", 100_000) / 2


def test_judging_a_large_map_takes_longer_than_drawing_its_plane():
    assert judging_seconds(100) < 0.01
    assert judging_seconds(5_000) > judging_seconds(5_001), "of more points, some are asked about"
    assert judging_seconds(100_000) > expected_seconds("pca", 100_000)


def test_few_points_are_drawn_in_every_way_and_many_in_the_fast_ones():
    assert usual_maps(2_000) == list(MAPS)
    assert usual_maps(2_001) == ["pca", "tsne"]


def test_a_missing_library_is_named_with_what_adds_it(monkeypatch):
    monkeypatch.setattr(room, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'headstart\[maps\]'"):
        fit_map("umap", noise(30, 3), neighbours=5, seed=0)


def test_no_library_is_loaded_before_its_map_is_drawn():
    code = "import sys, headstart.evaluation.maps; print({'umap', 'numba', 'sklearn'} & {*sys.modules})"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
