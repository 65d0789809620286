"""The command as a person has it: processes, a real terminal, signals."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

COMMAND = str(Path(sys.executable).with_name("headstart"))


VERBS = (
    "look",
    "compare",
    "pretrain",
    "finetune",
    "adapt",
    "evaluate",
    "embed",
    "reconstruct",
    "map",
    "suggest",
    "predict",
    "diagnose",
    "methods",
    "data",
)


def ran(*arguments, **options):
    return subprocess.run(
        [str(argument) for argument in arguments], capture_output=True, text=True, timeout=240, check=False, **options
    )


def test_help_teaches():
    found = ran(COMMAND, "--help")
    assert found.returncode == 0
    for verb in (*VERBS, "backbones"):
        assert f"  {verb}" in found.stdout
    assert "headstart compare photos/" in found.stdout
    assert found.stderr == ""


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(verb):
    found = ran(COMMAND, verb, "--help")
    assert found.returncode == 0
    assert f"headstart {verb}" in found.stdout
    assert "--json" in found.stdout


def test_a_methods_own_settings_are_flags_once_it_is_named():
    text = ran(COMMAND, "pretrain", "moco", "--help").stdout
    assert "--queue" in text
    assert "--symmetric" in text
    assert "--queue" not in ran(COMMAND, "pretrain", "simclr", "--help").stdout


def test_python_m_headstart_is_the_same_command():
    assert ran(sys.executable, "-m", "headstart", "--version").stdout == ran(COMMAND, "--version").stdout
    assert ran(sys.executable, "-m", "headstart", "nonsense").returncode == 2


def test_json_is_alone_on_stdout_and_everything_else_on_stderr(tmp_path):
    found = ran(COMMAND, "pretrain", "simclr", "digits", "--epochs", 1, "-o", tmp_path / "run", "--json")
    assert json.loads(found.stdout)["state"] == "done"
    assert len(found.stdout.strip().splitlines()) == 1


def test_quiet_says_nothing_but_the_result(tmp_path):
    found = ran(COMMAND, "look", "digits", "-o", tmp_path / "look", "--quiet")
    assert found.stderr == ""
    assert "1797 images" in found.stdout


def test_a_closed_pipe_is_no_error():
    shell = ran("bash", "-c", f"{COMMAND} backbones | head -1")
    assert shell.returncode == 0
    assert "Traceback" not in shell.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_says_so_and_goes_on(sent, code, tmp_path):
    arguments = [COMMAND, "pretrain", "simclr", "digits", "--epochs", "12", "-o", str(tmp_path / "run")]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True)
    metrics = tmp_path / "run/metrics.jsonl"
    deadline = time.monotonic() + 100
    while not (metrics.exists() and len(metrics.read_text().splitlines()) > 5):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    process.send_signal(sent)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code
    assert "Traceback" not in said
    assert json.loads((tmp_path / "run/run.json").read_text())["state"] == "stopped"
    again = ran(*arguments, "--json")
    assert again.returncode == 0
    assert json.loads(again.stdout)["resumed_from"] > 0


@pytest.mark.skipif(sys.platform == "win32", reason="pexpect needs POSIX terminals")
def test_a_terminal_sees_a_live_bar_and_colours_nothing_else(tmp_path):
    import pexpect

    child = pexpect.spawn(
        COMMAND, ["pretrain", "simclr", "digits", "--epochs", "20", "-o", str(tmp_path / "run")],
        encoding="utf-8", timeout=120, dimensions=(30, 110),
    )  # fmt: skip
    child.expect("SimCLR")
    child.expect("images/s")
    child.expect("steps done")
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0


@pytest.mark.skipif(sys.platform == "win32", reason="torchrun and gloo")
def test_two_processes_write_one_run_folder(tmp_path):
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "headstart",
        "pretrain", "byol", "digits", "--epochs", "1", "--batch-size", "128", "-o", tmp_path / "run", "--json",
    ]  # fmt: skip
    found = ran(*command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["steps"] == 10
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert record["machine"]["processes"] == 2
    assert (tmp_path / "run/encoder.safetensors").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="torchrun and gloo")
def test_a_batch_that_does_not_divide_is_refused_once(tmp_path):
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "headstart",
        "pretrain", "simclr", "digits", "--epochs", "1", "--batch-size", "33", "-o", tmp_path / "run",
    ]  # fmt: skip
    found = ran(*command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert found.returncode != 0
    assert found.stderr.count("--batch-size 33") == 1
