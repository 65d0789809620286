"""Pages are one file, need no network, escape what users named, and say in words what they draw."""

import base64
import io
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import combinations

import numpy as np
import pytest
import torch
from PIL import Image

from headstart.backbones import build_encoder
from headstart.report import (
    ComparisonPage,
    Confusion,
    Filters,
    GivenBack,
    LookPage,
    Neighbours,
    PointMap,
    ReconstructionPage,
    Reconstructions,
    ShownViews,
    TuningPage,
    filter_pictures,
    item_grid_png,
    two_dimensional_map,
    write_comparison,
    write_look,
    write_reconstruction,
    write_tuning,
)
from headstart.report.charts import Line, heat_map, line_chart, mark, round_values, scatter
from headstart.report.markup import PALETTE, escape

EVIL = "<script>alert('x')</script> & \"quotes\" 🦊"
VOID = {"meta", "link", "img", "br"}
SHAPES = {"circle", "rect", "line", "path", "polyline", "polygon"}
"""May close themselves, or hold the title of what they draw."""


class Reader(HTMLParser):
    """Checks that tags close in order, and collects what a test asks about."""

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.scripts, self.images = [], [], [], 0, []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if "id" in found:
            self.ids.append(found["id"])
        self.links += [value for name, value in attrs if name in ("href", "src") and value]
        self.scripts += tag == "script"
        if tag == "img":
            self.images.append(found)
        if tag not in VOID and tag not in SHAPES:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert tag in SHAPES

    def handle_endtag(self, tag):
        if tag not in SHAPES:
            assert self.open.pop() == tag


def read(path):
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    assert reader.open == []
    return reader


def picture(value=100, channels=1):
    return np.full((8, 8, channels), value, dtype=np.uint8)


def row(route, k, accuracy, **more):
    base = {
        "route": route, "labels_per_class": k, "accuracy": accuracy, "head": "linear", "heads": {}, "seconds": 3.0,
        "interval": None if accuracy is None else [accuracy - 0.02, accuracy + 0.02], "peak_memory_bytes": 10**9,
        "state": "done", "why": None, "collapsed": False, "run": "/r",
    }  # fmt: skip
    return {**base, **more}


def given_back(seen):
    item = GivenBack(EVIL, picture(), seen, picture(7), 0.25)
    return Reconstructions(9, 0.5, EVIL, {"Best": [item], "Worst": [item]}, remark=EVIL, between=[picture()] * 4)


def full_page():
    rows = [row("raw", 1, 0.8), row("raw", "all", 0.9), row(EVIL, 1, 0.9, collapsed=True), row(EVIL, "all", 0.95)]
    rows[2]["suggested"] = {"labels": 2, "accuracy": 0.923, "interval": [0.9, 0.95]}
    rows.append(row("byol", 1, None, state="failed", why=EVIL))
    pair = {"a": "raw", "b": EVIL, "labels_per_class": 1, "difference": -0.1, "interval": [-0.2, -0.01], "verdict": "b"}
    points = np.random.default_rng(0).random((30, 2))
    return ComparisonPage(
        title=EVIL,
        advice=f"Use {EVIL}.\nSecond paragraph.",
        data={"name": EVIL, "items": 100, "train": 75, "test": 25, "classes": {EVIL: 50, "b": 50}},
        rows=rows,
        paired=[pair],
        best={"route": EVIL, "run": "/x"},
        classes=(EVIL, "b"),
        commands=[("Use it", f"headstart predict '{EVIL}'")],
        curves={EVIL: [{"step": s, "loss": 3 / (s + 1), "rank_me": 5.0 if s % 2 else None} for s in range(30)]},
        health={EVIL: {"rank_me": 4.2, "alignment": 0.3, "uniformity": -2.0, "collapsed": True}},
        maps={EVIL: PointMap(points, np.arange(30) % 2, [EVIL] * 30)},
        neighbours={EVIL: Neighbours([(picture(), EVIL)], [[(picture(9), EVIL), (picture(7), "b")]])},
        views={"simclr": ShownViews(EVIL, [(EVIL, picture(channels=3), [picture(channels=3)] * 2)])},
        confusion={EVIL: Confusion(1, np.array([[9, 1], [0, 10]]))},
        given_back={EVIL: given_back(picture(9))},
        filters={EVIL: Filters([picture(channels=3)] * 20, 40, (8, 8)), "b": Filters([picture()], 1, (8, 8))},
        settings={EVIL: {"temperature": 0.5, "nested": {"a": [1, 2]}, EVIL: None}},
        to_label=[(EVIL, picture(5)), ("b/1.png", picture(6))],
        labelling=[f"headstart suggest '{EVIL}'"],
        judging=["How."],
        notes=[EVIL],
        skipped=[(EVIL, "broken")],
        duplicates=[("a", EVIL)],
        near_duplicates=[("c", EVIL)],
        environment={"torch": "2"},
    )


@pytest.fixture
def written(tmp_path):
    write_comparison(full_page(), tmp_path / "report.html")
    return tmp_path / "report.html"


def test_the_report_is_well_formed_and_has_every_section(written):
    reader = read(written)
    sections = ["verdict", "leaderboard", "accuracy", "pairs", "maps", "neighbours", "views", "training", "confusion"]
    more = {"costs", "judging", "data", "settings", "given-back", "filters"}
    assert set(sections) | more <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))


def test_what_to_label_and_what_that_would_be_worth_are_shown(written):
    text = written.read_text(encoding="utf-8")
    assert "If you label the ones we suggest" in text
    assert "2 in all: 92.3 <small>90.0–95.0</small>" in text
    part = text[text.index('id="to-label"') :].partition("</section>")[0]
    assert part.count("<img ") == 2
    assert "headstart suggest" in part


def part_of(path, name):
    text = path.read_text(encoding="utf-8")
    return text[text.index(f'id="{name}"') :].partition("</section>")[0]


def test_what_went_in_what_was_seen_and_what_came_back(written, tmp_path):
    part = part_of(written, "given-back")
    assert part.count("<img ") == 2 * 3 + 4
    assert part.count("0.2500") == 2
    for name in ("as it is", "as it was seen", "given back"):
        assert part.count(f'🦊, {name}" title') == 2
    same = {"r": given_back(None)}
    write_comparison(replace(full_page(), given_back=same), tmp_path / "same.html")
    part = part_of(tmp_path / "same.html", "given-back")
    assert part.count("<img ") == 2 * 2 + 4
    assert "seen" not in part.partition("</p>")[2]


def test_a_report_shows_of_a_route_what_the_page_of_its_reconstructions_shows(written, tmp_path):
    shown = full_page().given_back[EVIL]
    write_reconstruction(ReconstructionPage(EVIL, shown, {"seed": 0}), tmp_path / "reconstruct.html")
    page, route = part_of(tmp_path / "reconstruct.html", "given-back"), part_of(written, "given-back")
    strips = route.partition("</summary>")[2].partition("</details>")[0]
    assert page.endswith(strips)
    assert strips.startswith(f"<p>{escape(EVIL)}</p><h3>Best</h3>"), "the remark first"
    said = f"9 items · mean {escape(EVIL)} 0.5000"
    assert f"{escape(EVIL)}: {said}</summary>" in route
    assert said in (tmp_path / "reconstruct.html").read_text(encoding="utf-8")
    assert read(tmp_path / "reconstruct.html").scripts == 1


def test_filters_are_one_picture_a_route(written):
    part = part_of(written, "filters")
    assert part.count("<img ") == 2
    assert "the first 20 of 40, 8×8" in part
    assert "1, 8×8" in part
    shown = Reader()
    shown.feed(part)
    with Image.open(io.BytesIO(base64.b64decode(shown.images[0]["src"].partition(",")[2]))) as sheet:
        found = np.asarray(sheet)
    assert found.shape == (3 * 9 - 1, 8 * 9 - 1, 4)
    inside = np.array([[y % 9 < 8 and x % 9 < 8 and y // 9 * 8 + x // 9 < 20 for x in range(71)] for y in range(26)])
    assert (found[inside] == (100, 100, 100, 255)).all()
    assert (found[~inside] == 0).all()


def test_each_filter_is_drawn_around_grey_by_its_own_largest_weight():
    encoder = build_encoder("cnn", (1, 8, 8), mean=[0.5], deviation=[0.2])
    with torch.no_grad():
        weight = encoder.backbone.block1[0].weight
        weight[0] *= 1e-3
        weight[1, 0, 0, 0] = 0
        weight[2] = 0
    drawn = filter_pictures(encoder)
    assert (drawn.total, drawn.size, len(drawn.pictures)) == (16, (3, 3), 16)
    for number, one in enumerate(drawn.pictures):
        filter_ = weight[number, 0].detach().numpy()
        largest = max(float(np.abs(filter_).max()), 1e-30)
        assert np.abs(one[:, :, 0] - (127.5 + 127.5 * filter_ / largest)).max() <= 0.51
    assert drawn.pictures[1][0, 0] == 128
    assert (drawn.pictures[2] == 128).all()


def test_large_filters_are_few_and_averaged_down():
    encoder = build_encoder("mlp", (3, 64, 48), mean=[0.5] * 3, deviation=[0.2] * 3)
    drawn = filter_pictures(encoder)
    assert (drawn.total, drawn.size) == (512, (64, 48))
    assert {one.shape for one in drawn.pictures} == {(32, 32, 3)}
    assert len(drawn.pictures) == 21


def test_without_such_figures_there_is_no_such_column(tmp_path):
    page = replace(full_page(), rows=[row("raw", 1, 0.8)], to_label=())
    write_comparison(page, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "If you label" not in text
    assert 'id="to-label"' not in text


def test_it_needs_no_network_and_is_small(written):
    for link in read(written).links:
        assert link.startswith(("data:", "#"))
    text = written.read_text(encoding="utf-8")
    assert "@import" not in text
    assert "url(" not in text
    assert len(text) < 200_000


def test_what_users_named_is_escaped_everywhere(written):
    text = written.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    assert read(written).scripts == 1


def test_every_picture_says_what_it_shows(written):
    reader = read(written)
    assert reader.images
    assert all(image.get("alt") for image in reader.images)
    text = written.read_text(encoding="utf-8")
    decoration = text.count('aria-hidden="true"')  # the marks of the legend, whose names stand beside them
    assert text.count("<svg") == text.count('role="img" aria-label="') + decoration


def test_failures_and_collapse_are_said(written):
    text = written.read_text(encoding="utf-8")
    assert ">failed<" in text
    assert ">collapsed<" in text


def test_a_page_with_nothing_but_the_verdict(tmp_path):
    page = ComparisonPage("t", "No labels.", {"name": "d", "items": 3, "train": 2, "test": 1}, [], [])
    write_comparison(page, tmp_path / "r.html")
    reader = read(tmp_path / "r.html")
    assert "maps" not in reader.ids
    assert "verdict" in reader.ids


def test_the_look_page(tmp_path):
    page = LookPage(
        title=EVIL,
        data={"name": EVIL, "items": 4, "shape": [1, 8, 8]},
        classes={EVIL: 4},
        splits={"train": 3, "test": 1},
        items=[(EVIL, picture())],
        views=ShownViews("s", [(EVIL, picture(), [picture()])]),
        duplicates=[("a", "b")],
        near_duplicates=[[(EVIL, picture()), ("b", picture())]],
        near_groups=7,
        skipped=[(EVIL, "r")],
    )
    write_look(page, tmp_path / "look.html")
    sections = {"items", "views", "classes", "data", "duplicates", "near-duplicates", "skipped"}
    assert sections <= set(read(tmp_path / "look.html").ids)
    text = (tmp_path / "look.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "The first 1 of 7 groups." in text


def test_a_fine_tuned_networks_page_says_why_it_has_no_curve(tmp_path):
    for why, there in ((EVIL, True), ("", False)):
        write_tuning(TuningPage(EVIL, [EVIL], (EVIL, "b"), no_few_label=why), tmp_path / "report.html")
        text = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert ("few-labels" in read(tmp_path / "report.html").ids) == there
        assert EVIL not in text
        assert (escape(EVIL) in text.partition('id="few-labels"')[2].partition("</section>")[0]) == there


def test_the_lines_of_a_chart_are_where_the_values_are():
    drawn = line_chart([Line("a", [0, 1, 2], [0.0, 0.5, 1.0]), Line("b", [], [])], title="t", x_label="x", y_label="y")
    places = drawn.split('points="')[1].split('"')[0].split()
    x, y = zip(*(map(float, place.split(",")) for place in places), strict=True)
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.2)
    assert y[0] - y[1] == pytest.approx(y[1] - y[2], abs=0.2)
    assert y[0] > y[2]
    assert line_chart([], title="t", x_label="x", y_label="y") == ""


def test_a_map_has_a_mark_an_item_and_a_group_a_class():
    drawn = scatter(np.random.default_rng(0).random((45, 2)), np.arange(45) % 25 - 1, ["c"] * 24, title="m")
    assert sum(drawn.count(shape) for shape in ("<circle", "<rect", "<path")) == 45
    assert drawn.count("data-class=") == 25


COLOUR_BLINDNESS = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
    "none": np.eye(3),
}
"""Machado et al. 2009, severity 1: what linear sRGB looks like."""


@pytest.mark.parametrize("blindness", COLOUR_BLINDNESS)
def test_colour_blind_readers_tell_marks_of_one_shape_apart(blindness):
    color = pytest.importorskip("skimage.color", reason="scikit-image isn't installed")
    srgb = np.array([[int(tone[at : at + 2], 16) / 255 for at in (1, 3, 5)] for tone in PALETTE])
    linear = np.where(srgb > 0.04045, ((srgb + 0.055) / 1.055) ** 2.4, srgb / 12.92)
    looks = np.clip(linear @ np.array(COLOUR_BLINDNESS[blindness]).T, 0, 1)
    lab = color.rgb2lab(np.where(looks > 0.0031308, 1.055 * looks ** (1 / 2.4) - 0.055, 12.92 * looks))
    shape = [re.match("<[a-z]+", mark(place, 0, 0))[0] for place in range(len(PALETTE))]
    alike = [pair for pair in combinations(range(len(PALETTE)), 2) if shape[pair[0]] == shape[pair[1]]]
    assert len(alike) == 6 + 3 + 3, "four circles, three squares, three triangles"
    assert min(np.linalg.norm(lab[a] - lab[b]) for a, b in alike) > 15


def test_a_heat_map_names_every_cell():
    drawn = heat_map(np.array([[3, 1], [0, 4]]), ["cat", "dog"], title="c")
    assert "cat taken for dog: 25.0 %" in drawn
    assert "dog: 100.0 %" in drawn
    assert "dog taken for cat" not in drawn, "nothing was"
    many = heat_map(np.eye(200), [f"class {number}" for number in range(200)], title="c")
    assert len(many) < 200_000, "most cells of many classes are empty, and not drawn"


@pytest.mark.parametrize("count", [1, 5, 60])
def test_maps_of_few_and_many_items_separate_what_is_separate(count):
    rng = np.random.default_rng(0)
    features = np.concatenate([rng.normal(size=(count, 6)) * 0.05 + centre for centre in np.eye(6)[:2]])
    points = two_dimensional_map(features.astype(np.float32), 0)
    assert points.shape == (2 * count, 2)
    assert np.isfinite(points).all()
    if count > 1:
        within = np.linalg.norm(points[:count] - points[:count].mean(0), axis=1).mean()
        assert np.linalg.norm(points[:count].mean(0) - points[count:].mean(0)) > 2 * within


def test_a_map_of_collapsed_features_is_no_error():
    assert np.isfinite(two_dimensional_map(np.ones((30, 4), dtype=np.float32), 0)).all()


def test_the_grid_is_a_png_of_all_items(tmp_path):
    item_grid_png([picture(250)] * 11, [EVIL] * 11, tmp_path / "g.png")
    with Image.open(tmp_path / "g.png") as drawn:
        assert drawn.size[0] > 8 * 96
        assert drawn.size[1] > 2 * 96
        assert drawn.getpixel((60, 60)) == (250, 250, 250)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.79, 1.0, [0.8, 0.85, 0.9, 0.95, 1.0]),
        (-0.3, 9.7, [0, 2, 4, 6, 8]),
        (2990.0, 3010.0, [2990, 2995, 3000, 3005, 3010]),
    ],
)
def test_axes_have_round_values(low, high, expected):
    assert round_values(low, high) == pytest.approx(expected)
