"""Which numbers of labels a comparison can judge at."""

from __future__ import annotations

from typing import NamedTuple

from headstart.comparison.routes import AllOrNumber
from headstart.comparison.settings import CompareSettings
from headstart.data import Dataset
from headstart.errors import InputError
from headstart.evaluation import lowered, most_labels
from headstart.terminal import note


class Usable(NamedTuple):
    """What there is to judge by."""

    labels: list[AllOrNumber]
    """Numbers of labels a class; empty where nothing can be judged."""
    why: str | None
    """Why nothing can, in a sentence that says what to do."""


def usable_labels(data: Dataset, settings: CompareSettings) -> Usable:
    """The numbers of labels a class that every draw can be lent.

    A default that is larger is left out with a note, or lowered where labels are few; one that was asked for is not.

    Raises:
        InputError: One class only, a class that can't be learned, or more labels asked for than a class can lend.
    """
    if not bool((data.labels >= 0).any()):
        note(f"{data.name} has no labels: the routes are trained and shown, and nothing is judged.")
        return Usable([], "There are no labels to judge by, so this is not a verdict: label a few items of each class.")
    data.require_classes()
    most = most_labels(data, draws=settings.draws, split_seed=settings.split_seed)
    rarest = min(most, key=lambda name: most[name])
    if data.cross_validated and most[rarest] == 0:
        why = f"Class '{rarest}' has a label on one item only, so nothing can be judged: label another of it."
        note(why)
        return Usable([], f"{why} Until then this is not a verdict.")
    if most[rarest] == 0:
        raise InputError(f"{data.name}: class '{rarest}' has no labelled training item: label some, or leave it out.")
    return Usable(_fitting(data, settings, rarest, most[rarest]), None)


def _fitting(data: Dataset, settings: CompareSettings, rarest: str, most: int) -> list[AllOrNumber]:
    """The numbers asked for, or of the default those that fit."""
    too_large = [k for k in settings.labels if k != "all" and k > most]
    if not too_large:
        return settings.labels
    has = f"Class '{rarest}' has only {most} labelled training items"
    if data.cross_validated:
        has += " outside some fold"
    if settings.labels_per_class is not None:
        raise InputError(
            f"--labels-per-class {too_large[-1]}: {has[0].lower()}{has[1:]}.\n"
            f"Ask for at most {most}, or label more of it."
        )
    left_out = ", ".join(map(str, too_large))
    if data.cross_validated:
        note(f"{has}: {most} labels a class in the place of {left_out}.")
        return lowered(settings.labels, most)
    note(f"{has}: {left_out} labels a class left out.")
    return [k for k in settings.labels if k not in too_large]
