"""A run killed at random instants and started again by the same command ends with the bits of one never killed."""

import json
import os
import random
import subprocess
import sys
import time
from itertools import pairwise

import pytest

KILLS = 20
COMMAND = (
    sys.executable, "-m", "headstart", "pretrain", "byol", "digits", "--epochs", "40", "--checkpoint-seconds", "0.2",
    "--backbone", "cnn",
)  # fmt: skip

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform == "win32", reason="kill -9"),
]


def rows(folder):
    path = folder / "metrics.jsonl"
    found = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    return [{k: v for k, v in row.items() if k not in ("items_per_s", "seconds")} for row in found]


def finish(folder):
    subprocess.run([*COMMAND, "-o", str(folder)], check=True, capture_output=True, timeout=300)
    return (folder / "encoder.safetensors").read_bytes()


def kill_after(folder, more, deadline=60):
    """Starts the run, waits until it has logged `more` rows beyond what was there, and kills it; False: it was done."""
    before = len(rows(folder))
    process = subprocess.Popen([*COMMAND, "-o", str(folder)], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    began = time.monotonic()
    try:
        while process.poll() is None and time.monotonic() - began < deadline:
            if len(rows(folder)) >= before + more:
                time.sleep(random.random() * 0.05)
                return process.poll() is None
            time.sleep(0.01)
        return False
    finally:
        process.kill()
        process.wait()


def test_twenty_kills_change_no_bit(tmp_path):
    os.environ["OMP_NUM_THREADS"] = "1"
    whole = finish(tmp_path / "whole")
    total = len(rows(tmp_path / "whole"))
    killed = 0
    while killed < KILLS:
        folder = tmp_path / f"killed-{killed}"
        places = sorted(random.sample(range(2, total - 2), 4))
        for more in (places[0], *(b - a for a, b in pairwise(places))):
            killed += kill_after(folder, more)
        assert finish(folder) == whole
        assert rows(folder) == rows(tmp_path / "whole")
        assert json.loads((folder / "run.json").read_text())["result"]["resumed_from"] > 0
