"""A comparison that is interrupted goes on where it was, with the plan it had, and ends alike."""

import json

import pytest

import headstart
from headstart.comparison import comparing
from headstart.errors import Interrupted

ASKED = {"routes": "raw,random,scratch,simclr,byol", "labels_per_class": "1", "budget": "25s", "seeds": "0,1"}


def board(folder):
    rows = json.loads((folder / "leaderboard.json").read_text())["rows"]
    return [(row["route"], row["labels_per_class"], row["accuracy"], row["interval"]) for row in rows]


@pytest.mark.slow
def test_an_interrupted_comparison_ends_like_one_that_was_not(tmp_path, monkeypatch):
    taken, take_seeds = [], comparing.take_seeds

    def interrupted(route, context):
        if route.name == "byol" and not taken:
            taken.append(route.name)
            raise Interrupted("stop", 2)
        return take_seeds(route, context)

    monkeypatch.setattr(comparing, "take_seeds", interrupted)
    with pytest.raises(Interrupted):
        headstart.compare("digits", **ASKED, out=tmp_path / "out")
    record = json.loads((tmp_path / "out/run.json").read_text())
    assert record["state"] == "stopped"
    done = (tmp_path / "out/routes/simclr-seed0/encoder.safetensors").stat().st_mtime_ns

    headstart.compare("digits", **ASKED, out=tmp_path / "out")
    again = json.loads((tmp_path / "out/run.json").read_text())
    assert again["state"] == "done"
    assert again["plan"] == record["plan"], "rates are measured once"
    assert (tmp_path / "out/routes/simclr-seed0/encoder.safetensors").stat().st_mtime_ns == done

    first = board(tmp_path / "out")
    for path in sorted((tmp_path / "out/routes").glob("*/judged.json")):
        path.unlink()  # judge everything again from the runs, as they are
    (tmp_path / "out/run.json").write_text(json.dumps({**again, "state": "stopped"}))
    headstart.compare("digits", **ASKED, out=tmp_path / "out")
    assert board(tmp_path / "out") == first


def test_another_comparison_does_not_touch_the_folder(tmp_path):
    headstart.compare("digits", routes="raw", labels_per_class="1", epochs=1, out=tmp_path / "out")
    with pytest.raises(headstart.InputError, match="labels"):
        headstart.compare("digits", routes="raw", labels_per_class="5", epochs=1, out=tmp_path / "out")


def test_more_epochs_go_on_with_every_route_and_judge_it_anew(tmp_path):
    def compared(epochs):
        headstart.compare("digits", routes="rotation", labels_per_class="1", epochs=epochs, draws=10, out=tmp_path)
        runs = {name: tmp_path / "routes" / f"{name}-seed0" for name in ("rotation", "random")}
        trained = json.loads((runs["rotation"] / "run.json").read_text())
        judged = [json.loads((run / "judged.json").read_text())["epochs"] for run in runs.values()]
        return trained["result"]["steps"], judged, (tmp_path / "leaderboard.json").stat().st_mtime_ns

    once, judged, written = compared(1)
    assert judged == [1, 1]
    assert compared(1) == (once, judged, written), "it is done"
    twice, judged, rewritten = compared(2)
    assert (twice, judged) == (2 * once, [2, 2])
    assert rewritten > written
