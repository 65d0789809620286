"""The leaderboard in plain words: what to use, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from headstart.label_counts import said, series

Row = Mapping[str, Any]

BASELINES = ("raw", "random")


def advise(
    rows: Sequence[Row],
    paired: Sequence[Row],
    best: Row | None,
    *,
    seeds: int,
    predict: str | None = None,
    judged_on: str = "test items",
    more: str | None = None,
    unjudged: str | None = None,
) -> str:
    """A paragraph a line, for a person: what to use, who leads by how much, what to doubt, how to go on.

    Args:
        predict: The command that uses the winner.
        judged_on: The items that the figures are of.
        more: What more labels would bring, in a sentence.
        unjudged: Why there are no figures, in a sentence.
    """
    scored = [row for row in rows if row["accuracy"] is not None]
    missing = _missing(rows)
    counts = dict.fromkeys(row["labels_per_class"] for row in scored)
    leads = [
        _lead([row for row in scored if row["labels_per_class"] == labels], paired, judged_on) for labels in counts
    ]
    paragraphs = [
        *missing,
        f"Use {best['route']}{_reason(best)}." if best is not None else "",
        " ".join(leads) if scored else _without_figures(rows, best, unjudged),
        more or "",
        " ".join(_doubts(rows, scored, seeds)) if scored else "",
        f"To use it: {predict}" if predict is not None else "",
    ]
    return "\n".join(paragraph for paragraph in paragraphs if paragraph)


def _missing(rows: Sequence[Row]) -> list[str]:
    """Routes that could not be taken, each with the reason and so with what to do."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row["state"] == "left out" and row["route"] not in reasons.setdefault(row["why"], []):
            reasons[row["why"]].append(row["route"])
    return [
        f"{series(routes)} {'was' if len(routes) == 1 else 'were'} left out: {why}." for why, routes in reasons.items()
    ]


def _without_figures(rows: Sequence[Row], best: Row | None, unjudged: str | None) -> str:
    if all(row["state"] in ("failed", "left out") for row in rows):
        return "No route came to an end; the table says why."
    why = unjudged or "There are no labels to judge by, so this is not a verdict."
    return why if best else f"{why} Meanwhile look at the maps, the neighbours and the health of each representation."


def _reason(best: Row) -> str:
    if best["chosen_by"] == "default":
        return ", the usual order of preference: there were too few labels to choose by"
    labels = f" with {said([best['labels_per_class']])}" if "training labels" in best["chosen_by"] else ""
    return f", chosen by {best['chosen_by']}{labels}"


def _lead(rows: Sequence[Row], paired: Sequence[Row], judged_on: str) -> str:
    """Who leads at one number of labels, and over whom for certain."""
    ranked = sorted(rows, key=lambda row: -row["accuracy"])
    first, rest = ranked[0], [row["route"] for row in ranked[1:]]
    verdicts = _verdicts(first["route"], first["labels_per_class"], paired)
    beaten = [route for route in rest if verdicts.get(route) == "ahead"]
    tied = [route for route in rest if verdicts.get(route) != "ahead"]
    low, high = first["interval"]
    text = (
        f"With {said([first['labels_per_class']])} {first['route']} is right on {100 * first['accuracy']:.1f} % "
        f"of the {judged_on} ({100 * low:.1f} to {100 * high:.1f})"
    )
    if not rest:
        return text + "."
    if not beaten:
        return f"{text}, but its lead could be luck: nobody is certainly worse."
    if not tied:
        return f"{text}, certainly ahead of every other route."
    return f"{text}, certainly ahead of {series(beaten)}; against {series(tied)} it is a tie."


def _verdicts(route: str, labels: int | str, paired: Sequence[Row]) -> dict[str, str]:
    """ "ahead", "tie" or "behind" of `route` against every other at this number of labels."""
    found = {}
    for pair in paired:
        if pair["labels_per_class"] != labels or route not in (pair["a"], pair["b"]):
            continue
        side = "a" if pair["a"] == route else "b"
        other = pair["b"] if side == "a" else pair["a"]
        found[other] = "tie" if pair["verdict"] == "tie" else "ahead" if pair["verdict"] == side else "behind"
    return found


def _doubts(rows: Sequence[Row], scored: Sequence[Row], seeds: int) -> list[str]:
    """What a careful reader should hold against the figures."""
    doubts = []
    for weak, counts in _worth_nothing(scored).items():
        doubts.append(
            f"With {said(counts)} {series(weak)} did no better than the raw input or an "
            "untrained network: there the training was worth nothing."
        )
    cut = sorted({row["route"] for row in rows if row["state"] == "cut"})
    if cut:
        doubts.append(f"The budget cut {series(cut)} short, so no lead over it is claimed.")
    dropped = sorted({row["route"] for row in rows if row["state"] == "dropped"})
    if dropped:
        doubts.append(f"{series(dropped).capitalize()} fell behind and trained for a part of the time only.")
    failed = sorted({row["route"] for row in rows if row["state"] == "failed"})
    if failed:
        doubts.append(f"{series(failed).capitalize()} failed; the table says why.")
    if seeds == 1:
        doubts.append(
            "Every network was trained from one seed, so the intervals leave out what another seed would change "
            "(--seeds 0,1,2 puts it in)."
        )
    return doubts


def _worth_nothing(scored: Sequence[Row]) -> dict[tuple[str, ...], list[int | str]]:
    """Routes that a baseline equals or beats, with the numbers of labels at which it does."""
    found: dict[tuple[str, ...], list[int | str]] = {}
    for labels in dict.fromkeys(row["labels_per_class"] for row in scored):
        at = {row["route"]: row["accuracy"] for row in scored if row["labels_per_class"] == labels}
        weak = tuple(r for r in at if r not in BASELINES and any(at[r] <= at[b] for b in BASELINES if b in at))
        if weak:
            found.setdefault(weak, []).append(labels)
    return found
