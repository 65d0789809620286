from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from tiny import Tiny, dataset, encoder_bits, job, rows
from torch import nn

from headstart.contracts import Recipe
from headstart.errors import InputError, RunError
from headstart.training import RunFolder, TrainSettings, load_encoder, loop, run_job, step_rate
from headstart.training import checkpoint as checkpoints
from headstart.training.health import CollapseWatch
from headstart.training.job import fingerprint
from headstart.training.rate import _wait


def settings(**changes: object) -> TrainSettings:
    return TrainSettings(device="cpu", **changes)


def record(folder) -> dict[str, object]:
    return json.loads((folder / "run.json").read_text())


class Broken(Tiny):
    """Its loss stops being a number at a step."""

    def __init__(self, encoder, facts, *, at: int = 6) -> None:
        super().__init__(encoder, facts)
        self.at = at

    def loss(self, views, progress):
        losses = super().loss(views, progress)
        return losses | {"loss": losses["loss"] * (float("nan") if progress.step == self.at else 1.0)}


class Labelled(Tiny):
    """Learns classes, with a classifier of its own."""

    uses_labels = True

    def __init__(self, encoder, facts) -> None:
        super().__init__(encoder, facts)
        self.classifier = nn.Linear(encoder.width, len(facts.classes))

    def views(self, batch, draw):
        return (*super().views(batch, draw), batch.labels)

    def loss(self, views, progress):
        losses = super().loss(views[:2], progress)
        own = nn.functional.cross_entropy(self.classifier(self.encoder(views[0])), views[2])
        return {"loss": losses["loss"] + own, "own": own}


def test_a_run_leaves_what_the_next_needs(tmp_path):
    trained = run_job(job(settings()), tmp_path / "run")
    assert (trained.steps, trained.resumed_from, trained.state, trained.collapsed) == (12, 0, "done", False)
    assert trained.folder == tmp_path / "run"
    kept = record(tmp_path / "run")
    assert kept["state"] == "done"
    assert kept["plan"]["steps"] == 12
    assert kept["machine"]["threads"] == kept["machine"]["threads"] >= 1
    last_epoch = [row["loss"] for row in trained.history if row["epoch"] == 3]
    assert trained.loss == pytest.approx(sum(last_epoch) / 3)
    encoder, description = load_encoder(tmp_path / "run")
    for (name, ours), (_, theirs) in zip(
        encoder.state_dict().items(), trained.method.encoder.state_dict().items(), strict=True
    ):
        assert torch.equal(ours, theirs), name
    assert not encoder.training
    assert description["data"]["fingerprint"] == dataset().fingerprint


def test_metrics_hold_a_line_a_logged_step(tmp_path):
    run_job(job(settings()), tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 13))
    assert {"epoch", "loss", "agreement", "lr", "items_per_s", "seconds", "rank_me", "spread"} <= lines[-1].keys()
    assert all(line["loss"] >= line["agreement"] for line in lines)
    assert [line["seconds"] for line in lines] == sorted(line["seconds"] for line in lines)


def test_a_finished_run_is_given_back_untouched(tmp_path, capsys):
    first = run_job(job(settings()), tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    capsys.readouterr()
    second = run_job(job(settings(batch_size=16, lr=1e-2)), tmp_path)  # the recipe's own numbers, named
    assert "done already" in capsys.readouterr().err
    assert (second.loss, second.steps, second.history) == (first.loss, first.steps, first.history)
    for (name, ours), (_, theirs) in zip(
        first.method.state_dict().items(), second.method.state_dict().items(), strict=True
    ):
        assert torch.equal(ours, theirs), name
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {**after, "run.json": b""} == {**before, "run.json": b""}


def test_more_epochs_continue_and_repeat_their_bits(tmp_path, capsys):
    for name in ("a", "b"):
        run_job(job(settings(epochs=2)), tmp_path / name)
        longer = run_job(job(settings(epochs=4)), tmp_path / name)
        assert (longer.resumed_from, longer.steps) == (6, 12)
    assert "Continues to 12 steps instead of 6" in capsys.readouterr().err
    assert encoder_bits(tmp_path / "a") == encoder_bits(tmp_path / "b")
    run_job(job(settings(epochs=4)), tmp_path / "whole")
    assert encoder_bits(tmp_path / "a") != encoder_bits(tmp_path / "whole"), "another schedule in its first half"
    assert [row["step"] for row in rows(tmp_path / "a")] == list(range(1, 13))


def test_the_seed_decides_the_bits(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run_job(job(settings(seed=seed)), tmp_path / name)
    assert encoder_bits(tmp_path / "a") == encoder_bits(tmp_path / "b") != encoder_bits(tmp_path / "c")


def test_watching_health_changes_nothing(tmp_path, monkeypatch):
    run_job(job(settings()), tmp_path / "a")
    monkeypatch.setattr(loop, "_watch", lambda stepper, stream: None)
    run_job(job(settings()), tmp_path / "b")
    assert encoder_bits(tmp_path / "a") == encoder_bits(tmp_path / "b")
    assert "rank_me" not in rows(tmp_path / "b")[-1]


def test_training_leaves_the_callers_random_numbers_alone(tmp_path):
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    run_job(job(settings(epochs=1)), tmp_path)
    assert torch.equal(torch.rand(3), expected)


def test_other_settings_need_another_folder(tmp_path):
    run_job(job(settings(epochs=1)), tmp_path / "run")
    with pytest.raises(InputError, match=r"--noise 0.2 \(there 0.1\)"):
        run_job(job(settings(epochs=1), noise=0.2), tmp_path / "run")
    moved = run_job(job(settings(epochs=1), noise=0.2), tmp_path / "run", explicit=False)
    assert moved.folder == tmp_path / "run-2"
    anew = run_job(job(settings(epochs=1), noise=0.2), tmp_path / "run", restart=True)
    assert (anew.folder, anew.resumed_from) == (tmp_path / "run", 0)


def test_a_setting_that_the_loop_has_too_is_the_methods(tmp_path):
    slow, fast = (replace(job(settings(steps=1), momentum=value), method="moco") for value in (0.9, 0.5))
    run_job(slow, tmp_path)
    assert record(tmp_path)["settings"]["method_settings"]["momentum"] == 0.9
    with pytest.raises(InputError, match=r"settings: --momentum 0.5 \(there 0.9\)\."):
        run_job(fast, tmp_path)


def test_no_setting_of_a_method_meets_another(tmp_path):
    """All names that a run is recognised by, as settings of a method: every one makes it another run."""
    made = job(settings())
    known = fingerprint(made, made.plan())
    for name in known:
        again = replace(made, method_settings={name: "own"})
        found = fingerprint(again, again.plan())
        assert found.pop("method_settings")[name] == "own"
        assert found == {key: value for key, value in known.items() if key != "method_settings"}


def test_bad_settings_are_refused_before_anything_is_written(tmp_path):
    for wrong in (
        job(settings(), noize=1.0),
        job(settings(accumulate=2)),
        job(settings(batch_size=5, accumulate=2)),
        job(TrainSettings(device="cuda:99")),
        job(TrainSettings(device="toaster")),
    ):
        with pytest.raises(InputError):
            run_job(wrong, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_good_state(tmp_path):
    broken = replace(job(settings(checkpoint_seconds=0)), method=Broken)
    with pytest.raises(RunError, match=r"loss of step 7 is nan"):
        run_job(broken, tmp_path)
    assert record(tmp_path)["state"] == "failed"
    assert "step 7" in record(tmp_path)["why"]
    kept = checkpoints.read(checkpoints.recover(tmp_path))
    assert kept.scalars["step"] == 6
    assert all(torch.isfinite(tensor).all() for tensor in kept.tensors.values())
    assert rows(tmp_path)[-1]["step"] == 6
    assert not (tmp_path / "encoder.safetensors").exists()


def test_features_that_are_no_numbers_are_the_runs_failure():
    made, data = job(settings()), dataset()
    encoder = made.build().encoder
    watch = CollapseWatch(encoder, data.items, made.places, torch.device("cpu"))
    assert watch.look(2)["rank_me"] > 1
    with torch.no_grad():
        next(encoder.parameters()).fill_(float("inf"))
    with pytest.raises(RunError, match=r"no longer finite after step 3.*\n.*--lr"):
        watch.look(3)


def test_a_state_that_is_no_number_never_replaces_a_good_one(tmp_path, monkeypatch):
    def spoil(self, progress):
        if progress.step == 4:
            self.head[0].weight.data.fill_(float("inf"))

    monkeypatch.setattr(Tiny, "after_step", spoil)
    with pytest.raises(RunError, match="after step 5"):
        run_job(job(settings(checkpoint_seconds=0)), tmp_path)
    assert checkpoints.read(checkpoints.recover(tmp_path)).scalars["step"] == 4


def test_a_corrupt_checkpoint_gives_way_to_the_one_before(tmp_path, capsys):
    run_job(job(settings()), tmp_path / "whole")
    broken = tmp_path / "broken"
    with RunFolder.claim(broken, {}):
        pass
    run_job(job(settings(checkpoint_seconds=0)), broken, restart=True)
    newest = broken / checkpoints.NEWEST
    newest.write_bytes(newest.read_bytes()[:-100])
    kept = record(broken)
    (broken / "run.json").write_text(json.dumps(kept | {"state": "running"}))
    trained = run_job(job(settings()), broken)
    assert trained.resumed_from == 11
    assert "can't be read" in capsys.readouterr().err
    assert encoder_bits(broken) == encoder_bits(tmp_path / "whole")


def test_no_readable_checkpoint_fails_and_restart_begins_anew(tmp_path):
    run_job(job(settings(checkpoint_seconds=0)), tmp_path)
    (tmp_path / "run.json").write_text(json.dumps(record(tmp_path) | {"state": "running"}))
    for name in (checkpoints.NEWEST, checkpoints.PREVIOUS):
        (tmp_path / name).write_bytes(b"nothing")
    with pytest.raises(RunError, match="--restart"):
        run_job(job(settings()), tmp_path)
    assert run_job(job(settings()), tmp_path, restart=True).resumed_from == 0


def test_a_folder_in_use_is_refused(tmp_path):
    run_job(job(settings(epochs=1)), tmp_path)
    with RunFolder.claim(tmp_path, record(tmp_path)["settings"]), pytest.raises(InputError, match="in use"):
        run_job(job(settings(epochs=1)), tmp_path)


def test_a_small_set_says_its_smaller_batch(tmp_path, capsys):
    trained = run_job(job(settings(batch_size=500, epochs=1)), tmp_path)
    assert "a batch has 48 instead of 500" in capsys.readouterr().err
    assert trained.steps == 1


def test_a_classifier_is_kept_and_labels_are_shown_to_those_who_use_them(tmp_path):
    trained = run_job(replace(job(settings(epochs=20)), method=Labelled), tmp_path)
    assert trained.history[-1]["own"] < 0.2 < trained.history[0]["own"]
    assert "rank_me" not in trained.history[-1]
    assert (tmp_path / "classifier.safetensors").exists()


def test_only_the_chosen_items_are_learned_from(tmp_path):
    seen: set[int] = set()

    class Spy(Tiny):
        recipe = Recipe(batch_size=4, epochs=2)

        def views(self, batch, draw):
            seen.update(batch.index.tolist())
            return super().views(batch, draw)

    chosen = torch.tensor([9, 3, 5, 7, 1, 11, 13, 2])
    run_job(replace(job(settings()), method=Spy, index=chosen), tmp_path)
    assert seen == set(chosen.tolist())


def test_the_rate_of_steps_is_measured_without_a_trace(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    slow = step_rate(job(settings(), nap=0.05), seconds=0.3)
    assert 5 < slow < 20
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("kind", ["cuda", "mps"])
def test_a_step_is_over_when_its_device_says_so(kind, monkeypatch):
    waited = []
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: waited.append("cuda"))
    monkeypatch.setattr(torch.mps, "synchronize", lambda: waited.append("mps"))
    _wait(torch.device(kind))
    assert waited == [kind]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "encoder.json").unlink(), "isn't done"),
        (lambda folder: (folder / "encoder.json").write_text("{"), "damaged"),
        (lambda folder: (folder / "encoder.json").write_text('{"format": 9}'), "another version"),
        (lambda folder: (folder / "encoder.safetensors").unlink(), "is missing"),
        (lambda folder: (folder / "encoder.safetensors").write_bytes(b"x" * 50), "can't be read"),
    ],
)
def test_an_encoder_that_cant_be_loaded_says_why(tmp_path, spoil, message):
    run_job(job(settings(epochs=1)), tmp_path)
    spoil(tmp_path)
    with pytest.raises(InputError, match=message):
        load_encoder(tmp_path)


def test_there_is_no_encoder_where_there_is_no_run(tmp_path):
    with pytest.raises(InputError, match="isn't there"):
        load_encoder(tmp_path / "nowhere")
    with pytest.raises(InputError, match="no encoder"):
        load_encoder(tmp_path)
