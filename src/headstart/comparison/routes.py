"""The routes to a representation that a comparison can take, and the settings given to each."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from headstart.backbones import names_encoder
from headstart.errors import InputError
from headstart.settings import check, parted
from headstart.training import TrainSettings

if TYPE_CHECKING:
    from headstart.methods import Method

AllOrNumber = int | Literal["all"]
Kind = Literal["raw", "random", "pretrained", "scratch", "supervised", "trained"]

DEFAULT_ROUTES = ("raw", "random", "scratch", "pretrained", "simclr", "moco", "byol")
UNTRAINED = ("raw", "random")
BEST_INSTALLED = "pretrained"
"""The route that stands for the best of the installed packages with weights."""

WITH_LABELS = ("scratch", "supervised")

TRAINING = ("batch_size", "optimizer", "lr", "weight_decay", "momentum", "warmup_epochs")
"""Settings of the loop that one route may have for itself; how long it trains is the comparison's to deal."""

DEFAULT_ORDER: tuple[Kind, ...] = ("pretrained", "trained", "supervised", "scratch", "random", "raw")
"""Which kind of route to prefer where no label can tell."""


@dataclass(frozen=True)
class Route:
    """One way to a representation; `name` stands in the leaderboard."""

    name: str
    kind: Kind
    method: str | None = None
    """What `find_method` takes, for routes that train one."""
    settings: dict[str, object] = field(default_factory=dict)
    """Of the method's constructor."""
    training: dict[str, object] = field(default_factory=dict)
    """Of the loop, such as `lr` and `batch_size`."""
    encoder: str | None = None
    """What `open_encoder` takes: the weights to take as they are, or to train on; `pretrained` until one is chosen."""
    side: int | None = None
    """Pixels a side that this encoder sees, where they are not those it was made for."""
    left_out: str | None = None
    """Why the route can't be taken here."""

    def takes(self, k: AllOrNumber) -> bool:
        """Whether the route has a row at this number of labels: `supervised` is what `scratch` is called at "all"."""
        return {"scratch": k != "all", "supervised": k == "all"}.get(self.kind, True)

    @property
    def folder(self) -> str:
        """The route's name as the first part of a folder name."""
        return re.sub(r"[^\w.+-]+", "_", self.name)


def parse_routes(
    names: Sequence[str] | None, labels: Sequence[AllOrNumber], settings: dict[str, dict[str, object]]
) -> list[Route]:
    """The routes to take, each with its settings.

    Raw pixels and an untrained network always stand beside what is named: a representation that doesn't beat them is
    worth nothing.

    Args:
        names: Route names, or None for the default routes; `./mine.py:Mine` and entry points work like built-in ones,
            encoders by any name like `pretrained`, and `ENCODER+METHOD` goes on from one with a method.
        labels: The numbers of labels a class; "all" brings `supervised` wherever `scratch` runs.
        settings: By route, from `--set route.name=value`.

    Raises:
        InputError: An unknown route, one named twice, or settings for a route that is not taken.
    """
    chosen = list(names or DEFAULT_ROUTES)
    chosen += [name for name in UNTRAINED if name not in chosen]
    if "scratch" in chosen and "all" in labels and "supervised" not in chosen:
        chosen.insert(chosen.index("scratch") + 1, "supervised")
    if "scratch" in chosen and not any(k != "all" for k in labels):
        chosen.remove("scratch")
    return each_named(chosen, settings, lambda name: _route(name, settings))


def each_named(names: Sequence[str], settings: Mapping[str, object], make: Callable[[str], Route]) -> list[Route]:
    """A route a name. Raises `InputError` for one named twice, or settings for a route that is not taken."""
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"--routes names {twice} twice.")
    routes = [make(name) for name in names]
    unused = settings.keys() - {route.name for route in routes}
    if unused:
        raise InputError(f"--set {min(unused)}.…: no such route here; the routes are {', '.join(names)}.")
    return routes


def _route(name: str, settings: dict[str, dict[str, object]]) -> Route:
    from headstart.methods import find_learner

    encoder, method = _parts(name)
    shown = name if encoder else short_name(name)
    own = settings.get(shown, {})
    if method is None:
        if own:
            raise InputError(f"--set {name}.{next(iter(own))}: the route {name} has no settings.")
        return Route(name, "pretrained", encoder=encoder) if encoder else Route(name, name)  # type: ignore[arg-type]
    found = "supervised" if method in WITH_LABELS else method
    learner = find_learner(found)
    own, training = route_settings(own, learner)
    if encoder and learner.builds_encoder and own.get("architecture") != "backbone":
        raise InputError(
            f"--routes {name}: {method} builds a network of its own.\n"
            f"--set {name}.architecture=backbone makes it go on from {encoder}."
        )
    kind: Kind = method if method in WITH_LABELS else "trained"  # type: ignore[assignment]
    return Route(shown, kind, found, own, training, encoder)


def route_settings(given: Mapping[str, object], method: type[Method]) -> tuple[dict[str, object], dict[str, object]]:
    """A route's settings: those of its method, which come first where both have one, and those of the loop; checked."""
    training, own = parted(given, TRAINING, method=method)
    check(TrainSettings, training)
    check(method, own)
    return own, training


def check_seeds(seeds: Sequence[int]) -> None:
    """Raises `InputError` where no seed is named, or one twice."""
    if len(set(seeds)) < len(seeds) or not seeds:
        raise InputError(f"--seeds {','.join(map(str, seeds))}: name each seed once, and at least one.")


def _parts(name: str) -> tuple[str | None, str | None]:
    """The encoder and the method that a route's name is made of; neither for `raw` and `random`.

    Raises `InputError` where something else than an encoder stands before a plus.
    """
    if name in UNTRAINED:
        return None, None
    if _is_encoder(name):
        return name, None
    encoder, plus, method = name.rpartition("+")
    if not plus:
        return None, name
    if not _is_encoder(encoder):
        raise InputError(f"--routes {name}: {encoder or 'nothing'} is no encoder to go on from with {method}.")
    if method in (*WITH_LABELS, *UNTRAINED):
        raise InputError(
            f"--routes {name}: {method} starts from nothing; name a method that needs no labels after the +."
        )
    return encoder, method


def _is_encoder(name: str) -> bool:
    """Whether a name is `pretrained`, or stands for weights: methods come first, then what lies here, then others."""
    from headstart.methods import knows_method

    if name in ("", BEST_INSTALLED):
        return bool(name)
    return not knows_method(name) and (Path(name).exists() or names_encoder(name))


def short_name(name: str) -> str:
    """`./mine.py:Mine` is called `Mine` in the leaderboard."""
    return name.rpartition(":")[2]


def parse_settings(entries: Sequence[str]) -> dict[str, dict[str, object]]:
    """`simclr.temperature=0.1` as {"simclr": {"temperature": 0.1}}; anything else raises `InputError`."""
    settings: dict[str, dict[str, object]] = {}
    for entry in entries:
        match = re.fullmatch(r"([^=]+)\.([\w-]+)=(.*)", entry)
        if match is None:
            raise InputError(f"--set {entry}: write it as route.setting=value, for example simclr.temperature=0.1.")
        route, name, value = match.groups()
        shown = short_name(route) if ".py:" in route else route
        settings.setdefault(shown, {})[name.replace("-", "_")] = _value(value)
    return settings


def _value(text: str) -> object:
    """Numbers and booleans as such, everything else as text."""
    words: dict[str, object] = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def parse_labels(text: str | Sequence[AllOrNumber] | None) -> list[AllOrNumber] | None:
    """`1,5,all` as [1, 5, "all"], in rising order and without repeats; None stays None (the default)."""
    if text is None:
        return None
    parts = text.split(",") if isinstance(text, str) else list(text)
    labels: set[AllOrNumber] = set()
    for part in parts:
        word = str(part).strip()
        if word == "all":
            labels.add("all")
        elif word.isdecimal() and int(word) > 0:
            labels.add(int(word))
        else:
            raise InputError(f"--labels-per-class {word or text!r}: give whole numbers above 0, or all.")
    return sorted(labels, key=lambda k: float("inf") if k == "all" else k)
