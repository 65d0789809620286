"""A run's whole method comes back as it was trained."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from tiny import job

from headstart.errors import InputError
from headstart.training import MissingPartError, TrainSettings, load_method, load_projector, run_job
from headstart.verbs.layers import find_layers

FINE_TUNED = "headstart.methods.fine_tuned:FineTuned"


def trained(method, folder, **own):
    return run_job(replace(job(TrainSettings(device="cpu", steps=1), **own), method=method), folder)


@pytest.mark.parametrize(("method", "own"), [("moco", {"momentum": 0.5}), (FINE_TUNED, {"statistics": "batch"})])
def test_a_method_is_told_the_same_facts_again(tmp_path, method, own):
    first = trained(method, tmp_path, **own)
    again = load_method(tmp_path)
    assert (again.facts.items, again.facts.counts) == (first.method.facts.items, first.method.facts.counts)
    assert all(getattr(again, name, value) == value for name, value in own.items())
    torch.testing.assert_close(again.state_dict(), first.method.state_dict(), rtol=0, atol=0)


def test_runs_that_are_older_than_the_counts_are_read_too(tmp_path):
    first = trained("moco", tmp_path, momentum=0.5)
    record, description = (json.loads((tmp_path / name).read_text()) for name in ("run.json", "encoder.json"))
    record["settings"] |= record["settings"].pop("method_settings")
    del description["data"]["counts"]
    (tmp_path / "run.json").write_text(json.dumps(record))
    (tmp_path / "encoder.json").write_text(json.dumps(description))
    again = load_method(tmp_path)
    assert (again.momentum, again.facts.counts) == (0.5, (0, 0))
    torch.testing.assert_close(again.state_dict(), first.method.state_dict(), rtol=0, atol=0)


def test_of_all_layers_only_one_that_there_is_not_is_left_out(tmp_path):
    encoder = trained("moco", tmp_path / "moco").method.encoder
    assert find_layers(encoder, tmp_path / "moco", "all", "cpu")[-1][0] == "projection"
    trained("supervised", tmp_path / "supervised")
    for run in ("supervised", "nowhere"):
        assert find_layers(encoder, tmp_path / run, "all", "cpu")[-1][0] == "features"
        with pytest.raises(MissingPartError):
            load_projector(tmp_path / run)
    described = json.loads((tmp_path / "moco/encoder.json").read_text())
    (tmp_path / "moco/encoder.json").write_text(json.dumps(described | {"method": "gone"}))
    with pytest.raises(InputError, match="gone is not known"):
        find_layers(encoder, tmp_path / "moco", "all", "cpu")
