"""What to do about the shifts that were found: a sentence each, and the command to run next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

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


def advise(
    shifts: Sequence[Shift], source: str, target: str, *, encoder: str | None = None, labelled: bool = True
) -> str:
    """Plain sentences, the last of them `Next: headstart …`.

    `source`, `target` and `encoder` are named as in a command; `labelled` says whether the source has labels.
    """
    found = [shift.kind for shift in shifts if shift.found]
    said = [text for kind, text in REMEDIES.items() if kind in found]
    if not found:
        said = ["No shift was found: what is learned on the source should hold on the target as it is."]
    if labelled and not {"labels", "conditional"} & set(found) and shifts[-1].found is None:
        said.append("Whether the same picture means the same in both can't be told yet.")
    return "\n".join([*said, f"Next: {_command(found, source, target, encoder, labelled=labelled)}"])


def _command(found: Collection[Kind], source: str, target: str, encoder: str | None, *, labelled: bool) -> str:
    """The one command that goes furthest: the target's own labels, then adapting, then what the source taught."""
    if "labels" in found or "conditional" in found:
        return _compared(target, encoder)
    if not labelled:
        return f"headstart pretrain simclr {target}" if found else f"headstart pretrain simclr {source}"
    if "marginal" in found or "inputs" in found:
        return f"headstart adapt dann {source} {target}"
    if "class-shares" in found:
        return f"headstart adapt source_only {source} {target}"
    return _compared(source, encoder)


def _compared(data: str, encoder: str | None) -> str:
    """Which representation to take on one set, with the encoder among the routes where there is one."""
    return f"headstart compare {data}{f' --routes raw,random,scratch,{encoder}' if encoder else ''}"
