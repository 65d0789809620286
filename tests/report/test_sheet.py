"""The sheet: in its text nothing of a user's is markup; in a real Chromium, labels given by key come back by `load`."""

import csv
import json
import re
import subprocess

import numpy as np
import pytest
from PIL import Image
from test_browser import CHROMIUM

import headstart
from headstart.report import SheetItem, SheetPage, write_sheet

CLASSES = ("plain", 'with "quotes", and a comma', "<b>bold</b> & co", "émoji 🦊", "</script><script>alert(1)</script>")


def sheet(tmp_path, classes=CLASSES, known=()):
    items = []
    (tmp_path / "photos").mkdir(exist_ok=True)
    for place in range(7):
        pixels = np.full((20, 30, 3), 30 * place, dtype=np.uint8)
        path = tmp_path / "photos" / f"{place}, 'x' & \"y\" <i>.png"
        Image.fromarray(pixels).save(path)
        items.append(SheetItem(path.name, str(path), "typical <of> 9", pixels if place != 5 else None))
    write_sheet(SheetPage("Photos <to label>", items, classes, known), tmp_path / "sheet.html")
    return tmp_path / "sheet.html"


def test_everything_a_user_named_is_escaped(tmp_path):
    page = sheet(tmp_path).read_text(encoding="utf-8")
    assert "<b>bold" not in page
    assert "<script>alert" not in page
    assert "Photos <to" not in page
    assert page.count("<script") == 2
    told = json.loads(re.search(r'id="sheet-data">(.*?)</script>', page, re.DOTALL)[1])
    assert tuple(told["classes"]) == CLASSES


def test_it_needs_no_network_and_an_item_without_picture_says_so(tmp_path):
    page = sheet(tmp_path).read_text(encoding="utf-8")
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    assert page.count("<img ") == 6
    assert page.count("no picture") == 1


def test_other_items_keep_their_progress_apart(tmp_path):
    keys = []
    for known in ((), (("1", "", "a"),)):
        page = sheet(tmp_path, known=known).read_text(encoding="utf-8")
        keys.append(json.loads(re.search(r'id="sheet-data">(.*?)</script>', page, re.DOTALL)[1])["key"])
    assert keys[0] != keys[1]


ACT = """
<script>
addEventListener("load", async () => {
  const press = (key, more) => document.activeElement.dispatchEvent(
    new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true, ...more}));
  const status = () => document.getElementById("status").textContent;
  const labels = () => [...document.querySelectorAll(".card .label")].map((one) => one.textContent);
  const saved = [];
  URL.createObjectURL = (blob) => { saved.push(blob); return "#saved"; };
  const found = {};
  ACTIONS
  for (const blob of saved) (found.saved ??= []).push(await blob.text());
  Object.assign(found, {
    labels: labels(), status: status(), wide: document.documentElement.scrollWidth, view: innerWidth,
    current: [...document.querySelectorAll(".card[aria-current=true]")].map((one) => +one.dataset.place),
    focused: document.activeElement.dataset.place ?? null,
    keys: [...document.querySelectorAll("#classes button")].map((one) => one.getAttribute("aria-keyshortcuts")),
    small: [...document.querySelectorAll("button")].filter(
      (one) => one.offsetParent && one.getBoundingClientRect().height < 20).length,
    reachable: [...document.querySelectorAll("button,input")].every((one) => one.tabIndex >= 0),
    kept: Object.keys(localStorage),
  });
  document.body.innerHTML = "<pre id=found></pre>";
  document.getElementById("found").textContent = JSON.stringify(found);
});
</script></body>"""


def acted(page, actions, tmp_path, width=1000):
    """What the page shows after these actions."""
    probed = page.with_name("probed.html")
    text = page.read_text(encoding="utf-8").replace("</body>", ACT.replace("ACTIONS", actions))
    probed.write_text(text, encoding="utf-8")
    dumped = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", f"--user-data-dir={tmp_path / 'profile'}",
            f"--window-size={width},900", "--enable-logging=stderr", "--virtual-time-budget=4000", "--dump-dom",
            probed.as_uri(),
        ],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    assert "Uncaught" not in dumped.stderr
    shown = re.search(r'<pre id="found">(.*?)</pre>', dumped.stdout, re.DOTALL)[1]
    for name, sign in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        shown = shown.replace(name, sign)
    return json.loads(shown)


browser = pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")


@browser
@pytest.mark.browser
def test_labels_given_by_key_are_saved_and_read_by_load(tmp_path):
    page = sheet(tmp_path, known=[("0, already.png", "", "plain")])
    found = acted(
        page,
        """
        for (const key of ["1", "2", "3", "ArrowRight", "4"]) press(key);
        document.getElementById("new-class").value = "  new 'one' ";
        document.getElementById("adding").requestSubmit();
        press("6"); press("5"); press("Backspace");
        document.getElementById("save").click();
        """,
        tmp_path,
    )
    named = [*CLASSES[:3], "", CLASSES[3], "new 'one'", ""]
    assert found["labels"] == named
    assert found["status"].startswith("Item 7 of 7")
    assert found["status"].endswith("5 labelled")
    assert found["current"] == [6]
    assert found["focused"] == "6"
    assert found["keys"] == list("123456")
    (tmp_path / "labels.csv").write_text(found["saved"][0], encoding="utf-8")
    rows = list(csv.reader((tmp_path / "labels.csv").open(encoding="utf-8", newline="")))
    assert rows[:2] == [["id", "path", "label"], ["0, already.png", "", "plain"]]
    data = headstart.load(tmp_path / "photos", labels=tmp_path / "labels.csv", allow_skips=True)
    assert [name or "" for name in data.label_names(data.indices("all"))] == named


@browser
@pytest.mark.browser
def test_progress_is_kept_until_the_page_is_opened_again(tmp_path):
    first = (
        'if (!sessionStorage.again) { press("1"); press("2"); sessionStorage.again = 1; location.reload(); return; }'
    )
    again = acted(sheet(tmp_path), first, tmp_path)
    assert again["labels"][:3] == [CLASSES[0], CLASSES[1], ""]
    assert again["status"].endswith("2 labelled")


@browser
@pytest.mark.browser
def test_undo_and_clear_take_back_and_arrows_stay_inside(tmp_path):
    found = acted(
        sheet(tmp_path),
        """
        press("ArrowLeft"); press("1"); press("1"); press("z", {ctrlKey: true}); found.undone = labels();
        press("ArrowLeft"); press("Delete"); found.cleared = labels();
        press("Backspace"); found.back = labels();
        for (let i = 0; i < 20; i++) press("ArrowDown");
        document.getElementById("new-class").focus(); press("1"); found.typed = labels();
        """,
        tmp_path,
    )
    assert found["undone"] == ["plain", *[""] * 6]
    assert found["cleared"] == [""] * 7
    assert found["back"] == found["typed"] == ["plain", *[""] * 6]
    assert found["current"][0] >= 0


@browser
@pytest.mark.browser
@pytest.mark.parametrize("width", [500, 1200])
def test_it_fits_a_phone_and_the_keyboard_reaches_everything(tmp_path, width):
    many = [f"class {place} with a long name" for place in range(40)]
    found = acted(sheet(tmp_path, classes=many), 'document.getElementById("theme").click();', tmp_path, width)
    assert found["wide"] <= found["view"]
    assert found["reachable"]
    assert found["small"] == 0
    assert found["keys"] == [*"123456789abcdefghijklmnopqrstuvwxyz", *[None] * 5]
