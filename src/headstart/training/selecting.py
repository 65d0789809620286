"""Which weights of a run are kept where a judge looks at it: those it thought best at the end of an epoch.

The best so far lie in `best.safetensors`, beside the checkpoint. A run that was killed judges the epochs after its
checkpoint again, on the same bits, so the file needs no place in the checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from headstart import atomic
from headstart.backbones import evaluating
from headstart.collectives import rank
from headstart.errors import RunError
from headstart.methods.method import Method
from headstart.training.checkpoint import state_of
from headstart.training.distributed import from_first
from headstart.training.plan import StepPlan
from headstart.training.tally import Tally

BEST = "best.safetensors"


class Judge(Protocol):
    """Looks at a method while it learns, on items that it does not learn from."""

    @property
    def patience(self) -> int | None:
        """Epochs without anything better after which training ends; None: it goes on to its last step."""
        ...

    @property
    def counts_start(self) -> bool:
        """Whether the weights of before the first step are looked at too, and may be the best."""
        ...

    def look(self, method: Method) -> Mapping[str, float]:
        """Figures for the log, the first of which says how good the weights are: the higher, the better."""
        ...


class Selection:
    """The best weights of a run so far, in its folder, or in memory where it has none; without a judge, nothing."""

    def __init__(self, judge: Judge | None, method: Method, plan: StepPlan, folder: Path | None) -> None:
        self._judge, self._method, self._plan, self._folder = judge, method, plan, folder
        self._kept: dict[str, Tensor] | None = None

    def due(self, done: int) -> bool:
        """Whether the judge is to look after `done` steps: at the start, where that counts, and after every epoch."""
        if self._judge is None:
            return False
        return self._judge.counts_start if done == 0 else self._plan.ends_epoch(done)

    def look(self, tally: Tally) -> dict[str, float]:
        """What the judge says now, for the log; keeps the weights where they are the first that are so good."""
        assert self._judge is not None
        with evaluating(self._method):
            figures = dict(self._judge.look(self._method))
        score = next(iter(figures.values()))
        if tally.best is None or score > tally.best:
            tally.best, tally.best_step = score, tally.step
            self._keep()
        return figures

    def over(self, tally: Tally) -> bool:
        """Whether nothing better has come for as long as the judge is patient; it is first so where an epoch ends."""
        patience = None if self._judge is None else self._judge.patience
        return patience is not None and tally.step - tally.best_step >= patience * self._plan.steps_per_epoch

    def take_back(self) -> None:
        """Gives the method its best weights again."""
        if self._judge is None:
            return
        from_first(lambda: None)  # written, once the first process is here
        if self._folder is not None:
            restore_best(self._method, self._folder)
        elif self._kept is not None:
            _copy(self._kept, self._method)

    def _keep(self) -> None:
        state = {name: value.detach().cpu().contiguous().clone() for name, value in state_of(self._method).items()}
        if self._folder is None:
            self._kept = state
        elif rank() == 0:
            try:
                with atomic.aside(self._folder / BEST) as draft:
                    save_file(state, draft)
            except (OSError, SafetensorError) as error:
                raise RunError(f"{self._folder / BEST} could not be written ({error}): make room and go on.") from error


def restore_best(method: Method, folder: Path) -> None:
    """Puts the best weights of a run that had a judge into its method; nothing where there are none."""
    if (folder / BEST).exists():
        _copy(load_file(folder / BEST), method)


@torch.no_grad()
def _copy(state: Mapping[str, Tensor], method: Method) -> None:
    for name, value in state_of(method).items():
        value.copy_(state[name])
