"""The routes to a representation that a comparison can take, and the settings given to each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from headstart.errors import InputError
from headstart.settings import check
from headstart.training import TrainSettings

AllOrNumber = int | Literal["all"]
Kind = Literal["raw", "random", "pretrained", "scratch", "supervised", "trained"]

DEFAULT_ROUTES = ("raw", "random", "scratch", "pretrained", "simclr", "moco", "byol")
WITHOUT_TRAINING = ("raw", "random", "pretrained")
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

    Args:
        names: Route names, or None for the default routes; `./mine.py:Mine` and entry points work like built-in ones.
        labels: The numbers of labels a class; "all" brings `supervised` wherever `scratch` runs.
        settings: By route, from `--set route.name=value`.

    Raises:
        InputError: An unknown route, one named twice, or settings for a route that is not taken.
    """
    chosen = list(names or DEFAULT_ROUTES)
    if "scratch" in chosen and "all" in labels and "supervised" not in chosen:
        chosen.insert(chosen.index("scratch") + 1, "supervised")
    if "scratch" in chosen and not any(k != "all" for k in labels):
        chosen.remove("scratch")
    for name in chosen:
        if chosen.count(name) > 1:
            raise InputError(f"--routes names {name} twice.")
    routes = [_route(name, settings) for name in chosen]
    unused = settings.keys() - {route.name for route in routes}
    if unused:
        raise InputError(f"--set {min(unused)}.…: no such route here; the routes are {', '.join(chosen)}.")
    return routes


def _route(name: str, settings: dict[str, dict[str, object]]) -> Route:
    from headstart.methods import find_method

    own = settings.get(_short(name), {})
    if name in WITHOUT_TRAINING:
        if own:
            raise InputError(f"--set {name}.{next(iter(own))}: the route {name} has no settings.")
        return Route(name, name)  # type: ignore[arg-type]
    training = {key: value for key, value in own.items() if key in TRAINING}
    own = {key: value for key, value in own.items() if key not in TRAINING}
    method = "supervised" if name in WITH_LABELS else name
    check(find_method(method), own)
    check(TrainSettings, training)
    kind: Kind = name if name in WITH_LABELS else "trained"  # type: ignore[assignment]
    return Route(_short(name), kind, method, own, training)


def _short(name: str) -> str:
    """`./mine.py:Mine` is called `Mine` in the leaderboard."""
    return name.rpartition(":")[2]


def parse_settings(entries: Sequence[str]) -> dict[str, dict[str, object]]:
    """`simclr.temperature=0.1` as {"simclr": {"temperature": 0.1}}; anything else raises `InputError`."""
    settings: dict[str, dict[str, object]] = {}
    for entry in entries:
        match = re.fullmatch(r"([^.=]+)\.([\w-]+)=(.*)", entry)
        if match is None:
            raise InputError(f"--set {entry}: write it as route.setting=value, for example simclr.temperature=0.1.")
        route, name, value = match.groups()
        settings.setdefault(route, {})[name.replace("-", "_")] = _value(value)
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
