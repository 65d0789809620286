"""Photographs through the verbs: near-duplicates are shown and counted, a full cache disk can be gone without."""

import json
import shutil
from collections import namedtuple

import numpy as np
import pytest
from PIL import Image

from headstart.data import decoding

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def bursts(tmp_path):
    """Ten pictures in two classes, two of them a second time at another quality."""
    for number in range(10):
        coarse = np.random.default_rng(number).integers(0, 256, (9, 9, 3), dtype=np.uint8)
        folder = tmp_path / "bursts" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(coarse).resize((120, 120), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number}.jpg", quality=95)
        if number < 2:
            picture.save(folder / f"{number}-again.jpg", quality=50)
    return tmp_path / "bursts"


def test_look_shows_near_duplicates_side_by_side(call_json, call, bursts, tmp_path):
    found = call_json("look", bursts, "-o", tmp_path / "look")
    assert found["near_duplicates"] == [["a/0-again.jpg", "a/0.jpg"], ["b/1-again.jpg", "b/1.jpg"]]
    assert found["duplicates"] == []
    page = (tmp_path / "look/look.html").read_text()
    near = page.partition('id="near-duplicates"')[2].partition("</section>")[0]
    assert near.count("<img") == 4
    assert "a/0-again.jpg ≈ a/0.jpg" in near
    assert "2 groups of nearly equal items" in call("look", bursts, "-o", tmp_path / "again")[1]


def test_the_report_counts_near_duplicates(call_json, bursts, tmp_path):
    call_json(
        "compare", bursts, "--routes", "raw,random", "--labels-per-class", "1", "--size", 16, "-o", tmp_path / "out"
    )
    facts = json.loads((tmp_path / "out/leaderboard.json").read_text())["data"]
    assert (facts["near_duplicates"], facts["near_duplicates_across_parts"]) == (2, 0)
    assert "2 groups of nearly equal items" in (tmp_path / "out/report.html").read_text()


def test_a_full_cache_disk_ends_with_a_plain_line_and_can_be_gone_without(call, bursts, tmp_path, monkeypatch):
    monkeypatch.setattr(decoding, "KEPT_FROM", 0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9, 0))
    code, out, err = call("look", bursts, "-o", tmp_path / "look")
    assert (code, out) == (1, "")
    assert "the disk is full; the decoded pictures need 332.2 kB there." in err
    assert "--no-cache" in err
    assert not (tmp_path / "look").exists()
    assert call("look", bursts, "-o", tmp_path / "look", "--no-cache")[0] == 0
