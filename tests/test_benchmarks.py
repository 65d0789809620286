"""The benchmarks whose pages stand in docs/: what they read opens, as they say it does."""

import importlib
from pathlib import Path

import numpy as np
import pytest
import torch

from headstart.data import load

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture
def adaptation(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    return importlib.import_module("adaptation")


def test_a_drawn_domain_has_so_many_training_items_and_all_test_items(adaptation, tmp_path):
    made = np.random.default_rng(0)
    pixels, labels = made.integers(0, 256, (60, 8, 8), dtype=np.uint8), np.array(["one", "two"] * 30)
    np.savez(tmp_path / "set.npz", x_train=pixels[:40], y_train=labels[:40], x_test=pixels[40:], y_test=labels[40:])
    whole = load(tmp_path / "set.npz")
    found = adaptation.drawn(whole, 12, tmp_path)
    train, test = found.indices("train"), found.indices("test")
    assert len(train) == 12
    assert torch.equal(found.take(test), whole.take(whole.indices("test")))
    assert found.label_names(test) == whole.label_names(whole.indices("test"))
    known = dict(zip(map(bytes, pixels), labels, strict=True))
    assert [known[bytes(item.numpy())] for item in found.take(train)] == list(found.label_names(train))


def test_photos_and_sketches_are_a_pair(adaptation, tmp_path):
    domains = next(one for one in adaptation.PAIRS if "PACS" in one.name)
    if not all(path.exists() for path in domains.needs):
        pytest.skip("pacs is not in shared/data")
    both = adaptation.opened(domains, tmp_path)
    assert both.source.shape == both.target.shape == (3, 96, 96)
    assert len(both.source.classes) == 7
    assert (len(both.learned), len(both.scored)) == (630, 200)
