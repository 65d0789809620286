"""Which kinds of shift lie between two sets: one file a kind, and what they share."""

from headstart.transfer.diagnosing.advice import Side, advise
from headstart.transfer.diagnosing.finding import find_shifts
from headstart.transfer.diagnosing.shift import Shift

__all__ = ["Shift", "Side", "advise", "find_shifts"]
