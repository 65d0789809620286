"""What to do about the shifts that were found: a sentence each, and the command to run next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from headstart.terminal import listed
from headstart.transfer.diagnosing.shift import Kind, Shift

REMEDIES: Mapping[Kind, str] = {
    "inputs": "The inputs are of another form: bring both sets to one (--size), or take an encoder of the target's.",
    "labels": "The target has other classes: keep the encoder, and learn a new classifier from the target's labels.",
    "conditional": "The labels mean something else in the target: don't learn them from the source.",
    "marginal": "The pictures differ: adapt to the target's, which takes no labels there.",
    "class-shares": (
        "The class shares differ: correct a classifier of the source by the target's shares; aligning the sets "
        "regardless of classes would do harm."
    ),
}


@dataclass(frozen=True)
class Side:
    """One of the two sets, as a command names it."""

    name: str
    reading: str
    """Flags that say how it is read, each after a blank."""
    classes: int
    """How many its labels are of."""

    def __str__(self) -> str:
        return f"{self.name}{self.reading}"

    @property
    def tells(self) -> bool:
        """Whether there are classes to tell apart."""
        return self.classes >= 2


def advise(shifts: Sequence[Shift], source: Side, target: Side, *, both: str = "", encoder: str | None = None) -> str:
    """Plain sentences, the last of them `Next: headstart …`.

    `both` are the flags of a command that reads both sets, each after a blank; `encoder` is named as in a command.
    """
    found = {shift.kind for shift in shifts if shift.found}
    missing = _missing(shifts)
    said = [text for kind, text in REMEDIES.items() if kind in found and not (kind == "labels" and missing)]
    if missing:
        said.append(f"The target lacks {listed(missing)}: a classifier of the source still holds there.")
    if not source.classes:
        said.append(
            "Only the pictures were compared: other classes, shares or meanings take the source's labels to see."
        )
    elif not found:
        said.append("No shift was found: what is learned on the source should hold on the target as it is.")
    if source.classes and not {"labels", "conditional"} & found and shifts[-1].found is None:
        said.append("Whether the same picture means the same in both can't be told yet.")
    return "\n".join([*said, f"Next: {_command(found, bool(missing), source, target, both, encoder)}"])


def _missing(shifts: Sequence[Shift]) -> list[str]:
    """The classes that the target lacks, where they are all that differs in the classes."""
    labels = next(shift for shift in shifts if shift.kind == "labels")
    return labels.evidence["source_only"] if labels.found and not labels.evidence["target_only"] else []


def _command(found: Collection[Kind], lacks: bool, source: Side, target: Side, both: str, encoder: str | None) -> str:
    """The one command that goes furthest: the target's own labels, then adapting, then what the source taught."""
    if "conditional" in found or ("labels" in found and not lacks):
        return _compared(target, encoder)
    if not source.tells:
        return f"headstart pretrain simclr {target if found else source}"
    if "marginal" in found or "inputs" in found:
        # Aligning sets whose class shares differ brings items to other classes; mcc aligns nothing.
        method = "mcc" if lacks or "class-shares" in found else "dann"
        return f"headstart adapt {method} {source.name} {target.name}{both}"
    if "class-shares" in found:
        return f"headstart adapt source_only {source.name} {target.name}{both}"
    return _compared(source, encoder)


def _compared(data: Side, encoder: str | None) -> str:
    """Which representation to take on one set, with the encoder among the routes where there is one."""
    if not data.tells:
        return f"headstart pretrain simclr {data}"
    return f"headstart compare {data}{f' --routes raw,random,scratch,{encoder}' if encoder else ''}"
