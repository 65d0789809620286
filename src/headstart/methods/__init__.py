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
    "autoencoder": ("headstart.methods.reconstruction.autoencoder", "Autoencoder"),
    "variational": ("headstart.methods.reconstruction.variational", "Variational"),
    "denoising": ("headstart.methods.reconstruction.denoising", "Denoising"),
    "inpainting": ("headstart.methods.reconstruction.inpainting", "Inpainting"),
    "mae": ("headstart.methods.reconstruction.mae", "MAE"),
    "ijepa": ("headstart.methods.joint_embedding.ijepa", "IJEPA"),
    "colorization": ("headstart.methods.reconstruction.colorization", "Colorization"),
    "split_brain": ("headstart.methods.reconstruction.split_brain", "SplitBrain"),
    "rotation": ("headstart.methods.pretext.rotation", "Rotation"),
    "relative_patch": ("headstart.methods.pretext.relative_patch", "RelativePatch"),
    "jigsaw": ("headstart.methods.pretext.jigsaw", "Jigsaw"),
    "source_only": ("headstart.methods.adaptation.source_only", "SourceOnly"),
    "dann": ("headstart.methods.adaptation.dann", "DANN"),
    "cdan": ("headstart.methods.adaptation.cdan", "CDAN"),
    "coral": ("headstart.methods.adaptation.coral", "CORAL"),
    "mmd": ("headstart.methods.adaptation.mmd", "MMD"),
    "adabn": ("headstart.methods.adaptation.adabn", "AdaBN"),
    "mcc": ("headstart.methods.adaptation.mcc", "MCC"),
}
"""Name → module and class. A new method is a file and a line here: help, docs and tests follow from it."""

ADAPTERS = tuple(name for name, (module, _) in METHODS.items() if ".adaptation." in module)
"""Those of the table that carry labels over from one data set to another."""

ONE_SET = ("data",)
"""The streams of a method that learns from one data set."""

DOMAINS = ("source", "target")
"""Those of a method that adapts; one that needs a single one of them has it alone."""


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


def find_learner(name: str) -> type[Method]:
    """As `find_method`, of methods that learn from one data set.

    Raises:
        InputError: The method adapts from one data set to another.
    """
    found = find_method(name)
    if found.streams != ONE_SET:
        raise InputError(f"{name} adapts from one data set to another: headstart adapt {name} SOURCE TARGET.")
    return found


def find_adapter(name: str) -> type[Method]:
    """As `find_method`, of methods that adapt from a source to a target.

    Raises:
        InputError: The method learns from something else.
    """
    found = find_method(name)
    if not set(found.streams) <= set(DOMAINS):
        raise InputError(f"{name} doesn't adapt from a source to a target; these do: {', '.join(ADAPTERS)}.")
    return found


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
