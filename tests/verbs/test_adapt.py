"""`headstart adapt`: two runs, one table, and every way to get it wrong."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

import headstart
from headstart.verbs.adapt import Adaptation

SHARED = Path(__file__).parents[3] / "shared" / "data"
FIELDS = {"run", "steps", "resumed_from", "loss", "items_per_s", "state", "accuracy", "interval", "selected_on"}


def blobs(seed, invert=False, labelled=True, count=200):
    """Pictures of 8×8 with a bright corner: which one is the class."""
    made = np.random.default_rng(seed)
    pixels, labels = made.integers(0, 80, (count, 8, 8)), np.arange(count) % 2
    pixels[labels == 0, :4, :4] += 150
    pixels[labels == 1, 4:, 4:] += 150
    shown = (255 - pixels if invert else pixels).astype(np.uint8)
    return (shown, np.array(["upper", "lower"])[labels]) if labelled else shown


@pytest.fixture
def files(tmp_path):
    np.savez(tmp_path / "source.npz", images=blobs(0)[0], labels=blobs(0)[1])
    np.savez(tmp_path / "target.npz", images=blobs(1)[0] // 2, labels=blobs(1)[1])
    np.save(tmp_path / "bare.npy", blobs(2)[0] // 2)
    np.savez(tmp_path / "others.npz", images=blobs(1)[0], labels=np.where(blobs(1)[1] == "upper", "upper", "middle"))
    return tmp_path


def adapt(call_json, files, method, *more, target="target.npz"):
    out = () if "-o" in more else ("-o", files / method)
    return call_json("adapt", method, files / "source.npz", files / target, "--epochs", 3, *out, *more)


@pytest.mark.parametrize("method", ["source_only", "dann", "cdan", "coral", "mmd", "adabn", "mcc"])
def test_every_method_ends_with_a_score_beside_the_source_alone(call_json, files, method):
    found = adapt(call_json, files, method)
    assert found.keys() >= FIELDS
    assert found["state"] == "done"
    assert found["items"] == 50
    assert 0 <= found["interval"][0] <= found["accuracy"] <= found["interval"][1] <= 1
    assert "last weights" in found["selected_on"]
    assert (found["source_only"] is None) == (method == "source_only")
    record = json.loads((Path(found["run"]) / "run.json").read_text())
    assert record["state"] == "done"
    if method != "source_only":
        assert Path(found["source_only"]["run"]) == files / f"{method}-source_only"
    again = adapt(call_json, files, method)
    assert again["accuracy"] == found["accuracy"]
    assert again["source_only"] == found["source_only"]


def test_the_run_predicts(call_json, files):
    found = adapt(call_json, files, "coral")
    written = call_json("predict", found["run"], files / "bare.npy", "-o", files / "answers.csv")
    assert written["items"] == 200
    answers = (files / "answers.csv").read_text().splitlines()[1:]
    assert {line.split(",")[2] for line in answers} <= {"upper", "lower"}


def test_an_encoder_is_gone_on_with_by_method_and_baseline_alike(call_json, files):
    from headstart.training import load_encoder

    started = adapt(call_json, files, "source_only")["run"]
    found = adapt(call_json, files, "adabn", "--init", started, "--lr", "1e-9")
    first, *others = (load_encoder(run)[0] for run in (started, found["run"], found["source_only"]["run"]))
    for other in others:
        for a, b in zip(first.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(a, b, atol=1e-5, rtol=0)


def test_adabn_starts_from_the_source_alone_and_changes_no_weight(call_json, files):
    from headstart.training import load_encoder

    found = adapt(call_json, files, "adabn")
    after, before = (load_encoder(run)[0] for run in (found["run"], found["source_only"]["run"]))
    assert all(torch.equal(a, b) for a, b in zip(after.parameters(), before.parameters(), strict=True))
    buffers = zip(after.named_buffers(), before.named_buffers(), strict=True)
    moved = [name for (name, a), (_, b) in buffers if not torch.equal(a, b)]
    assert any("running_mean" in name for name in moved)


def test_the_targets_labels_change_nothing_that_is_learned(call_json, files):
    """Wrong labels give another score and the same network."""
    images, labels = blobs(1)
    turned = np.where(labels == "upper", "lower", "upper")
    found = {}
    for name, given in (("right", labels), ("wrong", turned)):
        parts = {"x_train": images[:120], "y_train": given[:120], "x_test": images[120:], "y_test": given[120:]}
        np.savez(files / f"{name}.npz", **parts)
        found[name] = adapt(call_json, files, "mcc", "-o", files / name, target=f"{name}.npz")
    bits = [(Path(run["run"]) / "encoder.safetensors").read_bytes() for run in found.values()]
    assert bits[0] == bits[1]
    assert found["right"]["accuracy"] == pytest.approx(1 - found["wrong"]["accuracy"])
    assert found["right"]["density"] == found["wrong"]["density"]


def test_a_target_without_labels_has_no_accuracy(call, call_json, files):
    found = adapt(call_json, files, "mmd", target="bare.npy")
    assert found["accuracy"] is found["interval"] is None
    assert found["density"] > 0
    code, out, err = call("adapt", "mmd", files / "source.npz", files / "bare.npy", "--epochs", 3, "-o", files / "mmd")
    assert code == 0
    assert "no labels" in out
    assert "none is scored" in err


def test_labels_of_the_target_come_from_a_file(call_json, files):
    rows = [f"{place},{name}" for place, name in enumerate(blobs(2)[1])]
    (files / "labels.csv").write_text("\n".join(["id,label", *rows]))
    found = adapt(call_json, files, "coral", "--target-labels", files / "labels.csv", target="bare.npy")
    assert found["items"] == 50


def test_a_target_too_small_for_a_test_part_is_scored_whole(call, files):
    np.savez(files / "small.npz", images=blobs(1, count=40)[0], labels=blobs(1, count=40)[1])
    arguments = ("adapt", "mmd", files / "small.npz", files / "small.npz", "--epochs", 2, "-o", files / "few")
    code, out, err = call(*arguments)
    assert code == 0
    assert "all its 40 labelled items" in err
    code, out, _ = call(*arguments, "--json")
    found = json.loads(out)
    assert found["items"] == 40
    assert found["source_accuracy"] is None


def test_default_folders_name_both_domains(files, monkeypatch):
    monkeypatch.chdir(files)
    found = headstart.adapt("mmd", "source.npz", "target.npz", epochs=1)
    assert Path(found.run) == files / "runs/source-target-mmd"
    assert Path(found.source_only["run"]) == files / "runs/source-target-source_only"


def test_a_users_own_method_adapts(call_json, files):
    (files / "mine.py").write_text(
        "from headstart.methods.adaptation.adapter import Adapter\n\n\n"
        "class Mine(Adapter):\n    '''Means agree.'''\n\n"
        "    def transfer(self, source, target, progress):\n"
        "        return (source.features.mean(0) - target.features.mean(0)).square().sum()\n"
    )
    found = call_json(
        "adapt", f"{files}/mine.py:Mine", files / "source.npz", files / "target.npz", "--epochs", 1, "-o", files / "own"
    )
    assert found["state"] == "done"


def refused(call, *arguments, says):
    code, out, err = call(*arguments)
    assert code == 2, err
    assert out == ""
    assert "Traceback" not in err
    assert says in "\n".join(err.strip().splitlines()[-2:])


@pytest.mark.parametrize(
    ("method", "source", "target", "more", "says"),
    [
        ("simclr", "source.npz", "target.npz", (), "source_only, dann"),
        ("dan", "source.npz", "target.npz", (), "dann"),
        ("dann", "bare.npy", "target.npz", (), "no labels"),
        ("dann", "source.npz", "others.npz", (), "lower only in source; middle only in others"),
        ("dann", "source.npz", "nowhere.npz", (), "nowhere.npz"),
        ("dann", "source.npz", "target.npz", ("--strength", "0"), "--strength 0"),
        ("dann", "source.npz", "target.npz", ("--temperature", "1"), "--temperature"),
        ("adabn", "source.npz", "target.npz", ("--backbone", "pixels"), "pixels has none"),
        ("coral", "source.npz", "target.npz", ("--views", "hat"), "--views hat"),
        ("coral", "source.npz", "target.npz", ("--init", "nowhere"), "nowhere"),
    ],
)
def test_bad_input_is_refused_plainly(call, files, method, source, target, more, says):
    refused(call, "adapt", method, files / source, files / target, *more, "-o", files / "out", says=says)
    assert not (files / "out").exists()
    assert not (files / "out-source_only").exists()


def test_pretrain_and_compare_say_which_verb_adapts(call, files):
    for arguments in (
        ("pretrain", "dann", files / "source.npz"),
        ("compare", files / "source.npz", "--routes", "dann"),
    ):
        refused(call, *arguments, says="headstart adapt dann SOURCE TARGET")


def test_settings_of_the_method_are_flags(call):
    code, out, _ = call("adapt", "dann", "--help")
    assert code == 0
    assert "--strength" in out


def result(density, accuracy):
    without = {"run": "b", "accuracy": 0.7, "interval": [0.6, 0.8], "source_accuracy": 0.9, "density": 4.0}
    return Adaptation(
        run="a", steps=1, resumed_from=0, loss=1.0, items_per_s=1.0, state="done", accuracy=accuracy,
        interval=None if accuracy is None else [0.1, 0.9], selected_on="nothing", items=9, source_accuracy=0.9,
        density=density, negative_transfer=density < 4.0, source_only=without,
    )  # fmt: skip


def test_negative_transfer_is_said_and_so_is_where_the_measure_errs():
    assert "Negative transfer" not in str(result(4.2, 0.6))
    assert "another method" in str(result(3.8, None))
    assert "another method" in str(result(3.8, 0.6))
    assert "the measure errs" in str(result(3.8, 0.8))


@pytest.mark.skipif(sys.platform == "win32", reason="torchrun and gloo")
def test_two_processes_adapt_one_after_the_other_and_score_once(files):
    command = [
        sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "headstart",
        "adapt", "adabn", files / "source.npz", files / "target.npz", "--epochs", "1", "--batch-size", "32",
        "-o", files / "two", "--json",
    ]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False, env=environment)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["items"] == 50
    for folder in ("two", "two-source_only"):
        record = json.loads((files / folder / "run.json").read_text())
        assert (record["state"], record["machine"]["processes"]) == ("done", 2)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("method", ["mmd", "cdan"])
def test_from_fonts_to_handwriting_by_default_in_two_minutes_of_two_cores(method, tmp_path):
    began = time.process_time()
    found = headstart.adapt(method, "rendered-digits", "digits", out=tmp_path / method, device="cpu")
    assert time.process_time() - began < 240
    assert found.items >= 449
    assert found.accuracy > found.source_only["accuracy"] + 0.04
    assert not found.negative_transfer


@pytest.mark.slow
def test_domains_of_other_sizes_adapt_on_real_data(call, tmp_path):
    for path in (SHARED / "mnist", SHARED / "usps" / "usps.npz"):
        if not path.exists():
            pytest.skip(f"{path.name} is not in shared/data")
    arguments = ("adapt", "coral", SHARED / "usps/usps.npz", SHARED / "mnist", "--epochs", 1, "-o", tmp_path / "run")
    code, out, err = call(*arguments, "--json")
    assert code == 0
    assert "mnist is brought to the source's 16×16 pixels" in err
    assert json.loads(out)["items"] == 10_000
