"""A small run and a small comparison that the verbs' tests share."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import headstart
from headstart import cli

ROUTES = "raw,random,scratch,pretrained,simclr"
HARD_NAMES = ("plain", "with space", 'quote\'d "so"', "<b>bold & co", "émoji 🦊")


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    """A SimCLR run of one epoch on digits."""
    folder = tmp_path_factory.mktemp("run") / "simclr"
    headstart.pretrain("simclr", "digits", epochs=1, out=folder)
    return folder


@pytest.fixture(scope="session")
def compared(tmp_path_factory):
    """A comparison of a few routes on digits, one epoch each, on a machine without packages of weights."""
    from headstart.comparison import choosing

    folder = tmp_path_factory.mktemp("compared") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(choosing, "installed_packages", list)
        headstart.compare("digits", routes=ROUTES, labels_per_class="1,5", budget="20s", out=folder)
    return folder


@pytest.fixture
def hard_names():
    """The classes of `photos`."""
    return HARD_NAMES


@pytest.fixture
def photos(tmp_path):
    """A folder of 20-pixel photographs, one folder a class, whose names are hard to handle."""
    made = np.random.default_rng(0)
    for place, name in enumerate(HARD_NAMES):
        folder = tmp_path / "photos" / name
        folder.mkdir(parents=True)
        for number in range(8):
            pixels = made.integers(0, 90, (20, 20, 3), dtype=np.uint8)
            pixels[:, :, place % 3] += 20 * place
            Image.fromarray(pixels).save(folder / f"{number} & {name[:3].replace('<', 'x')}.png")
    return tmp_path / "photos"


@pytest.fixture
def call(capsys):
    """Calls the command line in this process: (exit code, stdout, stderr)."""

    def run_it(*arguments):
        code = cli.run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return run_it


@pytest.fixture
def call_json(call):
    """The object that `--json` prints, alone on stdout."""

    def run_it(*arguments):
        code, out, err = call(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    return run_it
