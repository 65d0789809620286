"""Which weights of a run are kept where a judge looks at it: those it thought best at the end of an epoch.

The best so far lie in `best-<step>.safetensors`, beside the checkpoint, whose `best_step` names them. What a checkpoint
names stays until no checkpoint does: a run that was killed may judge the epochs after its checkpoint otherwise.
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

BEST = "best-{}.safetensors"
"""The file of the weights as they were after a step."""


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

    def __init__(self, judge: Judge | None, method: Method, plan: StepPlan, folder: Path | None, tally: Tally) -> None:
        self._judge, self._method, self._plan, self._folder = judge, method, plan, folder
        self._named = tally.best_step  # by the newest checkpoint
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
            self._keep(tally.step)
        return figures

    def saved(self, tally: Tally) -> None:
        """Removes, once a checkpoint is written, the weights that neither this one nor the one before it names."""
        if self._judge is None or self._folder is None or rank() != 0:
            return
        named = {self._folder / BEST.format(step) for step in (tally.best_step, self._named)}
        for path in set(self._folder.glob(BEST.format("*"))) - named:
            path.unlink()
        self._named = tally.best_step

    def over(self, tally: Tally) -> bool:
        """Whether nothing better has come for as long as the judge is patient; it is first so where an epoch ends."""
        patience = None if self._judge is None else self._judge.patience
        return patience is not None and tally.step - tally.best_step >= patience * self._plan.steps_per_epoch

    def take_back(self, tally: Tally) -> None:
        """Gives the method its best weights again."""
        if self._judge is None:
            return
        from_first(lambda: None)  # written, once the first process is here
        if self._folder is not None:
            restore_best(self._method, self._folder, tally.best_step)
        elif self._kept is not None:
            _copy(self._kept, self._method)

    def _keep(self, step: int) -> None:
        state = {name: value.detach().cpu().contiguous().clone() for name, value in state_of(self._method).items()}
        if self._folder is None:
            self._kept = state
        elif rank() == 0:
            path = self._folder / BEST.format(step)
            try:
                with atomic.aside(path) as draft:
                    save_file(state, draft)
            except (OSError, SafetensorError) as error:
                raise RunError(f"{path} could not be written ({error}): make room and go on.") from error


def restore_best(method: Method, folder: Path, step: int) -> None:
    """Puts the weights that a judge thought best after `step` into the method of a run."""
    _copy(load_file(folder / BEST.format(step)), method)


@torch.no_grad()
def _copy(state: Mapping[str, Tensor], method: Method) -> None:
    for name, value in state_of(method).items():
        value.copy_(state[name])
