from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from headstart.errors import InputError, Interrupted, RunError
from headstart.training import RunFolder

SETTINGS = {"method": "simclr", "epochs": 10, "seed": 0, "temperature": 0.5}

HOLD = """
import sys, time
from headstart.training import RunFolder
folder = RunFolder.claim(sys.argv[1], {"seed": 0})
print("held", flush=True)
time.sleep(60)
"""


def claim(path: Path, **changes: object) -> RunFolder:
    options = {name: changes.pop(name) for name in ("explicit", "restart", "contents") if name in changes}
    return RunFolder.claim(path, SETTINGS | changes, **options)


def test_a_new_folder_is_made_with_its_parents(tmp_path):
    with claim(tmp_path / "a" / "b") as folder:
        assert folder.state == "running"
    assert json.loads((tmp_path / "a" / "b" / "run.json").read_text())["settings"] == SETTINGS


def test_the_same_settings_find_their_folder_again(tmp_path):
    with claim(tmp_path) as folder:
        folder.finish(loss=1.5)
    with claim(tmp_path, json=True, quiet=True, checkpoint_seconds=0, workers=3, restart=False) as folder:
        assert (folder.state, folder.record["loss"]) == ("done", 1.5)


def test_more_epochs_are_the_same_run_and_fewer_are_not(tmp_path):
    claim(tmp_path).close()
    with claim(tmp_path, epochs=20) as folder:
        assert folder.record["settings"]["epochs"] == 20
    with pytest.raises(InputError, match=r"--epochs 10 \(there 20\)"):
        claim(tmp_path)


def test_other_settings_are_named_and_nothing_is_touched(tmp_path):
    claim(tmp_path).close()
    before = (tmp_path / "run.json").read_bytes()
    with pytest.raises(InputError) as error:
        claim(tmp_path, seed=1, temperature=0.1)
    assert "--seed 1 (there 0), --temperature 0.1 (there 0.5)" in str(error.value)
    assert error.value.exit_code == 2
    assert (tmp_path / "run.json").read_bytes() == before


def test_a_methods_settings_are_no_others_of_the_same_name(tmp_path):
    claim(tmp_path, momentum=0.9, method_settings={"momentum": 0.99, "steps": 3}).close()
    for own, said in (
        ({"momentum": 0.5, "steps": 3}, r"settings: --momentum 0.5 \(there 0.99\)\."),
        ({"momentum": 0.99, "steps": 9}, r"settings: --steps 9 \(there 3\)\."),  # grown, but no steps of training
    ):
        with pytest.raises(InputError, match=said):
            claim(tmp_path, momentum=0.9, method_settings=own)


def test_a_default_name_moves_on_to_the_next(tmp_path, capsys):
    claim(tmp_path / "run").close()
    claim(tmp_path / "run", seed=1, explicit=False).close()
    with claim(tmp_path / "run", seed=2, explicit=False) as folder:
        assert folder.path == tmp_path / "run-3"
    assert "run-3" in capsys.readouterr().err
    with claim(tmp_path / "run", seed=1, explicit=False) as folder:
        assert folder.path == tmp_path / "run-2"


def test_a_person_at_the_terminal_is_asked_before_a_run_is_forgotten(tmp_path, monkeypatch):
    with claim(tmp_path) as folder:
        folder.finish()
    before = (tmp_path / "run.json").read_bytes()
    asked = []
    monkeypatch.setattr("headstart.training.folder.agreed", lambda question: asked.append(question) or False)
    with pytest.raises(InputError, match="left as it is"):
        claim(tmp_path, restart=True)
    assert "done" in asked[0]
    assert (tmp_path / "run.json").read_bytes() == before
    for answer in (True, None):
        monkeypatch.setattr("headstart.training.folder.agreed", lambda question, answer=answer: answer)
        with claim(tmp_path, restart=True) as folder:  # and its lock was given free
            assert folder.state == "running"
    with claim(tmp_path / "new", restart=True) as folder:
        assert folder.state == "running"


def test_restart_forgets_the_run_but_not_other_files(tmp_path):
    with claim(tmp_path) as folder:
        folder.finish()
    for name in ("metrics.jsonl", "encoder.json", "best-3.safetensors", "notes.txt"):
        (tmp_path / name).write_text("x")
    (tmp_path / "routes" / "deep").mkdir(parents=True)
    contents = ("metrics.jsonl", "encoder.json", "best-*.safetensors", "routes")
    with claim(tmp_path, seed=5, restart=True, contents=contents) as folder:
        assert folder.state == "running"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".lock", "notes.txt", "run.json"]


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "photo.jpg").write_text("x")
    for restart in (False, True):
        with pytest.raises(InputError, match="no run"):
            claim(tmp_path, restart=restart)
    assert [entry.name for entry in tmp_path.iterdir()] == ["photo.jpg"]


def test_files_in_the_way(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        claim(tmp_path / "file")
    with pytest.raises(InputError, match="a part of it is a file"):
        claim(tmp_path / "file" / "run")


def test_a_folder_that_cant_be_written(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(InputError, match=r"can't be written \(Permission denied\)"):
        claim(tmp_path / "run")


def test_a_damaged_record_is_not_overwritten(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(InputError, match=r"run\.json can't be read"):
        claim(tmp_path)


def test_a_folder_is_in_use_until_it_is_closed(tmp_path):
    folder = claim(tmp_path)
    with pytest.raises(InputError, match="in use"):
        claim(tmp_path)
    folder.close()
    claim(tmp_path).close()


def test_the_lock_dies_with_its_process(tmp_path):
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="in use"):
            RunFolder.claim(tmp_path, {"seed": 0})
    finally:
        holder.kill()
        holder.wait()
    with RunFolder.claim(tmp_path, {"seed": 0}) as folder:
        assert folder.state == "running", "a killed run says running and can be gone on with"


@pytest.mark.parametrize(
    ("error", "state"),
    [(Interrupted("stop", 15), "stopped"), (KeyboardInterrupt(), "stopped"), (RunError("disk full"), "failed")],
)
def test_the_state_tells_how_a_run_ended(tmp_path, error, state):
    with claim(tmp_path) as folder:
        with pytest.raises(type(error)), folder.running():
            raise error
        assert folder.state == state
        assert folder.record["why"]
        with folder.running():
            assert (folder.state, folder.record["why"]) == ("running", None)


def test_a_record_that_cant_be_written_stays_as_it_was(tmp_path):
    with claim(tmp_path) as folder:
        before = (tmp_path / "run.json").read_bytes()
        with pytest.raises(ValueError, match="not JSON compliant"):
            folder.update(loss=float("nan"))
    assert (tmp_path / "run.json").read_bytes() == before
    assert {entry.name for entry in tmp_path.iterdir()} == {".lock", "run.json"}
