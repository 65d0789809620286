"""Batches in parts, and batches of one: allowed where a method relates no items, refused where it does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tiny import job

from headstart.errors import InputError
from headstart.training import TrainSettings, run_job

FINE_TUNED = "headstart.methods.fine_tuned:FineTuned"


def made(method, own=None, **settings):
    chosen = TrainSettings(device="cpu", steps=2, **settings)
    return replace(job(chosen, **(own or {})), method=method)


def test_batch_norm_that_rests_relates_no_items(tmp_path):
    whole, parts = (
        run_job(made(FINE_TUNED, batch_size=16, accumulate=number), tmp_path / str(number)) for number in (1, 4)
    )
    assert parts.loss == pytest.approx(whole.loss, rel=1e-5)
    run_job(made(FINE_TUNED, batch_size=1), tmp_path / "one")


@pytest.mark.parametrize(
    ("method", "own", "reason"),
    [
        (FINE_TUNED, {"statistics": "batch"}, "batch norm"),
        (FINE_TUNED, {"mixup": 0.4}, "compares the items"),
        ("byol", {}, "batch norm"),
        ("moco", {}, "compares the items"),
    ],
)
def test_batches_of_too_few_items_to_relate_are_refused(method, own, reason):
    with pytest.raises(InputError, match=f"--accumulate would change .*{reason}"):
        made(method, own, batch_size=16, accumulate=2).build()
    with pytest.raises(InputError, match=f"--batch-size 1: .*{reason}.*: choose 2 or more"):
        made(method, own, batch_size=1).build()


def test_group_norm_relates_no_items():
    made("byol", {"norm": "group"}, batch_size=16, accumulate=2).build()
    made("byol", {"norm": "group"}, batch_size=1).build()
