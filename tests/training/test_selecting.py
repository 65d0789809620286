"""A judge says which weights are kept: the best, not the last; the same bits after a stop."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from tiny import dataset, encoder_bits, job, rows

from headstart.training import TrainSettings, checkpoint, loop, plan_steps, run_job, train
from headstart.training.streams import Stream


def weights(method):
    return torch.cat([parameter.detach().reshape(-1) for parameter in method.parameters()])


class Scripted:
    """Thinks what it was told to, epoch by epoch; remembers the weights that it saw."""

    def __init__(self, scores, patience=None, counts_start=True):
        self.scores, self.patience, self.seen, self.counts_start = list(scores), patience, [], counts_start

    def look(self, method):
        assert not method.training, "in evaluation mode"
        self.seen.append(weights(method))
        return {"score": self.scores[len(self.seen) - 1], "beside": 1.0}


def trained(scores, patience=None, folder=None, counts_start=True, **settings):
    judge = Scripted(scores, patience, counts_start)
    asked = replace(job(TrainSettings(device="cpu", **settings)), judge=judge)
    if folder is not None:
        return judge, run_job(asked, folder)
    data = dataset()
    stream = Stream(data.items, data.labels, asked.places)
    return judge, train(asked.build(), {"data": stream}, asked.settings, judge=judge)


@pytest.mark.parametrize("kept", [True, False])
def test_the_first_of_the_best_weights_are_kept(tmp_path, kept):
    judge, found = trained([0.1, 0.5, 0.9, 0.9, 0.2], folder=tmp_path / "run" if kept else None)
    assert len(judge.seen) == 5, "before the first step and after each of four epochs"
    assert found.best_step == 2 * found.steps // 4
    assert torch.equal(weights(found.method), judge.seen[2])
    assert not torch.equal(judge.seen[2], judge.seen[4])


def test_nothing_better_than_the_start_keeps_the_start():
    judge, found = trained([0.9, 0.5, 0.1, 0.1, 0.9])
    assert found.best_step == 0
    assert torch.equal(weights(found.method), judge.seen[0])


def test_a_judge_may_leave_the_start_out():
    judge, found = trained([0.1, 0.5, 0.5, 0.2], counts_start=False)
    assert len(judge.seen) == 4, "after each epoch"
    assert found.best_step == 2 * found.steps // 4
    assert not any("score" in row for row in found.history if row["step"] == 0)
    _, found = trained([0.0, 0.0, 0.0, 0.0], counts_start=False)
    assert found.best_step == found.steps // 4


def test_the_means_of_an_epoch_are_those_of_its_steps(tmp_path):
    _, found = trained([0.1, 0.2, 0.3, 0.4, 0.5], folder=tmp_path)
    assert all("loss" in row for row in found.history), "so few steps are all logged"
    for epoch in range(4):
        mine = [row for row in found.history if row["step"] > 0 and row["epoch"] == epoch]
        for name in ("loss", "agreement"):
            assert mine[-1][f"epoch_{name}"] == pytest.approx(sum(row[name] for row in mine) / len(mine), rel=1e-6)
    assert found.history[-1]["epoch_loss"] == found.loss


def test_patience_ends_training_early(tmp_path):
    judge, found = trained([0.1, 0.5, 0.4, 0.3, 0.9], patience=2, folder=tmp_path)
    assert len(judge.seen) == 4
    assert found.best_step * 3 == found.steps
    assert json.loads((tmp_path / "run.json").read_text())["state"] == "done"


def test_figures_stand_in_the_log_once_an_epoch(tmp_path):
    _, found = trained([0.1, 0.5, 0.4, 0.3, 0.9], folder=tmp_path)
    rows = [row for row in found.history if "score" in row]
    assert [row["score"] for row in rows] == [0.1, 0.5, 0.4, 0.3, 0.9]
    assert [row["step"] for row in rows] == [epoch * found.steps // 4 for epoch in range(5)]


def test_a_finished_run_gives_its_best_weights_again(tmp_path):
    scores = [0.1, 0.9, 0.4, 0.3, 0.2]
    _, first = trained(scores, folder=tmp_path)
    _, again = trained(scores, folder=tmp_path)
    assert again.best_step == first.best_step
    states = (one.method.state_dict() for one in (first, again))
    assert all(torch.equal(a, b) for a, b in zip(*(state.values() for state in states), strict=True))


class BySize:
    """Likes weights by their size: a function of the weights alone, as every honest judge is."""

    patience = None
    counts_start = True

    def __init__(self, stops_at=None):
        self.stops_at, self.looks = stops_at, 0

    def look(self, method):
        if self.looks == self.stops_at:
            raise KeyboardInterrupt
        self.looks += 1
        return {"score": float(weights(method).norm()) * (-1) ** self.looks}


@pytest.mark.parametrize("stops_at", [1, 2, 4])
def test_a_run_that_stopped_while_it_was_judged_ends_with_the_same_bits(tmp_path, stops_at):
    asked = job(TrainSettings(device="cpu", checkpoint_seconds=0))
    whole = run_job(replace(asked, judge=BySize()), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_job(replace(asked, judge=BySize(stops_at)), tmp_path / "stopped")
    again = BySize()
    again.looks = stops_at
    went_on = run_job(replace(asked, judge=again), tmp_path / "stopped")
    assert went_on.best_step == whole.best_step
    assert encoder_bits(tmp_path / "stopped") == encoder_bits(tmp_path / "whole")
    assert [row.get("score") for row in rows(tmp_path / "stopped")] == [
        row.get("score") for row in rows(tmp_path / "whole")
    ]


def test_a_run_that_was_killed_after_it_ended_early_ends_there_again(tmp_path):
    scores = [0.1, 0.5, 0.4, 0.3, 0.9]
    _, first = trained(scores, patience=2, folder=tmp_path)
    before = rows(tmp_path)
    record = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**record, "state": "running"}))
    judge, again = trained([0.9], patience=2, folder=tmp_path)
    assert judge.seen == []
    assert (again.steps, again.best_step) == (first.steps, first.best_step)
    assert rows(tmp_path) == before


def test_one_that_ended_early_is_not_said_to_continue(tmp_path, capsys):
    _, first = trained([0.1, 0.5, 0.4, 0.3, 0.9], patience=2, folder=tmp_path)
    capsys.readouterr()
    judge, again = trained([0.9], patience=2, folder=tmp_path, epochs=8)
    assert judge.seen == []
    assert (again.steps, again.best_step) == (first.steps, first.best_step)
    said = capsys.readouterr().err
    assert "ended early, after step 9 of 12" in said
    assert "Continues" not in said


def test_a_run_that_was_killed_before_its_first_checkpoint_logs_its_start_once(tmp_path):
    asked = job(TrainSettings(device="cpu"))
    with pytest.raises(KeyboardInterrupt):
        run_job(replace(asked, judge=BySize(1)), tmp_path)
    assert rows(tmp_path)[0]["step"] == 0
    run_job(replace(asked, judge=BySize()), tmp_path)
    assert [row["step"] for row in rows(tmp_path)] == list(range(13))


def test_the_weights_that_are_taken_back_are_those_that_the_checkpoint_means(tmp_path, monkeypatch):
    """The run is killed between the weights of step 6 and their checkpoint, and judged otherwise when it goes on."""
    save = loop._save

    def killed(folder, stepper, journal, tally):
        if tally.step == 6:
            raise KeyboardInterrupt
        save(folder, stepper, journal, tally)

    first = Scripted([0.1, 0.5, 0.9])
    asked = job(TrainSettings(device="cpu", checkpoint_seconds=0))
    monkeypatch.setattr(loop, "_save", killed)
    with pytest.raises(KeyboardInterrupt):
        run_job(replace(asked, judge=first), tmp_path)
    monkeypatch.setattr(loop, "_save", save)
    again = run_job(replace(asked, judge=Scripted([0.2, 0.2, 0.2])), tmp_path)
    assert (again.resumed_from, again.best_step) == (5, 3)
    assert torch.equal(weights(again.method), first.seen[1])
    assert [path.name for path in tmp_path.glob("best*")] == ["best-3.safetensors"]


def test_weights_that_a_checkpoint_names_stay(tmp_path):
    """The newest checkpoint means those of the last epoch, the one before it those of the first."""
    trained([0.1, 0.5, 0.2, 0.3, 0.9], folder=tmp_path, checkpoint_seconds=0)
    named = [checkpoint.read(tmp_path / name).scalars["best_step"] for name in (checkpoint.PREVIOUS, checkpoint.NEWEST)]
    assert named == [3, 12]
    assert {path.name for path in tmp_path.glob("best*")} == {f"best-{step}.safetensors" for step in named}


def test_epochs_end_where_they_end():
    plan = plan_steps(TrainSettings(epochs=3, batch_size=16), job().kind.recipe, 48)
    assert [step for step in range(1, plan.steps + 1) if plan.ends_epoch(step)] == [3, 6, 9]
