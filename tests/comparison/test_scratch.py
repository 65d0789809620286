import json
from types import SimpleNamespace

import pytest

import headstart
from headstart.comparison.scratch import FALLING, still_falling, was_cut


def trained(losses):
    return SimpleNamespace(steps=len(losses), history=[{"step": n + 1, "loss": loss} for n, loss in enumerate(losses)])


@pytest.mark.parametrize(
    ("losses", "flat"),
    [
        ([2.3] * 2 + [0.1] * 38, True),
        ([2.3 - 2.2 * n / 40 for n in range(40)], False),
        ([2.3 * 0.8**n for n in range(40)], True),
        ([2.3] * 40, True),  # nothing was learned, and nothing will be
        ([2.3, 1.0], False),  # too short to tell
        ([2.3], False),
    ],
)
def test_a_loss_is_flat_where_the_last_quarter_brought_little_of_its_fall(losses, flat):
    assert (still_falling(trained(losses)) <= FALLING) is flat


def test_a_route_was_cut_where_its_draws_are_not_flat_on_average():
    def of(*shares):
        return [SimpleNamespace(falling=share) for share in shares]

    assert not was_cut(of(0.02, 0.03, 0.06))
    assert was_cut(of(0.04, 0.05, 0.08))


def ceiling(folder, epochs):
    """The row of `supervised` and the steps it was trained for."""
    found = headstart.compare(
        "digits", routes="scratch", labels_per_class="all", draws=10, epochs=epochs, seed=0, device="cpu", out=folder
    )
    run = json.loads(next((folder / "routes").glob("supervised-*draw0/run.json")).read_text())
    return next(row for row in found.rows if row["route"] == "supervised"), run["result"]["steps"]


def test_the_ceiling_goes_on_from_epochs_that_were_too_few(tmp_path):
    row, steps = ceiling(tmp_path, 1)
    assert row["state"] in ("done", "cut"), row
    assert steps > 11, "one epoch of digits left the loss falling"
    next((tmp_path / "routes").glob("supervised-seed0/judged.json")).unlink()
    record = tmp_path / "run.json"
    record.write_text(record.read_text().replace('"state": "done"', '"state": "stopped"'))
    again, _ = ceiling(tmp_path, 1)
    assert again["accuracy"] == row["accuracy"], "it was interrupted after it had gone on, and knows so"
