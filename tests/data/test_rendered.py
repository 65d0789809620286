import importlib.util
import sys

import pytest
import torch

import headstart
from headstart.data import rendered
from headstart.errors import InputError


@pytest.fixture(scope="module")
def drawn():
    return headstart.load("rendered-digits")


def test_every_digit_is_drawn_equally_often_in_eight_by_eight_levels_of_seventeen(drawn):
    assert drawn.shape == (1, 8, 8)
    assert drawn.classes == tuple("0123456789")
    assert set(drawn.counts(drawn.indices("all"))) == {len(rendered.FONTS) * rendered.VARIANTS}
    levels = {round(255 * level / 16) for level in range(17)}
    assert set(drawn.items.unique().tolist()) == levels


def test_the_same_pictures_are_drawn_twice(drawn):
    assert torch.equal(rendered.rendered_digits().items, drawn.items)


def test_digits_look_like_what_they_are(drawn):
    """A nearest neighbour among other pictures knows them; blots and empty ones would not be."""
    rows = drawn.items.flatten(1).float()
    train, test = drawn.indices("train"), drawn.indices("test")
    near = torch.cdist(rows[test], rows[train]).argmin(dim=1)
    assert (drawn.labels[train][near] == drawn.labels[test]).float().mean() > 0.9


def test_none_is_empty_or_full_and_none_is_cut(drawn):
    ink = drawn.items.float().mean(dim=(1, 2, 3)) / 255
    assert float(ink.min()) > 0.03
    assert float(ink.max()) < 0.75


def test_matplotlib_is_found_and_not_imported():
    assert rendered.font_folder().is_dir()
    assert "matplotlib" not in sys.modules


def test_missing_fonts_are_asked_for_by_the_command_that_brings_them(monkeypatch):
    monkeypatch.setattr(rendered, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install --no-deps matplotlib"):
        headstart.load("rendered-digits")


def test_a_matplotlib_without_fonts_is_no_help(monkeypatch, tmp_path):
    spec = importlib.util.spec_from_loader("matplotlib", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]
    monkeypatch.setattr(rendered, "find_spec", lambda name: spec)
    with pytest.raises(InputError, match="matplotlib's wheel"):
        headstart.load("rendered-digits")
