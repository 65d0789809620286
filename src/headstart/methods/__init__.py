"""Learning objectives, one a file, and the table that names them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.errors import InputError
from headstart.importing import import_target, target_of

if TYPE_CHECKING:
    from headstart.methods.method import Method as Method

ENTRY_POINTS = "headstart.methods"
"""The group under which a package offers methods of its own."""

METHODS = {
    "supervised": ("headstart.methods.supervised", "Supervised"),
    "simclr": ("headstart.methods.joint_embedding.simclr", "SimCLR"),
    "moco": ("headstart.methods.joint_embedding.moco", "MoCo"),
    "byol": ("headstart.methods.joint_embedding.byol", "BYOL"),
}
"""Name → module and class. A new method is a file and a line here: help, docs and tests follow from it."""


@dataclass(frozen=True)
class MethodInfo:
    """A line of `headstart methods`."""

    name: str
    family: str
    summary: str


def find_method(name: str) -> type[Method]:
    """The class of a method: a name of the table, an entry point, `./file.py:Class` or `package.module:Class`.

    Raises:
        InputError: There is no such method, or what is there is no `Method`.
    """
    from headstart.methods.method import Method

    if name in METHODS:
        module, title = METHODS[name]
        found = getattr(import_module(module), title)
    elif ":" in name:
        found = import_target(name, "method")
    else:
        found = _entry_point(name)
    if not (isinstance(found, type) and issubclass(found, Method)):
        raise InputError(f"method {name}: that is no headstart.methods.method.Method.")
    return found


def knows_method(name: str) -> bool:
    """Whether a plain name is that of a method: of the table, or of an entry point."""
    return name in METHODS or any(point.name == name for point in _entry_points())


def name_of(kind: type[Method]) -> str:
    """What `find_method` finds a class by, from any folder: its name in the table, or where it lies."""
    place = (kind.__module__, kind.__qualname__)
    return next((name for name, known in METHODS.items() if known == place), target_of(kind))


def list_methods() -> list[MethodInfo]:
    """Every method by name with its family and one line on it; imports none of them."""
    listed = [MethodInfo(name, _family(module), _summary(module, title)) for name, (module, title) in METHODS.items()]
    listed += [MethodInfo(point.name, "entry point", point.value) for point in _entry_points()]
    return listed


def _entry_points() -> metadata.EntryPoints:
    return metadata.entry_points(group=ENTRY_POINTS)


def _entry_point(name: str) -> object:
    for point in _entry_points():
        if point.name == name:
            return point.load()
    known = [*METHODS, *(point.name for point in _entry_points())]
    near = get_close_matches(name, known)
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise InputError(f"method {name} is not known.{hint} The methods are {', '.join(known)}, or ./file.py:Class.")


def _family(module: str) -> str:
    """The folder a method lies in."""
    parts = module.split(".")
    return parts[2] if len(parts) > 3 else "supervised"


def _summary(module: str, title: str) -> str:
    """The first line of a class's docstring, read from its file."""
    path = Path(__file__).parent.joinpath(*module.split(".")[2:]).with_suffix(".py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == title:
            return (ast.get_docstring(node) or "").partition("\n")[0]
    return ""
