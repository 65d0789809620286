"""The main job as a newcomer runs it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_digits_are_compared_in_under_five_minutes_and_the_winner_is_usable(tmp_path):
    command = str(Path(sys.executable).with_name("headstart"))
    began = time.monotonic()
    ran = subprocess.run(
        [command, "compare", "digits", "-o", tmp_path / "out"], capture_output=True, text=True, check=True
    )
    seconds = time.monotonic() - began
    assert seconds < 330, "the budget of five minutes may be exceeded by a tenth"
    board = json.loads((tmp_path / "out/leaderboard.json").read_text())
    assert {row["state"] for row in board["rows"]} <= {"done", "cut", "dropped", "left out"}
    assert board["advice"].splitlines()[0] in ran.stdout
    accuracy = {(row["route"], row["labels_per_class"]): row["accuracy"] for row in board["rows"]}
    best = max(accuracy[route, 1] for route in ("simclr", "moco", "byol"))
    assert best > accuracy["raw", 1]
    subprocess.run(
        [command, "predict", board["best"]["run"], "digits", "-o", tmp_path / "answers.csv"], check=True, timeout=60
    )
    assert len((tmp_path / "answers.csv").read_text().splitlines()) == 1798
