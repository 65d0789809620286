"""How each route ended, and what it was judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from headstart.comparison.routes import AllOrNumber, Route
from headstart.comparison.taking import Taken
from headstart.evaluation import Judgement

State = Literal["done", "cut", "dropped", "failed", "left out"]


@dataclass
class Outcome:
    """One route over its seeds."""

    route: Route
    state: State = "done"
    why: str | None = None
    taken: list[Taken] = field(default_factory=list)
    """What was found, one a seed."""
    judgements: list[Judgement] = field(default_factory=list)
    """One a seed; empty where there are no labels to judge by."""
    seeds: int = 0
    seconds: float = 0.0
    """Training and judging, over all seeds."""
    peak_memory_bytes: int = 0
    run: str | None = None
    """The run folder of the first seed."""
    collapsed: bool = False

    @property
    def name(self) -> str:
        """As it stands in the leaderboard."""
        return self.route.name

    def judged(self, k: AllOrNumber) -> bool:
        """Whether there are figures at this number of labels."""
        return bool(self.judgements) and k in self.judgements[0].labels_per_class

    def correct(self, k: AllOrNumber, head: str = "chosen") -> Tensor:
        """bool S×D×T over seeds, draws and test items."""
        return torch.stack([judgement.correct(k, head) for judgement in self.judgements])

    def head(self, k: AllOrNumber) -> str:
        """The head chosen most often."""
        chosen = [head for judgement in self.judgements for head in judgement.chosen(k)]
        return max(sorted(set(chosen)), key=chosen.count)

    def selection(self, k: AllOrNumber) -> float | None:
        """Mean accuracy on held-out training labels, cross-validated or of one part, where every seed has one."""
        held_out = [taken.facts["held_out"] for taken in self.taken if "held_out" in taken.facts]
        scores = held_out or [judgement.validated(k) for judgement in self.judgements]
        known = [score for score in scores if score is not None]
        return sum(known) / len(known) if known and len(known) == len(scores) else None

    def standing(self, labels: Sequence[AllOrNumber]) -> tuple[float | None, AllOrNumber | None]:
        """`selection` at the largest of these numbers of labels that has one, and that number."""
        for k in reversed(labels):
            score = self.selection(k) if self.judged(k) else None
            if score is not None:
                return score, k
        return None, None
