"""Whatever a user can get wrong ends with a plain line on stderr and the promised exit code, and loses nothing."""

import errno
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import headstart

PRETRAIN = ("pretrain", "simclr", "digits", "--epochs", "1")


def refused(call, *arguments, says, code=2):
    found, out, err = call(*arguments)
    assert found == code, err
    assert out == ""
    assert "Traceback" not in err
    complaint = "\n".join(err.strip().splitlines()[-3:])  # notes on the data may come before it
    assert "bug in headstart" not in complaint
    for word in (says,) if isinstance(says, str) else says:
        assert word in complaint


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("comapre", "digits"), "compare"),
        (("frobnicate",), "look"),
        (("compare",), "data"),
        (("compare", "digits", "--bugdet", "5m"), "--bugdet"),
        (("compare", "digits", "--budget", "soon"), "--budget soon"),
        (("compare", "digits", "--budget", "5m", "--epochs", "3"), "--epochs"),
        (("compare", "digits", "--seed", "1", "--seeds", "1,2"), "--seeds"),
        (("compare", "digits", "--seeds", "a,b"), "--seeds"),
        (("compare", "digits", "--seeds", "1,1"), "once"),
        (("compare", "digits", "--draws", "3"), "--draws 3"),
        (("evaluate", "raw", "digits", "--draws", "3"), "--draws 3"),
        (("compare", "rendered-digits", "--target", "digits", "--draws", "50"), "--draws says nothing"),
        (("compare", "digits", "--routes", "raw,simcrl"), "simclr"),
        (("compare", "digits", "--labels-per-class", "0"), "--labels-per-class"),
        (("compare", "digits", "--labels-per-class", "some"), "--labels-per-class"),
        (("compare", "digits", "--set", "simclr.temperature=-1"), "temperature"),
        (("compare", "digits", "--set", "simclr.temprature=1"), "temprature"),
        (("compare", "digits", "--set", "temperature"), "--set"),
        (("compare", "digits", "--set", "vicreg.temperature=1"), "vicreg"),
        (("compare", "digits", "--views", "simclr-hat"), "hat"),
        (("compare", "digits", "--backbone", "resnet81"), "resnet18"),
        (("compare", "digits", "--labels-per-class", "500"), "500"),
        (("pretrain", "simclr", "digits", "--temperature", "-1"), "--temperature -1"),
        (("pretrain", "simclr", "digits", "--temperature", "warm"), "temperature"),
        (("pretrain", "simclr", "digits", "--epochs", "0"), "--epochs 0"),
        (("pretrain", "simclr", "digits", "--queue", "10"), "--queue"),
        (("pretrain", "simclr", "digits", "--lr", "nan"), "--lr"),
        (("pretrain", "simclr", "digits", "--device", "abacus"), "abacus"),
        (("pretrain", "simclr", "digits", "--backbone", "resnet81"), "resnet18"),
        (("pretrain", "simclr", "digits", "--precision", "float16", "--device", "cpu"), "float16"),
        (("pretrain", "moco", "digits", "--version", "v3"), "v3"),
        (("pretrain", "byol", "digits", "--norm", "layer"), "layer"),
        (("pretrain", "simclr", "digits", "--accumulate", "2"), "--accumulate"),
        (("pretrain", "simclr", "digits", "--batch-size", "1"), "--batch-size 1"),
        (("pretrain", "simcrl", "digits"), "simclr"),
        (("pretrain", "autoencoder", "digits", "--views", "simclr-crop"), "--views simclr-crop: autoencoder uses no"),
        (("pretrain", "autoencoder", "digits", "--architecture", "conv", "--depth", "7"), "--depth has no effect"),
        (("pretrain", "denoising", "digits", "--latent", "3", "--architecture", "backbone"), "--latent has no effect"),
        (("pretrain", "inpainting", "digits", "--mask", "top", "--share", "0.1"), "--share has no effect with --mask"),
        (("pretrain", "colorization", "patches", "--target", "regression", "--uniform", "0.1"), "--uniform"),
        (("evaluate", "no/such/run", "digits"), "no/such/run"),
        (("predict", "no/such/run", "digits"), "no/such/run"),
        (("backbones", "facebook/dinov2-small"), "NAME facebook/dinov2-small is not known"),
        (("backbones", "resnet18:IMAGENET1K_V1"), "NAME resnet18:IMAGENET1K_V1 names weights"),
        (("backbones", "./mine.py:Net"), "NAME ./mine.py:Net"),
        (("backbones", "--classes", "2"), "--classes is of one network"),
        (("backbones", "resnet", "--size", "3"), "--size 3"),
        (("look", "no-such-folder"), "no-such-folder"),
        (("look", "cifar10"), ("cifar10 is not in", "--download")),
        (("look", "digits", "--labels", "no-such.csv"), "no-such.csv"),
        (("look", "digits", "--label-from", "{label}_{n}"), "--label-from {label}_{n}"),
        (("compare", "digits", "--test-where", "n < 5"), "--test-where n < 5"),
        (("pretrain", "simclr", "digits", "--group", "patient"), "--group patient"),
        (("pretrain", "simclr", "digits", "--group-column", "patient"), "--group patient"),
        (("look", "digits", "--label-column", "species"), "--label-column species"),
        (("look", "digits", "--split-column", "fold"), "--split-column fold"),
        (("look", "digits", "--path-column", "file"), "--path-column file"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_refused_with_the_setting_named(call, arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEADSTART_DATA", str(tmp_path))
    refused(call, *arguments, says=says)
    left = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not left, left


@pytest.mark.parametrize("verb", ["finetune", "evaluate", "embed"])
def test_an_architecture_is_refused_where_the_encoder_has_one(call, run, verb):
    for encoder in ("resnet18", run, run / "encoder.safetensors"):
        says = f"ENCODER {encoder} has its own architecture: leave --backbone cnn out"
        refused(call, verb, encoder, "no-such-folder", "--backbone", "cnn", says=says)


@pytest.mark.parametrize("arguments", [("--temperature", "-1"), ("--epochs", "0"), ("--backbone", "resnet81")])
def test_a_setting_out_of_range_is_refused_before_data_is_read(call, arguments):
    refused(call, "pretrain", "simclr", "no-such-folder", *arguments, says=arguments[1])


def test_a_methods_settings_before_its_name(call):
    refused(call, "pretrain", "--quiet", "simclr", "digits", "--temperature", "0.2", says=("--temperature", "METHOD"))
    refused(call, "pretrain", "--epochs", "many", "simclr", "digits", says=("--epochs", "--help"))
    refused(call, "pretrain", says="--help")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried …"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_too_little_memory_is_no_bug(call, error, monkeypatch):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("headstart.data.load", fail)
    refused(call, "look", "digits", says=("not enough memory", "--batch-size"), code=1)


def test_features_that_are_no_numbers(call, tmp_path):
    arguments = ("pretrain", "simclr", "digits", "--lr", "1e9", "--steps", 20, "-o", tmp_path / "run")
    refused(call, *arguments, says=("no longer finite", "--lr"), code=1)


def test_json_and_quiet_leave_errors_as_they_are(call):
    refused(call, "look", "no-such-folder", "--json", says="no-such-folder")
    refused(call, "look", "no-such-folder", "--quiet", says="no-such-folder")


def test_debug_shows_where_an_error_comes_from(call):
    code, _, err = call("look", "no-such-folder", "--debug")
    assert code == 2
    assert "Traceback" in err


def test_an_empty_folder(call, tmp_path):
    refused(call, "look", tmp_path, says=str(tmp_path))


def test_one_class_only(call, tmp_path):
    (tmp_path / "d/only").mkdir(parents=True)
    for number in range(12):
        Image.fromarray(np.full((9, 9), number, np.uint8)).save(tmp_path / f"d/only/{number}.png")
    refused(call, "compare", tmp_path / "d", "--epochs", 1, "--labels-per-class", 1, "-o", tmp_path / "o", says="class")


def test_bad_files_among_good_ones_are_skipped_counted_and_listed(call, photos, tmp_path):
    folder = photos / "plain"
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.jpg").write_text("no picture")
    whole = next(folder.glob("*.png")).read_bytes()
    (folder / "half.png").write_bytes(whole[: len(whole) // 2])
    refused(call, "look", photos, "-o", tmp_path / "look", says="--allow-skips")
    code, _, err = call("look", photos, "-o", tmp_path / "look", "--allow-skips")
    assert code == 0
    assert "3 files skipped" in err
    listed = (tmp_path / "look/skipped.csv").read_text()
    assert all(name in listed for name in ("empty.png", "text.jpg", "half.png"))


def test_files_that_are_skipped_of_either_domain_are_listed(call, photos, tmp_path):
    for name in ("source", "target"):
        shutil.copytree(photos, tmp_path / name, dirs_exist_ok=True)
        (next((tmp_path / name).iterdir()) / f"bad-{name}.png").write_bytes(b"")
    asked = (tmp_path / "source", tmp_path / "target", "--epochs", 1, "-o", tmp_path / "run")
    code, _, err = call("adapt", "source_only", *asked)
    assert code == 0, err
    listed = (tmp_path / "run/skipped.csv").read_text()
    assert "bad-source.png" in listed
    assert "bad-target.png" in listed


def test_a_decompression_bomb(call, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    refused(call, "look", photos, "-o", tmp_path / "look", says="pixels")


def test_nan_pixels(call, tmp_path):
    pixels = np.random.default_rng(0).random((20, 8, 8), dtype=np.float32)
    pixels[3, 2, 2] = np.nan
    np.savez(tmp_path / "d.npz", images=pixels, labels=np.arange(20) % 2)
    refused(call, "look", tmp_path / "d.npz", says=("NaN", "d.npz"))


def test_an_idx_header_that_lies(call, tmp_path):
    (tmp_path / "x-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03" + (10**6).to_bytes(4) + (28).to_bytes(4) * 2 + b"\0")
    refused(call, "look", tmp_path / "x-images-idx3-ubyte", says="x-images-idx3-ubyte")


def test_a_truncated_archive(call, tmp_path):
    np.savez(tmp_path / "d.npz", images=np.zeros((9, 8, 8), np.uint8))
    content = (tmp_path / "d.npz").read_bytes()
    (tmp_path / "d.npz").write_bytes(content[: len(content) // 2])
    assert not zipfile.is_zipfile(tmp_path / "d.npz")
    refused(call, "look", tmp_path / "d.npz", says="d.npz")


def test_labels_that_name_no_file_or_one_twice(call, photos, tmp_path):
    (tmp_path / "l.csv").write_text("path,label\nplain/0 & pla.png,x\nnowhere.png,y\n")
    refused(call, "look", photos, "--labels", tmp_path / "l.csv", says=("l.csv", "nowhere.png", "--allow-skips"))
    code, _, err = call("look", photos, "--labels", tmp_path / "l.csv", "--allow-skips", "-o", tmp_path / "look")
    assert code == 0
    assert "labels 1 of 40 items" in err
    (tmp_path / "l.csv").write_text("path,label\nplain/0 & pla.png,x\nplain/0 & pla.png,y\n")
    refused(call, "compare", photos, "--labels", tmp_path / "l.csv", says=("l.csv", "two labels", "0 & pla.png"))


def test_an_archive_that_leads_out(call, tmp_path):
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("../../up.png", b"x")
    refused(call, "compare", tmp_path / "d.zip", says=("d.zip", "../../up.png"))


def test_a_table_without_paths(call, tmp_path):
    (tmp_path / "d.csv").write_text("text,label\nfine,1\n")
    refused(call, "look", tmp_path / "d.csv", says=("d.csv", "text, label", "--path-column"))


def test_a_file_where_a_folder_should_be(call, tmp_path):
    (tmp_path / "file").write_text("mine")
    refused(call, *PRETRAIN, "-o", tmp_path / "file", says=str(tmp_path / "file"))
    refused(call, *PRETRAIN, "-o", tmp_path / "file/run", says="file")
    refused(call, "compare", "digits", "--epochs", 1, "-o", tmp_path / "file", says="file")
    refused(call, "look", "digits", "-o", tmp_path / "file", says="file")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable(call, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    refused(call, *PRETRAIN, "-o", tmp_path / "locked/run", says="locked")


def test_a_folder_of_something_else_is_not_taken_over(call, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    refused(call, *PRETRAIN, "-o", tmp_path, says=str(tmp_path))
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_run_folder_in_use(call, tmp_path):
    hold = (
        "import sys, time; from headstart.training import RunFolder; from pathlib import Path\n"
        "with RunFolder.claim(Path(sys.argv[1]), {'data': 'mine'}): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", hold, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline().strip() == "held"
        refused(call, *PRETRAIN, "-o", tmp_path / "run", says=str(tmp_path / "run"))
    finally:
        holder.kill()
        holder.wait()


def test_an_encoder_of_another_shape(call, run, photos):
    refused(call, "embed", run, photos, "-o", photos.parent / "x.parquet", says="grey")


def test_a_run_without_a_classifier_can_not_predict(call, run, tmp_path):
    refused(call, "predict", run, "digits", "-o", tmp_path / "a.csv", says="best/")


def test_an_unknown_layer(call, run):
    refused(call, "evaluate", run, "digits", "--layer", "block9", says="block4")


def test_an_answer_file_that_can_not_be_written(call, compared, tmp_path):
    refused(call, "predict", compared / "best", "digits", "-o", tmp_path, says="is a folder")


def test_a_full_disk_fails_and_keeps_the_last_good_checkpoint(call, tmp_path, monkeypatch):
    from headstart.training import checkpoint

    written, save = [], checkpoint.save_file

    def full(*args, **kwargs):
        if len(written) == 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(1)
        return save(*args, **kwargs)

    monkeypatch.setattr(checkpoint, "save_file", full)
    arguments = (*PRETRAIN, "--checkpoint-seconds", 0, "-o", tmp_path / "run")
    refused(call, *arguments, says="No space left", code=1)
    monkeypatch.setattr(checkpoint, "save_file", save)
    assert json.loads((tmp_path / "run/run.json").read_text())["state"] == "failed"
    code, _, err = call(*arguments)
    assert code == 0
    assert "Going on from step 2" in err


def method_file(folder, body):
    """`./bad.py:Bad` in a folder: SimCLR with a part of its own."""
    head = "from headstart.methods.joint_embedding.simclr import SimCLR\n\n\nclass Bad(SimCLR):\n    '''Fails.'''\n\n"
    (folder / "bad.py").write_text(head + body)
    return f"{folder}/bad.py:Bad"


def test_a_loss_that_is_no_number_stops_and_names_the_step(call, tmp_path):
    bad = method_file(
        tmp_path,
        "    def loss(self, views, progress):\n"
        "        found = super().loss(views, progress)\n"
        "        return {'loss': found['loss'] * (float('nan') if progress.step == 4 else 1)}\n",
    )
    arguments = ("pretrain", bad, "digits", "--epochs", 1, "--checkpoint-seconds", 0)
    refused(call, *arguments, "-o", tmp_path / "run", says="step", code=1)
    assert (tmp_path / "run/checkpoint.safetensors").exists()
    record = json.loads((tmp_path / "run/run.json").read_text())
    assert record["state"] == "failed"


def test_a_corrupt_checkpoint_is_passed_over_for_the_one_before(call, tmp_path):
    folder = tmp_path / "run"
    headstart.pretrain("simclr", "digits", epochs=1, out=folder, checkpoint_seconds=0)
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "state": "running"}))
    (folder / "checkpoint.safetensors").write_bytes(b"garbage")
    code, _, err = call(*PRETRAIN, "--checkpoint-seconds", 0, "-o", folder)
    assert code == 0
    assert "going on from the checkpoint before it" in err
    (folder / "run.json").write_text(json.dumps({**record, "state": "running"}))
    for name in ("checkpoint.safetensors", "checkpoint-previous.safetensors"):
        (folder / name).write_bytes(b"garbage")
    refused(call, *PRETRAIN, "--checkpoint-seconds", 0, "-o", folder, says="--restart", code=1)


def test_a_failed_route_is_a_row_and_no_crash(call_json, tmp_path):
    bad = method_file(tmp_path, "    def loss(self, views, progress):\n        raise RuntimeError('out of luck')\n")
    found = call_json(
        "compare", "digits", "--routes", f"raw,{bad}", "--labels-per-class", 1, "--epochs", 1,
        "-o", tmp_path / "out",
    )  # fmt: skip
    failed = [row for row in found["rows"] if row["state"] == "failed"]
    assert len(failed) == 1
    assert "out of luck" in failed[0]["why"]
    assert found["best"]["route"] == "random", "the written order"


def test_a_route_that_fails_from_a_later_seed_has_no_figures(call_json, tmp_path):
    bad = method_file(
        tmp_path,
        "    made = 0\n\n"
        "    def __init__(self, encoder, facts):\n"
        "        super().__init__(encoder, facts)\n"
        "        Bad.made += 1\n\n"
        "    def loss(self, views, progress):\n"
        "        if Bad.made > 3:\n"
        "            raise AttributeError('out of luck')\n"
        "        return super().loss(views, progress)\n",
    )
    found = call_json(
        "compare", "digits", "--routes", bad, "--labels-per-class", 1, "--epochs", 1,
        "--seeds", "0,1,2", "-o", tmp_path / "out",
    )  # fmt: skip
    (failed,) = [row for row in found["rows"] if row["route"] == "Bad"]
    assert (failed["state"], failed["accuracy"]) == ("failed", None)
    assert failed["seeds"] > 0, "it fails later than its first seed"
    assert "out of luck" in failed["why"]
    assert {pair[side] for pair in found["paired"] for side in "ab"} == {"raw", "random"}


def test_a_broken_method_is_a_row_also_where_a_budget_measures_it_first(call_json, tmp_path):
    bad = method_file(tmp_path, "    def loss(self, views, progress):\n        return views[0] @ views[1]\n")
    found = call_json(
        "compare", "digits", "--routes", bad, "--labels-per-class", 1, "--budget", "20s",
        "-o", tmp_path / "out",
    )  # fmt: skip
    states = {row["route"]: row["state"] for row in found["rows"]}
    assert states == {"raw": "done", "random": "done", "Bad": "failed"}


def test_a_default_number_of_labels_that_is_too_large_is_lowered_where_labels_are_few(call, photos, tmp_path):
    out = tmp_path / "out"
    code, _, err = call("compare", photos, "--routes", "raw", "--epochs", 1, "-o", out)
    assert code == 0
    assert "has only 6 labelled training items outside some fold: 6 labels a class in the place of 10" in err
    assert err.count("Judging is cross-validation over the labelled items.") == 1
    rows = json.loads((out / "leaderboard.json").read_text())["rows"]
    assert {row["labels_per_class"] for row in rows} == {1, 5, 6, "all"}


def test_a_number_of_labels_asked_for_is_not_lowered(call, photos, tmp_path):
    arguments = ("compare", photos, "--routes", "raw", "--epochs", 1, "--labels-per-class", "1,7", "-o", tmp_path / "o")
    refused(call, *arguments, says=("--labels-per-class 7", "at most 6"))
    assert not (tmp_path / "o").exists()


def test_a_default_that_is_too_large_for_an_official_train_part_is_left_out(call, tmp_path):
    items = np.random.default_rng(0).integers(0, 256, (40, 8, 8), dtype=np.uint8)
    labels = np.arange(40) % 4
    np.savez(tmp_path / "d.npz", x_train=items[:32], y_train=labels[:32], x_test=items[32:], y_test=labels[32:])
    code, _, err = call("compare", tmp_path / "d.npz", "--routes", "raw", "--epochs", 1, "-o", tmp_path / "out")
    assert code == 0
    assert "10 labels a class left out" in err
    rows = json.loads((tmp_path / "out/leaderboard.json").read_text())["rows"]
    assert {row["labels_per_class"] for row in rows} == {1, 5, "all"}


def test_a_part_that_was_not_drawn(call, compared, run, tmp_path):
    made = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "d.npz", images=made, labels=np.arange(30) % 3)
    says = ("--split test", "labels are too few for one", "only train")
    refused(call, "embed", run, tmp_path / "d.npz", "--split", "test", "-o", tmp_path / "x.parquet", says=says)
    refused(call, "predict", compared / "best", tmp_path / "d.npz", "--split", "test", "-o", tmp_path / "a", says=says)
    refused(call, "embed", run, "digits", "--split", "val", "-o", tmp_path / "x.parquet", says="has no val part")
    assert not (tmp_path / "x.parquet").exists()


def test_strict_with_nothing_left_to_learn_from(call, photos, tmp_path):
    arguments = ("compare", photos, "--routes", "raw,simclr", "--epochs", 1, "--strict", "-o", tmp_path / "out")
    refused(call, *arguments, says=("--strict leaves 0 items", "Leave it out"))
    assert not (tmp_path / "out").exists()


def test_nothing_labelled_is_no_verdict_but_a_report(call_json, tmp_path):
    made = torch.randint(0, 256, (60, 8, 8), dtype=torch.uint8).numpy()
    np.save(tmp_path / "d.npy", made)
    found = call_json("compare", tmp_path / "d.npy", "--routes", "raw,simclr", "--epochs", 1, "-o", tmp_path / "out")
    assert found["best"] is None
    assert all(row["accuracy"] is None and row["labels_per_class"] is None for row in found["rows"])
    assert Path(found["report"]).exists()


@pytest.mark.parametrize("verb", [("diagnose",), ("adapt", "mcc"), ("compare",)], ids=" ".join)
@pytest.mark.parametrize("texts", ["words", "reviews.csv"])
def test_images_and_texts_are_scenario_1(call, tmp_path, verb, texts):
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "1.txt").write_text("some words")
    (tmp_path / "reviews.csv").write_text("text,label\ngood,1\n")
    between = ("--target",) if verb == ("compare",) else ()
    for one, other in (("digits", tmp_path / texts), (tmp_path / texts, "digits")):
        kinds = ("images", "texts") if one == "digits" else ("texts", "images")
        says = ("scenario 1", f"{kinds[0]} in {one}, {kinds[1]} in {other}", "give a source and a target of images")
        refused(call, *verb, one, *between, other, says=says)


def test_two_sets_of_texts_and_a_set_that_is_not_there_keep_their_messages(call, tmp_path):
    (tmp_path / "1.txt").write_text("some words")
    refused(call, "diagnose", tmp_path, tmp_path, says="it holds no images that can be read")
    refused(call, "diagnose", "no-such-folder", tmp_path, says="there is no such file or folder")
