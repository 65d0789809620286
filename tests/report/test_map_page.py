"""The page of maps: nothing of a user's is markup; in a real Chromium, pointer and keyboard find items on every map."""

import base64
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from test_browser import CHROMIUM, looked_at

from headstart.report import DrawnMap, MapPage, write_map_png, write_map_svg, write_maps
from headstart.report.map_figure import NO_LABEL

EVIL = "</script><script>alert(1)</script><b>'\"&"


def page(count=40, classes=13, *, added=None, titles=("PCA", "t-SNE", "LLE", EVIL)):
    made = np.random.default_rng(0)
    labels = np.arange(count) % (classes + 1) - 1 if classes else np.full(count, -1)
    pictures = {place: np.full((20, 30, 3), 6 * place % 255, np.uint8) for place in range(0, count, 2)}
    maps = [
        DrawnMap(title, made.normal(size=(count, 2)), 1.25, 0.987, 0.9, 0.5, 30 if place == 1 else None)
        for place, title in enumerate(titles)
    ]
    return MapPage(
        title=f"Maps {EVIL}",
        maps=maps,
        ids=[f"item {place} {EVIL}" for place in range(count)],
        labels=labels,
        classes=[f"class {place} {EVIL}" for place in range(classes)],
        neighbours=10,
        asked=count,
        added=added,
        pictures=pictures,
        notes=[EVIL],
        settings={"points": count, "into": EVIL},
    )


def test_everything_a_user_named_is_escaped_and_no_network_is_needed(tmp_path):
    write_maps(page(), tmp_path / "map.html")
    text = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert "<script>alert" not in text
    assert "<b>" not in text
    assert text.count("<script") == 2
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    told = json.loads(re.search(r'id="map-data">(.*?)</script>', text, re.DOTALL)[1])
    assert told["ids"][3] == f"item 3 {EVIL}"
    write_map_svg(page(), tmp_path / "map.svg")
    assert "<script>" not in (tmp_path / "map.svg").read_text(encoding="utf-8")


def test_figures_landmarks_and_time_are_on_the_page(tmp_path):
    write_maps(page(), tmp_path / "map.html")
    text = (tmp_path / "map.html").read_text(encoding="utf-8")
    assert "trustworthiness 0.987" in text
    assert "30 items, the others placed among them" in text
    assert "Over the 10 nearest neighbours of all items" in text
    assert text.count("1.2 s") == 8


def test_classes_are_told_apart_by_shape_besides_colour(tmp_path):
    write_map_svg(page(), tmp_path / "map.svg")
    text = (tmp_path / "map.svg").read_text(encoding="utf-8")
    marks = {}
    for fill, body in re.findall(r'<g fill="(#\w+)"[^>]*>(.*?)</g>', text):
        for shape in re.findall(r"<(circle|rect|path)", body):
            marks.setdefault((fill, shape), 0)
    assert len(marks) == 13 + 1


def test_the_picture_shows_every_map(tmp_path):
    write_map_png(page(400, 3), tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as drawn:
        pixels = np.asarray(drawn.convert("RGB")).astype(int)
    blue = (np.abs(pixels - [0x00, 0x72, 0xB2]).sum(axis=2) < 30).nonzero()
    assert {(int(x) // 632, int(y) // 716) for y, x in zip(*blue, strict=True)} >= {(0, 0), (1, 0), (2, 0), (0, 1)}


def test_items_without_a_label_are_in_the_legend(tmp_path):
    entry = '<button type="button" aria-pressed="false" data-class="-1">'
    for made, there in ((page(), True), (replace(page(), labels=np.arange(40) % 13), False), (page(classes=0), False)):
        write_maps(made, tmp_path / "map.html")
        text = (tmp_path / "map.html").read_text(encoding="utf-8")
        assert (entry in text) == there
        assert (f'fill="{NO_LABEL}" aria-hidden="true"' in text) == there


def test_very_many_labels_are_told_apart(tmp_path):
    count = 32_770
    made = replace(page(count, 1, titles=("PCA",)), labels=np.arange(count) - 1, pictures={})
    write_maps(made, tmp_path / "map.html")
    text = (tmp_path / "map.html").read_text(encoding="utf-8")
    packed = json.loads(re.search(r'id="map-data">(.*?)</script>', text, re.DOTALL)[1])["labels"]
    assert np.array_equal(np.frombuffer(base64.b64decode(packed), "<i4"), made.labels)


ACT = """
<script>
addEventListener("load", () => setTimeout(() => {
  document.getElementById("theme").click();
  const planes = [...document.querySelectorAll("canvas[data-map]")];
  const tip = document.getElementById("tip");
  const press = (key) => planes[0].dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
  const colours = (canvas) => {
    const all = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data, found = new Set();
    for (let at = 0; at < all.length; at += 4)
      if (all[at + 3] > 200) found.add([all[at], all[at + 1], all[at + 2]].join());
    return found.size;
  };
  const found = {
    wide: document.documentElement.scrollWidth, view: innerWidth, theme: document.documentElement.dataset.theme,
    planes: planes.length, square: planes.every((one) => Math.abs(one.clientWidth - one.clientHeight) < 2),
    reachable: planes.every((one) => one.tabIndex === 0), colours: colours(planes[0]), hidden: tip.hidden,
  };
  planes[0].focus();
  press("ArrowRight");
  found.first = tip.querySelector("p").textContent;
  found.rings = document.querySelectorAll(".ring:not([hidden])").length;
  const said = new Set([found.first]);
  for (const key of ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowLeft", "ArrowUp", "ArrowUp", "ArrowRight"]) {
    press(key);
    said.add(tip.querySelector("p").textContent);
  }
  found.visited = said.size;
  press("Escape");
  found.gone = tip.hidden;
  const ring = planes[1].nextElementSibling;
  const pointer = (x, y) => {
    const frame = planes[1].getBoundingClientRect(), [clientX, clientY] = [frame.left + x, frame.top + y];
    planes[1].dispatchEvent(new PointerEvent("pointermove", {clientX, clientY, bubbles: true}));
  };
  press("ArrowLeft");
  const text = tip.querySelector("p").textContent, [x, y] = [parseFloat(ring.style.left), parseFloat(ring.style.top)];
  press("Escape");
  pointer(x, y);
  found.pointed = tip.querySelector("p").textContent === text && !tip.hidden;
  found.inside = tip.getBoundingClientRect().right <= innerWidth && tip.getBoundingClientRect().bottom <= innerHeight;
  found.pictures = 0;
  for (let at = 0; at < 60; at += 1) {
    press(["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"][Math.floor(at / 4) % 4]);
    const tile = tip.querySelector(".tile");
    if (!tile.hidden && tile.style.backgroundImage.startsWith("url(")) found.pictures++;
  }
  const button = document.querySelector(".legend button");
  if (button) { button.click(); found.picked = colours(planes[0]); button.click(); found.back = colours(planes[0]); }
  const untold = document.querySelector('.legend button[data-class="-1"]');
  if (untold) { untold.click(); found.untold = colours(planes[0]); untold.click(); }
  document.body.innerHTML = "<pre id=found></pre>";
  document.getElementById("found").textContent = JSON.stringify(found);
}, 300));
</script></body>"""


def acted(made, tmp_path, width):
    write_maps(made, tmp_path / "map.html")
    return looked_at(tmp_path / "map.html", tmp_path, width, ACT)


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("width", [500, 1200])
def test_pointer_and_keyboard_find_items_on_every_map(tmp_path, width):
    made = page(titles=("PCA", "t-SNE", "LLE"))
    found = acted(made, tmp_path, width)
    assert found["wide"] <= found["view"]
    assert found["theme"] in ("dark", "light")
    assert found["planes"] == 3
    assert found["square"]
    assert found["reachable"]
    assert found["colours"] >= 10
    assert found["hidden"]
    assert found["first"].startswith(("class", "no label"))
    assert found["rings"] == 3, "an item is marked on every map"
    assert found["visited"] >= 4
    assert found["gone"]
    assert found["pointed"]
    assert found["inside"]
    assert found["pictures"] > 5
    assert 1 <= found["picked"] < found["colours"] <= found["back"] + 2
    assert 1 <= found["untold"] < found["colours"], "no label is picked out too"


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_added_items_are_named_and_maps_without_classes_work(tmp_path):
    made = page(12, 0, added=np.arange(12) >= 4, titles=("PCA", "t-SNE"))
    found = acted(made, tmp_path, 800)
    assert found["rings"] == 2
    assert "picked" not in found
    assert found["visited"] >= 2
