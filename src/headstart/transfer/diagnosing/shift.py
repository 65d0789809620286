"""One kind of shift and its verdict, and how many verdicts share the false alarms that are allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["inputs", "marginal", "labels", "class-shares", "conditional"]

SCENARIO: Mapping[Kind, int] = {"inputs": 1, "marginal": 2, "labels": 3, "class-shares": 4, "conditional": 4}
"""Which of the four scenarios of transfer a kind belongs to: other inputs, other P(X), other labels, other P(Y) or
P(Y|X)."""

LEVEL = 0.02
"""Chance of any false alarm, over all kinds together. At 0.05 every third hundred of pairs without a shift would show
more than five; shifts that matter are far beyond either."""


@dataclass(frozen=True)
class Shift:
    """What was found about one kind."""

    kind: Kind
    scenario: int
    found: bool | None
    """None where it can't be told; `why` says what is missing."""
    why: str
    evidence: dict[str, Any] = field(default_factory=dict)
    p_value: float | None = None
    """Corrected for the number of kinds that are tested: found is p_value ≤ 0.02. None where nothing was tested."""


@dataclass(frozen=True)
class Level:
    """Bonferroni's correction for a number of tests that is fixed before any of them is made.

    That some are dropped in the light of others' results, as `class-shares` is after `marginal`, can only make false
    alarms rarer.
    """

    tests: int

    def corrected(self, p_value: float) -> float:
        """The p-value of one test, for all of them."""
        return min(1.0, self.tests * p_value)

    def verdict(self, kind: Kind, p_value: float, found: str, clear: str, evidence: dict[str, Any]) -> Shift:
        """The shift of a tested kind; `found` or `clear` is its `why`."""
        corrected = self.corrected(p_value)
        hit = corrected <= LEVEL
        return Shift(kind, SCENARIO[kind], hit, found if hit else clear, evidence, corrected)


def untold(kind: Kind, why: str, evidence: dict[str, Any] | None = None) -> Shift:
    """A kind that can't be told."""
    return Shift(kind, SCENARIO[kind], None, why, evidence or {})
