"""The report in a real Chromium: nothing fails, nothing overflows a phone, the keyboard reaches everything."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from test_pages import EVIL, full_page

from headstart.report import TuningPage, write_comparison, write_tuning

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
