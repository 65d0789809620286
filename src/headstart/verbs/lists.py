"""`headstart methods`, `headstart backbones` and `headstart data`: what there is to choose from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

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


@dataclass(frozen=True)
class KnownData:
    """A data set that has a name."""

    name: str
    summary: str
    state: Literal["bundled", "here", "to download"]
    size: str | None
    """Of the download, about."""


@dataclass(frozen=True)
class DataList:
    """Every data set that has a name."""

    data: list[KnownData]
    folder: str
    """Where those are that were downloaded."""

    def __str__(self) -> str:
        wide = max(len(one.name) for one in self.data)
        how = [one.state if one.state != "to download" else f"--download, {one.size}" for one in self.data]
        lines = [f"{one.name:{wide}}  {state:20}  {one.summary}" for one, state in zip(self.data, how, strict=True)]
        return "\n".join([*lines, f"What is downloaded lies in {self.folder}"])


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


def list_data() -> DataList:
    """List the data sets that have a name, and which of them are on this machine.

    `--download` on any verb fetches one that is not.

    Example: headstart data
    """
    from headstart.data import COMES_ALONG, SETS, is_there, public_folder

    bundled = [KnownData(name, summary, "bundled", None) for name, summary in COMES_ALONG.items()]
    public = [
        KnownData(name, known.summary, "here" if is_there(name) else "to download", known.size)
        for name, known in SETS.items()
    ]
    return DataList([*bundled, *public], str(public_folder()))
