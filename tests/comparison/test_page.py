"""What the report says of a comparison's runs."""

import json
from pathlib import Path

import pytest

from headstart.backbones import build_encoder
from headstart.comparison import page
from headstart.training import save_encoder


def test_every_setting_of_a_run_stands_there_with_whose_it_is(tmp_path, monkeypatch):
    settings = {"seed": 0, "momentum": 0.0, "method_settings": {"momentum": 0.99}}
    (tmp_path / "run.json").write_text(json.dumps({"settings": settings, "plan": {"steps": 7}}))
    monkeypatch.setattr(page, "encoder_run", Path)
    assert page.settings_of({"moco": tmp_path}) == {
        "moco": {"seed": 0, "momentum": 0.0, "method: momentum": 0.99, "plan: steps": 7}
    }


@pytest.mark.parametrize(
    ("backbone", "sight", "count", "channels"),
    [("vit", "colours", 128, 3), ("cnn", "lightness", 16, 1), ("cnn", "halves", 8, 1)],
    ids=("mae and ijepa", "colorization", "split_brain"),
)
def test_every_trained_route_has_its_filters(backbone, sight, count, channels, tmp_path, monkeypatch):
    encoder = build_encoder(backbone, (3, 16, 16), mean=[0.5] * 3, deviation=[0.25] * 3)
    encoder.look(sight)
    save_encoder(tmp_path, encoder, {})
    monkeypatch.setattr(page, "encoder_run", Path)
    drawn = page.filters_of({"route": tmp_path})["route"]
    assert drawn.total == count
    assert {one.shape[2] for one in drawn.pictures} == {channels}
