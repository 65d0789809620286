"""`headstart methods`, `headstart backbones` and `headstart data`: what there is to choose from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from headstart.reading import Side
from headstart.settings import Range
from headstart.verbs.common import refuse

if TYPE_CHECKING:
    from torch import nn

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
        shown = [backbone for backbone in self.backbones if backbone.summary != "timm"]
        wide = max(len(backbone.name) for backbone in shown)
        lines = [f"{b.name:{wide}}  {b.summary}" for b in shown]
        if others := len(self.backbones) - len(shown):
            lines.append(f"{'timm/NAME':{wide}}  {others:,} more of timm's; --json lists them all")
        return "\n".join(lines)


@dataclass(frozen=True)
class BackboneShown:
    """One network with its head reshaped."""

    name: str
    classes: int
    input: list[int]
    """Channels, height and width of the pictures it sees."""
    features: int
    """How many numbers a picture becomes before the head."""
    parameters: int
    """To learn, where the whole network is trained."""
    head_parameters: int
    """To learn, where all before the features stays as it is."""
    to_learn: dict[str, int]
    """The parameters that `train` leaves to learn, and how many numbers each holds."""
    train: str | None
    """all, or head; None: it was not asked for, and all are in `to_learn`."""
    network: str
    """Its layers, as PyTorch prints them."""

    def __str__(self) -> str:
        channels, height, width = self.input
        names = "".join(f"\n  {name}  {count:,}" for name, count in self.to_learn.items())
        listed = f"\nParameters to learn with --train {self.train}:{names}" if self.train else ""
        return (
            f"{self.network}\n\n{self.name} for {self.classes} classes: pictures of {width}×{height} and {channels} "
            f"channels, {self.features:,} features\n{self.parameters:,} parameters, of which {self.head_parameters:,} "
            f"are the head's: all that is to learn where the encoder stays as it is{listed}"
        )


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


def list_backbones(
    name: str | None = None,
    *,
    classes: Annotated[int, Range(least=1)] | None = None,
    size: Side | None = None,
    train: Literal["all", "head"] | None = None,
) -> BackboneList | BackboneShown:
    """List the networks that can be trained, or show one of them with its head reshaped.

    Example: headstart backbones resnet18 --classes 2

    Args:
        name: One network to show.
        classes: What its head tells apart; default 2.
        size: Pixels a side of the pictures it sees; default what it is usually shown.
        train: List the parameters to learn, where all of it is trained or the head alone.
    """
    from headstart.backbones import build_classifier, without_head
    from headstart.backbones import list_backbones as known

    if name is None:
        refuse(
            {"classes": classes, "size": size, "train": train}, "{} is of one network: name it too, such as resnet18."
        )
        return BackboneList(known())
    classes = 2 if classes is None else classes
    network, shape, width = build_classifier(name, classes, size)
    text, everything = str(network), dict(network.named_parameters())
    body = {id(parameter) for parameter in without_head(network).parameters()}
    head = {own: parameter for own, parameter in everything.items() if id(parameter) not in body}
    return BackboneShown(
        name=name,
        classes=classes,
        input=list(shape),
        features=width,
        parameters=_numbers(everything),
        head_parameters=_numbers(head),
        network=text,
        to_learn={own: parameter.numel() for own, parameter in (head if train == "head" else everything).items()},
        train=train,
    )


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


def _numbers(parameters: Mapping[str, nn.Parameter]) -> int:
    return sum(parameter.numel() for parameter in parameters.values())
