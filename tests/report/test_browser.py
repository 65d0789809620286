"""The report in a real Chromium: nothing fails, nothing overflows a phone, the keyboard reaches everything."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from test_pages import EVIL, full_page

from headstart.report import TuningPage, write_comparison, write_tuning
from headstart.report.document import document
from headstart.report.markup import NOTHING, Figure, table

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]

PROBE = """
<script>
addEventListener("load", () => {
  document.getElementById("theme").click();
  const focusable = [...document.querySelectorAll("a[href],button,summary,[tabindex='0']")];
  document.querySelector("table.sortable thead button").click();
  document.querySelector(".legend button").click();
  const found = {
    wide: document.documentElement.scrollWidth, view: innerWidth, theme: document.documentElement.dataset.theme,
    reachable: focusable.every((one) => one.tabIndex >= 0), focusable: focusable.length,
    sorted: document.querySelectorAll("th[aria-sort]").length,
    dimmed: document.querySelectorAll("svg.map.dim g.on").length,
    small: [...document.querySelectorAll("button,summary")].filter(
      (one) => one.offsetParent && one.getBoundingClientRect().height < 20).length,
  };
  document.body.innerHTML = "<pre id=found>" + JSON.stringify(found) + "</pre>";
});
</script></body>"""


def looked_at(page, tmp_path, width, probe=PROBE):
    """What a script at the end of the page writes into #found."""
    probed = tmp_path / "probed.html"
    probed.write_text(page.read_text(encoding="utf-8").replace("</body>", probe), encoding="utf-8")
    dumped = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking",
            f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={width},900", "--enable-logging=stderr",
            "--virtual-time-budget=4000", "--dump-dom", probed.as_uri(),
        ],
        capture_output=True, text=True, timeout=90, check=True,
    )  # fmt: skip
    assert "Uncaught" not in dumped.stderr
    return json.loads(re.search(r'<pre id="found">(.*?)</pre>', dumped.stdout)[1])


@pytest.mark.parametrize("width", [500, 1200])
def test_the_report_works(tmp_path, width):
    write_comparison(full_page(), tmp_path / "report.html")
    found = looked_at(tmp_path / "report.html", tmp_path, width)
    assert found["wide"] <= found["view"]
    assert found["theme"] in ("dark", "light")
    assert found["reachable"]
    assert found["focusable"] > 10
    assert found["sorted"] == 1
    assert found["dimmed"] == 1
    assert found["small"] == 0


SORT_PROBE = """
<script>
addEventListener("load", () => {
  const table = document.querySelector("table.sortable");
  const orders = [1, 2].map((column) => [1, 2].map(() => {
    table.querySelectorAll("thead th button")[column].click();
    return [...table.tBodies[0].rows].map((row) => row.cells[column].textContent);
  }));
  document.body.innerHTML = "<pre id=found>" + JSON.stringify(orders) + "</pre>";
});
</script></body>"""


def test_tables_are_sorted_by_the_numbers_and_not_by_their_spelling(tmp_path):
    rows = [
        ["a", Figure("45 s", 45), "95.7"],
        ["b", Figure("1 min 20 s", 80), NOTHING],
        ["c", Figure("3 s", 3), "12.0"],
        ["d", NOTHING, "90.1"],
    ]
    content = table(["Route", "Time", "Accuracy"], rows, caption="c", sortable=True)
    (tmp_path / "page.html").write_text(document("t", "", content), encoding="utf-8")
    times, accuracies = looked_at(tmp_path / "page.html", tmp_path, 900, SORT_PROBE)
    assert times == [["1 min 20 s", "45 s", "3 s", "–"], ["3 s", "45 s", "1 min 20 s", "–"]]
    assert accuracies == [["95.7", "90.1", "12.0", "–"], ["12.0", "90.1", "95.7", "–"]]


CURVE_PROBE = """
<script>
addEventListener("load", () => {
  const section = document.getElementById("few-labels");
  const points = [...section.querySelectorAll("circle")].map((one) => one.getBoundingClientRect());
  const found = {
    wide: document.documentElement.scrollWidth, view: innerWidth,
    xs: points.map((one) => one.x), ys: points.map((one) => one.y),
    band: section.querySelectorAll("polygon.band").length,
    cells: [...section.querySelectorAll("tbody tr")].map((one) => one.innerText),
  };
  document.body.innerHTML = "<pre id=found>" + JSON.stringify(found) + "</pre>";
});
</script></body>"""


@pytest.mark.parametrize("width", [500, 1200])
def test_a_fine_tuned_network_has_accuracy_against_labels(tmp_path, width):
    rows = [
        {"labels_per_class": k, "accuracy": accuracy, "interval": [accuracy - 0.05, accuracy + 0.03], "draws": draws}
        for k, accuracy, draws in ((1, 0.6, 10), (2, 0.7, 10), (5, 0.9, 10), ("all", 0.95, 1))
    ]
    page = TuningPage(EVIL, [EVIL], (EVIL, "b"), confusion=np.array([[9, 1], [0, 10]]), few_label=rows)
    write_tuning(page, tmp_path / "report.html")
    found = looked_at(tmp_path / "report.html", tmp_path, width, CURVE_PROBE)
    assert found["wide"] <= found["view"]
    assert found["xs"] == sorted(found["xs"])
    assert found["ys"] == sorted(found["ys"], reverse=True)
    assert (len(found["xs"]), found["band"]) == (4, 1)
    assert [cell.split() for cell in found["cells"]] == [
        ["1", "label", "60.0", "55.0–63.0", "10"],
        ["2", "labels", "70.0", "65.0–73.0", "10"],
        ["5", "labels", "90.0", "85.0–93.0", "10"],
        ["all", "labels", "95.0", "90.0–98.0", "1"],
    ]
