"""Limits of a setting, declared once beside it and checked before anything is read.

    def __init__(self, encoder, facts, *, temperature: Annotated[float, Range(above=0)] = 0.5): ...

The command line, the Python verbs and the methods all go through `check`.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, is_dataclass
from types import SimpleNamespace
from typing import Any, Literal, Unpack, get_args, get_origin, get_type_hints, is_typeddict

from headstart.errors import InputError


@dataclass(frozen=True)
class Range:
    """The numbers a setting may take: `above` and `below` exclude their bound, `least` and `most` include it."""

    above: float | None = None
    below: float | None = None
    least: float | None = None
    most: float | None = None

    def allows(self, value: float) -> bool:
        """Whether a finite `value` lies inside."""
        return (
            math.isfinite(value)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
            and (self.least is None or value >= self.least)
            and (self.most is None or value <= self.most)
        )

    def __str__(self) -> str:
        bounds = [("above", self.above), ("below", self.below), ("at least", self.least), ("at most", self.most)]
        return " and ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)


@dataclass(frozen=True)
class OnlyWith:
    """A setting that has an effect only where another has one of these values: refused where it is given elsewhere.

    depth: Annotated[int, OnlyWith("architecture", ("mlp", "backbone"))] = 2
    """

    setting: str
    values: tuple[str, ...]


def flag(name: str) -> str:
    """The command-line spelling of a setting: `batch_size` → `--batch-size`."""
    return "--" + name.replace("_", "-")


def parameter_hints(function: Callable[..., Any]) -> dict[str, Any]:
    """The type hints of a function's parameters; its result's may name what is imported by type checkers alone."""
    written = {name: hint for name, hint in inspect.get_annotations(function).items() if name != "return"}
    names = getattr(inspect.unwrap(function), "__globals__", {})
    return get_type_hints(SimpleNamespace(__annotations__=written), globalns=names, include_extras=True)


def own_settings(owner: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The settings that a function, or a class's constructor, has for itself: its keyword-only parameters by name."""
    return {p.name: p for p in inspect.signature(owner).parameters.values() if p.kind is p.KEYWORD_ONLY}


def parted(
    settings: Mapping[str, Any], *groups: type | Iterable[str], method: Callable[..., Any] | None = None
) -> list[dict[str, Any]]:
    """Settings of several owners, each group's by itself in this order, and last what belongs to none of them.

    A group is one of `shared_settings`, or the names themselves. What `method` has a setting of its own for belongs to
    no group.
    """
    own = {} if method is None else own_settings(method)
    named = [group.__annotations__ if isinstance(group, type) else group for group in groups]
    names = [[name for name in group if name not in own] for group in named]
    parts = [{name: settings[name] for name in group if name in settings} for group in names]
    known = {name for group in names for name in group}
    return [*parts, {name: value for name, value in settings.items() if name not in known}]


def shared_settings(owner: Callable[..., Any]) -> tuple[type, ...]:
    """The groups of settings, a TypedDict or a dataclass each, that a function takes as keywords, if it takes any.

    Nothing but these: `**reading: Unpack[Reading]`; these among others: `**others: Annotated[Any, Reading, Training]`.
    """
    return tuple(part for part in get_args(_rest(owner)) if is_typeddict(part) or is_dataclass(part))


def shared_hints(owner: Callable[..., Any]) -> dict[str, Any]:
    """The type hints of all settings in these groups, by name."""
    groups = shared_settings(owner)
    return {name: hint for group in groups for name, hint in get_type_hints(group, include_extras=True).items()}


def _rest(owner: Callable[..., Any]) -> Any:
    """The type hint of `**keywords`, None where a function takes none."""
    hints = parameter_hints(owner.__init__ if inspect.isclass(owner) else owner)
    names = [p.name for p in inspect.signature(owner).parameters.values() if p.kind is p.VAR_KEYWORD]
    return hints.get(names[0], Any) if names else None


def check(owner: Callable[..., Any], values: Mapping[str, object]) -> None:
    """Refuses values that the signature of `owner` does not allow.

    Unknown names, numbers outside a `Range`, words outside a `Literal` and what has no effect beside the other values
    (`OnlyWith`) raise `InputError` naming the flag.
    """
    signature = inspect.signature(owner)
    hints = parameter_hints(owner.__init__ if inspect.isclass(owner) else owner)
    shared, rest = shared_hints(owner), _rest(owner)
    hints |= shared
    known = [p.name for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD] + list(shared)
    for name, value in values.items():
        if name not in known:
            if rest is not None and get_origin(rest) is not Unpack:
                continue
            settings = _listed([*own_settings(owner), *shared])
            raise InputError(f"{flag(name)}: {_title(owner)} has no such setting; it has {settings}.")
        if value is not None:
            _check_value(name, value, hints.get(name))
    _check_effects(owner, {name: value for name, value in values.items() if value is not None}, hints)


def _check_effects(owner: Callable[..., Any], given: Mapping[str, object], hints: Mapping[str, Any]) -> None:
    """Refuses what was given beside a value of another setting, given or by default, with which it has no effect."""
    own = own_settings(owner)
    needs = ((name, one) for name in given for one in getattr(hints.get(name), "__metadata__", ()))
    for name, needed in needs:
        if not isinstance(needed, OnlyWith):
            continue
        other = given.get(needed.setting, own[needed.setting].default)
        if other not in needed.values:
            raise InputError(
                f"{flag(name)} has no effect with {flag(needed.setting)} {other}; it is for {_listed(needed.values)}."
            )


def _check_value(name: str, value: object, hint: Any) -> None:
    """Applies the `Range` and `Literal` found anywhere in a type hint to one value."""
    metadata = getattr(hint, "__metadata__", ())
    for limit in metadata:
        numbers = value if isinstance(value, tuple | list) else (value,)
        if not isinstance(limit, Range):
            continue
        for number in numbers:
            if not isinstance(number, int | float) or not limit.allows(float(number)):
                raise InputError(f"{flag(name)} {number} is out of range: it must be {limit}.")
    if metadata:
        _check_value(name, value, get_args(hint)[0])
    elif get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise InputError(f"{flag(name)} {value} is not known: choose {_listed(get_args(hint))}.")
    else:
        parts = [part for part in get_args(hint) if part is not Ellipsis and part is not type(None)]
        each = value if isinstance(value, tuple | list) else (value,)
        for part in parts if len(parts) == 1 else ():
            for one in each:
                _check_value(name, one, part)


def _title(owner: Callable[..., Any]) -> str:
    return getattr(owner, "__name__", str(owner))


def _listed(names: Any) -> str:
    return ", ".join(str(name) for name in names) or "none"
