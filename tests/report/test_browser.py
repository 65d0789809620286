"""The report in a real Chromium: nothing fails, nothing overflows a phone, the keyboard reaches everything."""

import json
import re
import shutil
import subprocess

import pytest
from test_pages import full_page

from headstart.report import write_comparison

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
