"""The package as a whole: it imports lazily, its public names work, its rooms don't shadow them."""

import importlib
import pkgutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import headstart

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(headstart.__path__, "headstart.")
    if not module.name.endswith("__main__")
)


def python(code: str) -> str:
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    return ran.stdout.strip()


@pytest.mark.parametrize("name", MODULES)
def test_every_module_imports_and_says_what_it_is_for(name):
    assert importlib.import_module(name).__doc__


@pytest.mark.parametrize("name", headstart.__all__)
def test_every_public_name_is_there_after_all_modules_are(name):
    """No module shares a name with a public function of its parent."""
    for module in MODULES:
        importlib.import_module(module)
    assert not isinstance(getattr(headstart, name), type(headstart))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = headstart.nothing_of_the_kind


@pytest.mark.parametrize(
    "code",
    [
        "import headstart",
        "import headstart; dir(headstart); headstart.InputError; headstart.list_methods()",
        "import contextlib, io, headstart.cli\n"
        "with contextlib.redirect_stdout(io.StringIO()): headstart.cli.run(['--help'])",
        "import contextlib, io, headstart.cli\n"
        "with contextlib.redirect_stdout(io.StringIO()): headstart.cli.run(['methods'])",
    ],
)
def test_torch_is_not_imported_before_it_is_needed(code):
    assert python(f"{code}\nimport sys; print('torch' in sys.modules)") == "False"


@pytest.mark.slow
def test_help_answers_in_under_four_tenths_of_a_second():
    command = [str(Path(sys.executable).with_name("headstart")), "--help"]
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        subprocess.run(command, capture_output=True, check=True)
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.4


def test_the_modules_of_all_methods_are_in_the_list():
    listed = {method.name for method in headstart.list_methods().methods}
    assert {"simclr", "moco", "byol", "supervised"} <= listed
    assert {"cnn", "resnet18"} <= {backbone.name for backbone in headstart.list_backbones().backbones}


def test_style_and_behaviour_of_pages_are_packaged():
    from importlib.resources import files

    for name in ("style.css", "behaviour.js", "sheet.css", "sheet.js", "map_page.css", "map_page.js"):
        assert files("headstart.report").joinpath(name).read_text(encoding="utf-8")
    assert files("headstart").joinpath("py.typed").is_file()
