"""Classes of the user's own, by where they lie: `./mine.py:Mine` or `package.module:Class`."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from headstart.errors import InputError

OWN = "headstart_own_"
"""How the modules are called that files of the user's become."""


def import_target(target: str, flag: str) -> Any:
    """The object that `target` names; `flag` is the setting to name where that fails, with an `InputError`."""
    place, _, name = target.rpartition(":")
    if not place or not name.isidentifier():
        raise InputError(f"{flag} {target}: write it as ./file.py:Class or package.module:Class.")
    module = _from_file(Path(place), target, flag) if place.endswith(".py") else _from_package(place, target, flag)
    try:
        return getattr(module, name)
    except AttributeError as error:
        public = [word for word in vars(module) if not word.startswith("_")]
        raise InputError(f"{flag} {target}: {place} has no {name}; it has {', '.join(public) or 'nothing'}.") from error


def target_of(owner: Any) -> str:
    """Where a class or function can be found again: `/full/path/mine.py:Mine`, or `package.module:Class`."""
    if owner.__module__.startswith(OWN):
        return f"{sys.modules[owner.__module__].__file__}:{owner.__qualname__}"
    return f"{owner.__module__}:{owner.__qualname__}"


def _from_file(path: Path, target: str, flag: str) -> ModuleType:
    """A file as a module, loaded once for each place it lies at; its name is the same in every process."""
    path = path.expanduser().resolve()
    name = f"{OWN}{path.stem}_{hashlib.blake2b(str(path).encode(), digest_size=8).hexdigest()}"
    if name in sys.modules:
        return sys.modules[name]
    if not path.is_file():
        raise InputError(f"{flag} {target}: {path} isn't there.")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        del sys.modules[name]
        raise InputError(f"{flag} {target}: {path} fails when imported ({type(error).__name__}: {error}).") from error
    return module


def _from_package(place: str, target: str, flag: str) -> ModuleType:
    try:
        return importlib.import_module(place)
    except Exception as error:
        raise InputError(f"{flag} {target}: {place} can't be imported ({type(error).__name__}: {error}).") from error
