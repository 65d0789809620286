"""`headstart methods` and `headstart backbones`: what there is to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from headstart.backbones import Backbone
    from headstart.methods import MethodInfo


@dataclass(frozen=True)
class MethodList:
    """Every method."""

    methods: list[MethodInfo]

    def __str__(self) -> str:
        wide = max(len(method.name) for method in self.methods)
        return "\n".join(f"{m.name:{wide}}  {m.family:16}  {m.summary}" for m in self.methods)


@dataclass(frozen=True)
class BackboneList:
    """Every backbone."""

    backbones: list[Backbone]

    def __str__(self) -> str:
        wide = max(len(backbone.name) for backbone in self.backbones)
        return "\n".join(f"{b.name:{wide}}  {b.summary}" for b in self.backbones)


def list_methods() -> MethodList:
    """List the methods, each with its family and one line on it.

    `headstart pretrain METHOD --help` shows a method's settings.

    Example: headstart methods
    """
    from headstart.methods import list_methods as known

    return MethodList(known())


def list_backbones() -> BackboneList:
    """List the networks that can be trained.

    Example: headstart backbones
    """
    from headstart.backbones import list_backbones as known

    return BackboneList(known())
