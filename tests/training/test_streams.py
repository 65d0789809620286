"""Several streams: each in its own order, one batch of each a step, the same bits after a stop."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest
import torch
from tiny import Tiny, dataset, encoder_bits, rows
from torch import nn

from headstart.errors import InputError
from headstart.training import Job, Stream, TrainSettings, run_job
from headstart.training.streams import Sampler, samplers


class Pairwise(Tiny):
    """Sees a source with labels and a target without, and remembers what it was shown."""

    streams = ("source", "target")
    uses_labels = True
    seen: ClassVar[list] = []

    def views(self, batch, draw):
        assert list(batch) == ["source", "target"]
        assert batch["target"].labels is None
        assert batch["source"].labels is not None
        self.seen.append({name: one.index.tolist() for name, one in batch.items()})
        return super().views(batch["source"], draw)[0], super().views(batch["target"], draw)[0]


class Failing(Pairwise):
    """Stops in the middle."""

    def loss(self, views, progress):
        if progress.step == 5 and not Failing.mended:
            raise KeyboardInterrupt
        return super().loss(views, progress)

    mended = False


class Still(Tiny):
    """Learns nothing by gradients: counts what it sees."""

    def __init__(self, encoder, facts):
        super().__init__(encoder, facts)
        self.requires_grad_(False)


def pairwise(kind=Pairwise, target=40, **settings):
    return Job(
        data=dataset(64),
        beside={"target": dataset(target)},
        method=kind,
        backbone="cnn",
        views="glyphs",
        settings=TrainSettings(device="cpu", **settings),
    )


def test_a_pass_shows_every_item_once_and_the_next_begins_anew():
    sampler = Sampler(torch.arange(100, 110), 3, seed=0)
    first = torch.cat([sampler.places(step) for step in range(3)]).tolist()
    second = torch.cat([sampler.places(step) for step in range(3, 6)]).tolist()
    assert len(set(first)) == len(set(second)) == 9
    assert first != second
    assert set(first) <= set(range(100, 110))
    assert torch.equal(Sampler(torch.arange(100, 110), 3, seed=0).places(4), sampler.places(4)), "by the step alone"


def test_streams_have_orders_of_their_own():
    stream = Stream(torch.zeros(30, 1, 8, 8), None, torch.arange(30))
    made = samplers({"source": stream, "target": stream}, 10, 0)
    assert not torch.equal(made["source"].places(0), made["target"].places(0))
    alone = samplers({"data": stream}, 10, 0)["data"]
    assert torch.equal(alone.places(0), Sampler(torch.arange(30), 10, 0).places(0))


def test_the_epoch_is_the_sources_and_the_target_cycles(tmp_path):
    Pairwise.seen.clear()
    job = pairwise(target=200, epochs=4)
    trained = run_job(job, tmp_path)
    assert trained.steps == 4 * (len(job.places) // 16)
    turns = len(job.beside["target"].indices("train")) // 16
    shown = [step["target"] for step in Pairwise.seen]
    one_pass = [place for step in shown[:turns] for place in step]
    assert len(set(one_pass)) == len(one_pass)
    assert shown[0] != shown[turns], "the next pass has another order"
    assert turns < trained.steps
    test = set(job.beside["target"].indices("test").tolist())
    assert test
    assert not test & {place for step in shown for place in step}


def test_the_smallest_stream_fills_a_batch():
    plan = pairwise(target=12).plan()
    assert plan.batch_size == 9, "a quarter of the twelve is the test part"
    assert "9 items" in plan.notes[0]


def test_a_stopped_run_of_two_streams_ends_with_the_same_bits(tmp_path):
    Failing.mended = True
    run_job(pairwise(Failing, checkpoint_seconds=0), tmp_path / "whole")
    Failing.mended = False
    with pytest.raises(KeyboardInterrupt):
        run_job(pairwise(Failing, checkpoint_seconds=0), tmp_path / "stopped")
    Failing.mended = True
    went_on = run_job(pairwise(Failing, checkpoint_seconds=0), tmp_path / "stopped")
    assert went_on.resumed_from == 5
    assert encoder_bits(tmp_path / "whole") == encoder_bits(tmp_path / "stopped")
    assert rows(tmp_path / "whole") == rows(tmp_path / "stopped")


def test_another_target_is_another_run(tmp_path):
    run_job(pairwise(epochs=1), tmp_path)
    with pytest.raises(InputError, match="other settings: target"):
        run_job(pairwise(epochs=1, target=48), tmp_path)
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["beside"]["target"]["items"] == 40


def test_sets_that_the_method_does_not_take_are_refused(tmp_path):
    job = pairwise()
    with pytest.raises(InputError, match="target"):
        Job(data=job.data, method=Pairwise, backbone="cnn").plan()
    with pytest.raises(InputError, match="target"):
        Job(data=job.data, beside=job.beside, method=Tiny, backbone="cnn").plan()


def test_a_method_without_trainable_parameters_steps_and_is_resumed(tmp_path):
    settings = TrainSettings(device="cpu", epochs=1)
    job = Job(data=dataset(), method=Still, backbone="cnn", settings=settings)
    trained = run_job(job, tmp_path)
    again = run_job(job, tmp_path)
    norms = [
        next(part for part in run.method.modules() if isinstance(part, nn.BatchNorm2d)) for run in (trained, again)
    ]
    assert int(norms[0].num_batches_tracked) == trained.steps
    assert torch.equal(norms[0].running_mean, norms[1].running_mean)
