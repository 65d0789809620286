"""`map` draws what `embed` wrote, says how long it will take, places new items, and refuses what it can't draw."""

import json
import re

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

import headstart
from headstart.evaluation import maps
from headstart.transfer import Embeddings, count_embeddings, read_embeddings, write_embeddings
from headstart.verbs import map as verb

FAST = ("--methods", "pca,tsne")


def table(path, count=60, width=5, *, labels=3, seed=0, first=0):
    """Features around a centre a class, as `embed` writes them; `labels` 0: none."""
    made = np.random.default_rng(seed)
    kinds = made.integers(0, max(labels, 1), count)
    features = made.normal(0, 1, (count, width)) + 6 * np.eye(max(labels, 1), width)[kinds]
    names = tuple(f"kind {kind} <i>" if labels else None for kind in kinds)
    ids = tuple(f"{first + place}" for place in range(count))
    rows = Embeddings(path.stem, ids, (None,) * count, names, ("train",) * count, torch.from_numpy(features).float())
    write_embeddings(rows, path)
    return path


@pytest.fixture
def few(tmp_path):
    return table(tmp_path / "few.parquet")


def test_six_maps_of_few_points_with_their_figures_and_files(call, tmp_path, few, monkeypatch):
    monkeypatch.setattr(maps.MapMethod, "is_installed", lambda self: self.package is None)
    code, out, err = call("map", few, "-o", tmp_path / "out", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert [one["method"] for one in found["maps"]] == ["pca", "kernel_pca", "lle", "isomap", "tsne"]
    assert "UMAP is left out" in err
    assert "pip install 'headstart[maps]'" in err
    assert re.search(r"60 points: PCA about .*, t-SNE about \d+ s, and judging how faithful they are about 1 s", err), (
        "the time is said before"
    )
    for one in found["maps"]:
        assert one["points"] == 60
        assert one["seconds"] > 0
        assert all(0.4 < one[name] <= 1 for name in ("trustworthiness", "continuity"))
        assert 0.1 < one["neighbours_kept"] <= 1
    names = ["map.html", "map.png", "map.svg", "map.parquet", "map.json"]
    assert found["files"] == [str(tmp_path / "out" / name) for name in names]
    page = (tmp_path / "out/map.html").read_text(encoding="utf-8")
    assert "kind 0 <i>" not in page
    svg = (tmp_path / "out/map.svg").read_text(encoding="utf-8")
    assert sum(svg.count(shape) for shape in ("<circle", "<rect", "<path")) == 5 * 60 + 3 + 5 + 1
    with Image.open(tmp_path / "out/map.png") as drawn:
        assert drawn.size[0] > 1500


def test_it_lies_under_runs_by_default_and_a_person_gets_a_table(call, tmp_path, few, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = call("map", few, "--methods", "pca")
    assert code == 0, err
    assert re.search(r"^pca +\d\.\d +0\.\d{3}", out, re.MULTILINE)
    assert out.rstrip().endswith(str(tmp_path / "runs/few-map/map.html"))


def test_the_first_points_are_drawn_or_a_sample_of_them(call_json, tmp_path, few, monkeypatch):
    def ids(*flags):
        found = call_json("map", few, *FAST, "--points", 30, *flags)
        return pq.read_table(found["files"][3])["id"].to_pylist()

    monkeypatch.chdir(tmp_path)

    assert ids() == [str(place) for place in range(30)]
    some = ids("--sample")
    assert len(set(some)) == 30
    assert some != ids()
    assert some == ids("--sample", "--seed", 0)
    assert some != ids("--sample", "--seed", 1)


def test_the_same_command_gives_the_same_bytes(call_json, tmp_path, few):
    for folder in ("a", "b"):
        call_json("map", few, *FAST, "-o", tmp_path / folder)
    assert (tmp_path / "a/map.parquet").read_bytes() == (tmp_path / "b/map.parquet").read_bytes()


def kept(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def test_another_map_is_never_written_over(call, tmp_path, few, monkeypatch):
    monkeypatch.chdir(tmp_path)
    runs, asked = tmp_path / "runs", ("map", few, "--methods", "pca")
    assert call(*asked)[0] == 0
    before = kept(runs / "few-map")
    for flags, folder in ((("--seed", 4), "few-map-2"), (("--neighbors", 3), "few-map-3"), ((), "few-map")):
        code, out, err = call(*asked, *flags)
        assert (code, out.rstrip().endswith(str(runs / folder / "map.html"))) == (0, True), err
        assert ("has another result of map" in err) == (folder != "few-map")
    code, _, err = call("map", few, "--seed", 4, "--methods", "pca,lle", "-o", runs / "few-map")
    assert code == 2
    assert "other settings: --methods pca,lle (there pca), --seed 4 (there 0)" in err
    table(few, seed=9)
    code, _, err = call(*asked, "-o", runs / "few-map")
    assert code == 2
    assert "other settings: embeddings " in err
    assert kept(runs / "few-map")["map.parquet"] == before["map.parquet"]
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/photo.jpg").write_text("x")
    code, _, err = call(*asked, "-o", tmp_path / "mine")
    assert code == 2
    assert "has files that are no result of map" in err
    assert kept(tmp_path / "mine") == {"photo.jpg": b"x"}


@pytest.mark.parametrize("recorded", [True, False])
def test_items_are_never_placed_over_the_map_that_they_join(call, tmp_path, few, monkeypatch, recorded):
    monkeypatch.chdir(tmp_path)
    there = tmp_path / "runs/few-map"
    assert call("map", few, "--methods", "pca")[0] == 0
    if not recorded:
        (there / "map-settings.json").unlink()
    before = kept(there)
    code, _, err = call("map", few, "--into", there)
    assert code == 0
    assert f"this one goes to {there}-2" in err
    assert kept(there) == before
    code, _, err = call("map", few, "--into", there, "-o", there)
    assert code == 2
    assert str(there) in err
    assert kept(there) == before


def test_several_files_are_drawn_together(call_json, tmp_path, few):
    more = table(tmp_path / "more.parquet", 20, first=100, seed=1)
    found = call_json("map", few, more, "--methods", "pca", "-o", tmp_path / "o")
    assert found["maps"][0]["points"] == 80
    found = call_json("map", few, more, "--methods", "pca", "--points", 40, "-o", tmp_path / "p")
    assert pq.read_table(tmp_path / "p/map.parquet")["id"].to_pylist() == [str(place) for place in range(40)]


@pytest.mark.parametrize("method", ["pca", "kernel_pca", "lle", "isomap", "tsne"])
def test_new_items_land_in_a_map_beside_their_like(call_json, tmp_path, few, method):
    call_json("map", few, "--methods", method, "-o", tmp_path / "there")
    new = table(tmp_path / "new.parquet", 25, seed=5)
    found = call_json("map", new, "--into", tmp_path / "there", "-o", tmp_path / "placed")
    assert [(one["method"], one["points"]) for one in found["maps"]] == [(method, 25)]
    old, placed = (pq.read_table(tmp_path / folder / "map.parquet").to_pylist() for folder in ("there", "placed"))
    assert len(placed) == 25
    right = 0
    for row in placed:
        near = sorted(old, key=lambda one: np.hypot(*np.subtract(one[method], row[method])))[:3]
        right += sum(one["label"] == row["label"] for one in near) >= 2
    assert right >= 20
    page = (tmp_path / "placed/map.html").read_text(encoding="utf-8")
    assert "85 items, 25 of them added" in page


def test_old_items_get_the_places_they_had(call_json, tmp_path, few):
    call_json("map", few, *FAST, "-o", tmp_path / "there")
    call_json("map", few, "--into", tmp_path / "there", "-o", tmp_path / "again")
    old, again = (pq.read_table(tmp_path / folder / "map.parquet") for folder in ("there", "again"))
    for name in ("pca", "tsne"):
        was, now = (np.array(one[name].to_pylist()) for one in (old, again))
        assert np.linalg.norm(was - now, axis=1).mean() < 0.1 * was.std()


@pytest.mark.parametrize("labels", [0, 1])
def test_one_class_or_none_is_drawn(call, tmp_path, labels):
    path = table(tmp_path / "plain.parquet", labels=labels)
    code, _, err = call("map", path, "--methods", "pca", "-o", tmp_path / "o")
    assert code == 0, err
    page = (tmp_path / "o/map.html").read_text(encoding="utf-8")
    assert ("No item has a label" in page) == (labels == 0)


def test_above_two_thousand_the_fast_ones_are_drawn_and_others_on_landmarks(call, tmp_path, few, monkeypatch):
    monkeypatch.setattr("headstart.evaluation.maps.drawing.LANDMARKS", 40)
    code, out, err = call("map", few, "-o", tmp_path / "o", "--json")
    assert code == 0, err
    assert [one["method"] for one in json.loads(out)["maps"]] == ["pca", "tsne"]
    code, out, err = call("map", few, "--methods", "isomap", "-o", tmp_path / "i", "--json")
    assert json.loads(out)["maps"][0]["landmarks"] == 40
    assert "fitted on 40" in err
    assert "40 items, the others placed among them" in (tmp_path / "i/map.html").read_text(encoding="utf-8")


def test_of_very_many_a_sample_is_drawn_and_said_so(call, tmp_path, few, monkeypatch):
    monkeypatch.setattr(verb, "MOST", 50)
    code, out, err = call("map", few, *FAST, "-o", tmp_path / "o", "--json")
    assert code == 0, err
    assert "60 items: 50 of them, chosen at random, are drawn" in err
    assert json.loads(out)["maps"][0]["points"] == 50
    code, out, err = call("map", few, *FAST, "--points", 60, "-o", tmp_path / "p", "--json")
    assert json.loads(out)["maps"][0]["points"] == 60, "whoever asks for them gets them"


def test_pictures_come_from_files_or_from_the_data(call_json, call, photos, run, tmp_path):
    call_json("embed", run, "digits", "--split", "test", "-o", tmp_path / "digits.parquet")
    flags = ("--points", 40, "--methods", "pca")
    call_json("map", tmp_path / "digits.parquet", *flags, "-o", tmp_path / "o")
    assert "--data SOURCE" in (tmp_path / "o/map.html").read_text(encoding="utf-8")
    call_json("map", tmp_path / "digits.parquet", *flags, "--data", "digits", "-o", tmp_path / "d")
    page = (tmp_path / "d/map.html").read_text(encoding="utf-8")
    assert json.loads(re.search(r'id="map-data">(.*?)</script>', page)[1])["pictures"]["sizes"] == [[8, 8]] * 40
    data = headstart.load(photos)
    made = data.items.float().mean(dim=(2, 3))
    rows = Embeddings(
        "p", data.ids, tuple(map(str, data.paths)), data.label_names(data.indices("all")), data.split, made
    )
    write_embeddings(rows, tmp_path / "photos.parquet")
    call_json("map", tmp_path / "photos.parquet", "--methods", "pca", "-o", tmp_path / "p")
    page = (tmp_path / "p/map.html").read_text(encoding="utf-8")
    assert len(json.loads(re.search(r'id="map-data">(.*?)</script>', page)[1])["pictures"]["items"]) == 40
    code, _, err = call("map", tmp_path / "photos.parquet", *flags, "--data", "digits", "-o", tmp_path / "d")
    assert code == 2
    assert "digits has no item" in err


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ((), "a file of features"),
        (("nothing.parquet",), "there is no such file"),
        (("few.parquet", "--neighbors", "30"), "needs more than 60 items, and few has 60: take --neighbors 29"),
        (("few.parquet", "--points", "4"), "few has 4: so few can't be drawn"),
        (("few.parquet", "--points", "0"), "--points 0 is out of range"),
        (("few.parquet", "--neighbors", "1"), "--neighbors 1 is out of range"),
        (("few.parquet", "--sample"), "give --points too"),
        (("few.parquet", "--methods", "tnse"), "--methods tnse: there is no such map; did you mean tsne?"),
        (("few.parquet", "--methods", "best"), "pca, kernel_pca, lle, isomap, tsne, umap"),
        (("few.parquet", "--into", "nowhere"), "nowhere is no folder of a map"),
        (("few.parquet", "--into", "there", "--neighbors", "5"), "--neighbors is that of its maps"),
        (("few.parquet", "--into", "placed"), "holds items that were placed into"),
        (("few.parquet", "--into", "there", "--methods", "tsne"), "--methods tsne: there has no tsne; it has pca."),
        (("few.parquet", "--into", "there", "--methods", "best"), "there is no such map; choose among pca, or all"),
        (("wide.parquet", "--into", "there"), "wide has 7 features an item"),
        (("few.parquet", "wide.parquet"), "few has 5 features an item and wide 7"),
        (("few.parquet", "few.parquet"), "share an id"),
        (("nan.parquet",), "1 of its 60 embeddings are empty, NaN or infinite"),
        (("same.parquet",), "all 60 embeddings are equal"),
        (("huge.parquet",), "huge: the embeddings reach 3e+20, and distances beyond 1e+12 overflow"),
        (("huge.parquet", "--into", "there"), "huge: the embeddings reach 3e+20"),
        (("tiny.parquet",), "tiny: the embeddings differ by 2e-25 at most"),
        (("few.parquet", "-o", "few.parquet"), "is a file: name a folder with -o"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_in_a_line_or_two(call, tmp_path, few, monkeypatch, flags, says):
    monkeypatch.chdir(tmp_path)
    table(tmp_path / "wide.parquet", width=7, first=200)
    for name, others, value in (("nan", 1, float("nan")), ("same", 1, 1), ("huge", 1, 3e20), ("tiny", 0, 2e-25)):
        features = torch.full((60, 5), float(others))
        features[5, 1] = value
        ids = tuple(map(str, range(60)))
        rows = Embeddings(name, ids, (None,) * 60, (None,) * 60, ("train",) * 60, features)
        write_embeddings(rows, tmp_path / f"{name}.parquet")
    if "--into" in flags:
        assert call("map", few, "--methods", "pca", "-o", "there")[0] == 0
        assert call("map", few, "--into", "there", "-o", "placed")[0] == 0
    code, out, err = call("map", *flags, "--json")
    assert code == 2, err
    assert out == ""
    assert says in err
    assert len(err.strip().splitlines()) <= 3


def test_of_a_sample_no_other_rows_are_held(tmp_path):
    path = table(tmp_path / "many.parquet", 70_000, 2, labels=0)  # more than a batch of the reader
    assert count_embeddings(path) == 70_000
    some, every = read_embeddings(path, torch.tensor([0, 5, 69_999])), read_embeddings(path)
    assert some.ids == ("0", "5", "69999")
    assert torch.equal(some.features, every.features[[0, 5, 69_999]])
