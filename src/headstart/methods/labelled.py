"""What methods that learn from labels ask of their data."""

from __future__ import annotations

from headstart.contracts import Facts
from headstart.errors import InputError


def require_labels(facts: Facts, who: str) -> None:
    """Raises `InputError` naming `who` needs them, where there aren't two classes or not every item has a label."""
    if len(facts.classes) < 2:
        raise InputError(f"{who} needs labels of two classes or more: put the images into one folder a class.")
    if sum(facts.counts) < facts.items:
        unlabelled = facts.items - sum(facts.counts)
        raise InputError(f"{who} needs a label for every item it learns from; {unlabelled} have none.")
