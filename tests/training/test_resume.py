"""A run killed at any instant ends with the same bits as one never killed, and a run without keys doesn't."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny import encoder_bits, rows

SCRIPT = Path(__file__).with_name("tiny.py")
SETTINGS = ("epochs=40", "nap=0.004", "checkpoint_seconds=0.05")
"""120 steps of some 7 ms: long enough to be hit between two checkpoints."""


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), str(folder), *SETTINGS, *options]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def finish(folder: Path, *options: str) -> str:
    process = start(folder, *options)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 0, said
    return said


def logged(folder: Path) -> int:
    """Steps logged so far."""
    path = folder / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def kill_after(folder: Path, steps: int, *options: str, wait: float = 0.0) -> int:
    """Kills a run once that many more steps were logged; where it stood."""
    process, before = start(folder, *options), logged(folder)
    give_up = time.monotonic() + 60
    while not (before <= logged(folder) and logged(folder) >= before + steps) or not (folder / "run.json").exists():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < give_up
        time.sleep(0.002)
    time.sleep(wait)
    process.kill()
    process.communicate()
    return logged(folder)


@pytest.fixture(scope="module")
def never_killed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    finish(folder)
    return folder


def test_two_kills_change_no_bit(never_killed, tmp_path):
    first = kill_after(tmp_path, 15)
    second = kill_after(tmp_path, 20)
    assert 15 <= first < second < 120, "both kills hit a run in its middle"
    said = finish(tmp_path)
    assert "Going on from step" in said
    assert encoder_bits(tmp_path) == encoder_bits(never_killed)
    assert rows(tmp_path) == rows(never_killed)


def test_without_keys_a_kill_does_change_the_result(tmp_path):
    for name in ("whole", "twin", "killed"):
        if name == "killed":
            kill_after(tmp_path / name, 30, "--unkeyed")
        finish(tmp_path / name, "--unkeyed")
    assert encoder_bits(tmp_path / "whole") == encoder_bits(tmp_path / "twin"), "the same without a kill"
    assert encoder_bits(tmp_path / "whole") != encoder_bits(tmp_path / "killed")


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_the_state_and_stops(never_killed, tmp_path, sent, code):
    process = start(tmp_path, "checkpoint_seconds=1000")
    while logged(tmp_path) < 20:
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(sent)
    said = process.communicate(timeout=60)[1]
    assert f"exit code {code}" in said
    assert "its state is saved" in said
    stood = rows(tmp_path)[-1]["step"]
    assert '"state": "stopped"' in (tmp_path / "run.json").read_text()
    assert f"Going on from step {stood}" in finish(tmp_path)
    assert encoder_bits(tmp_path) == encoder_bits(never_killed)


def test_a_second_signal_ends_it_at_once(tmp_path):
    process = start(tmp_path, "nap=1.0")
    while not (tmp_path / "run.json").exists():
        time.sleep(0.01)
    time.sleep(1.5)
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGTERM
    assert time.monotonic() - began < 0.9, "it didn't wait for the step to end"


@pytest.mark.slow
def test_twenty_random_kills_change_no_bit(never_killed, tmp_path):
    chance = random.Random(0)
    for number in range(20):
        folder = tmp_path / str(number)
        kill_after(folder, chance.randrange(1, 100), wait=chance.random() * 0.05)
        finish(folder)
        assert encoder_bits(folder) == encoder_bits(never_killed), number
        assert rows(folder) == rows(never_killed), number
