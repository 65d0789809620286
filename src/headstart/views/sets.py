"""Named sets of views with their papers' parameters, and which one suits which pictures.

A name may leave steps out: `simclr-crop`, `simclr-colour-blur`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from torch import Tensor

from headstart.contracts import Draw, Views
from headstart.errors import InputError
from headstart.views.colour import ColourJitter, Greyscale
from headstart.views.geometry import Affine, Flip, RandomResizedCrop
from headstart.views.texture import Blur, Erase, Noise, Solarise
from headstart.views.view import View

SMALL = 32
"""Pixels a side up to which the papers' recipes for CIFAR hold, and grey pictures are taken for glyphs."""

COLOUR = ("jitter", "grey", "solarise")
STEPS = ("colour", *(field.name for field in fields(View)))


@dataclass(frozen=True)
class ViewSet:
    """The views of an item that a method is shown, drawn independently of each other."""

    name: str
    views: tuple[View, ...]
    summary: str
    """What the views do, in a sentence."""

    def __call__(self, items: Tensor, draw: Draw) -> Views:
        """One float32 n×C×H×W in 0…1 for every view."""
        return tuple(view(items, draw.named(f"view{number}")) for number, view in enumerate(self.views))

    def first(self, items: Tensor, draw: Draw) -> Tensor:
        """The first view alone, as all of them together have it."""
        return self.views[0](items, draw.named("view0"))


def _simclr(small: bool) -> tuple[tuple[View, ...], str]:
    strength = 0.5 if small else 1.0  # appendix B.9: on CIFAR half as strong, and no blur
    view = View(
        crop=RandomResizedCrop(area=(0.08, 1.0)),
        flip=Flip(),
        jitter=_jitter(0.8 * strength, 0.8 * strength, 0.2 * strength, probability=0.8),
        grey=Greyscale(),
        blur=None if small else Blur(),
    )
    how = "half-strength colour jitter, no blur" if small else "colour jitter, blur"
    return (view, view), f"SimCLR's views (2002.05709): random crops, flips, {how}, sometimes grey."


def _moco1(small: bool) -> tuple[tuple[View, ...], str]:
    view = View(
        crop=RandomResizedCrop(area=(0.2, 1.0)),
        flip=Flip(),
        jitter=_jitter(0.4, 0.4, 0.4),
        grey=Greyscale(),
    )
    return (view, view), "MoCo v1's views (1911.05722): random crops, flips, colour jitter, sometimes grey."


def _moco2(small: bool) -> tuple[tuple[View, ...], str]:
    view = View(
        crop=RandomResizedCrop(area=(0.2, 1.0)),
        flip=Flip(),
        jitter=_jitter(0.4, 0.4, 0.1, probability=0.8),
        grey=Greyscale(),
        blur=None if small else Blur(),
    )
    how = "no blur at this size" if small else "blur"
    return (view, view), f"MoCo v2's views (2003.04297): random crops, flips, colour jitter, {how}, sometimes grey."


def _byol(small: bool) -> tuple[tuple[View, ...], str]:
    view = View(
        crop=RandomResizedCrop(area=(0.08, 1.0)),
        flip=Flip(),
        jitter=_jitter(0.4, 0.2, 0.1, probability=0.8),
        grey=Greyscale(),
    )
    first = replace(view, blur=None if small else Blur(probability=1.0))
    second = replace(view, blur=None if small else Blur(probability=0.1), solarise=Solarise())
    how = "no blur at this size" if small else "the first always blurred"
    return (
        first,
        second,
    ), f"BYOL's unequal pair (2006.07733): crops, flips, colour jitter; {how}, the second solarised."


def _glyphs(small: bool) -> tuple[tuple[View, ...], str]:
    # Chosen on digits, over several seeds of SimCLR: without the crop a point less at 1 label a class, and movements a
    # third weaker cost 2; no jitter or noise of 0.2 cost over half a point at 5.
    view = View(
        affine=Affine(shift=0.06, rotate=18.0, zoom=(0.85, 1.2), shear=12.0),
        crop=RandomResizedCrop(area=(0.5, 1.0)),
        jitter=_jitter(0.6, 0.0, 0.0),
        noise=Noise(deviation=0.05),
        erase=Erase(area=(0.02, 0.15), probability=0.3),
    )
    return (view, view), "Views of glyphs: mild crops, turns, zooms and shears, brightness, noise; never a flip."


def _jitter(strength: float, saturation: float, hue: float, probability: float = 1.0) -> ColourJitter:
    return ColourJitter(brightness=strength, contrast=strength, saturation=saturation, hue=hue, probability=probability)


VIEW_SETS: dict[str, Callable[[bool], tuple[tuple[View, ...], str]]] = {
    "simclr": _simclr,
    "moco1": _moco1,
    "moco2": _moco2,
    "byol": _byol,
    "glyphs": _glyphs,
}


def view_set(name: str, shape: Sequence[int]) -> ViewSet:
    """A set of views for items of (C, H, W) by name, perhaps less some steps (`simclr-blur`).

    Raises `InputError` where there is no such set or step.
    """
    base, without = check_view_set(name)
    views, summary = VIEW_SETS[base](max(shape[-2:]) <= SMALL)
    for step in without:
        absent: dict[str, Any] = dict.fromkeys(COLOUR if step == "colour" else (step,))
        views = tuple(replace(view, **absent) for view in views)
    if without:
        summary += f" Left out: {', '.join(without)}."
    return ViewSet(name, views, summary)


def mild_view(name: str) -> View:
    """Crops and mirror images alone, for methods that hide parts of a picture; of `glyphs` nothing at all.

    He et al. 2022, arXiv 2111.06377, section 4.1: colours and other distortions gain nothing there. Steps that `name`
    leaves out are left out here too.
    """
    base, without = check_view_set(name)
    view = View() if base == "glyphs" else View(crop=RandomResizedCrop(area=(0.2, 1.0)), flip=Flip())
    absent: dict[str, Any] = {step: None for step in without if step in ("crop", "flip")}
    return replace(view, **absent)


def check_view_set(name: str) -> tuple[str, list[str]]:
    """The set and the steps left out that a name stands for; raises `InputError` where one doesn't exist."""
    base, *without = name.split("-")
    if base not in VIEW_SETS:
        raise InputError(
            f"--views {name} is not known: choose {', '.join(VIEW_SETS)}, or one less a step: simclr-crop."
        )
    for step in without:
        if step not in STEPS:
            raise InputError(f"--views {name}: there is no step {step!r}; the steps are {', '.join(STEPS)}.")
        if not _has(base, step):
            raise InputError(f"--views {name}: the views of {base} have no step {step}; leave it off the name.")
    return base, without


def _has(base: str, step: str) -> bool:
    """Whether a set has the step for pictures of any size."""
    views, _ = VIEW_SETS[base](False)
    return any(getattr(view, field) for view in views for field in (COLOUR if step == "colour" else (step,)))


def default_views(shape: Sequence[int]) -> str:
    """The set for items of (C, H, W): `glyphs` for small grey pictures, whose mirror image may mean something else."""
    grey_and_small = shape[0] == 1 and max(shape[-2:]) <= SMALL
    return "glyphs" if grey_and_small else "simclr"
