"""What the report says of a comparison's runs."""

import json
from pathlib import Path

from headstart.comparison import page


def test_every_setting_of_a_run_stands_there_with_whose_it_is(tmp_path, monkeypatch):
    settings = {"seed": 0, "momentum": 0.0, "method_settings": {"momentum": 0.99}}
    (tmp_path / "run.json").write_text(json.dumps({"settings": settings, "plan": {"steps": 7}}))
    monkeypatch.setattr(page, "encoder_run", Path)
    assert page.settings_of({"moco": tmp_path}) == {
        "moco": {"seed": 0, "momentum": 0.0, "method: momentum": 0.99, "plan: steps": 7}
    }
