"""The streams of items that a method learns from, each with its own order; most methods have one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from headstart import randomness


@dataclass(frozen=True)
class Stream:
    """The items of one data set, and which of them are learned from."""

    items: Tensor
    """uint8 N×C×H×W, all pictures of the data set."""
    labels: Tensor | None
    """int64 N, -1 where there is none; None where nobody may see them."""
    index: Tensor
    """int64 n: places of the items to learn from."""


class Sampler:
    """A stream's items in a random order that depends on (seed, pass, stream) alone, drawn once a pass.

    A pass ends where no full batch is left. The first stream's passes are the epochs of the run; every other stream
    begins its next pass when it is at its end.
    """

    def __init__(self, index: Tensor, batch_size: int, seed: int, purpose: str = "order") -> None:
        self.index, self.batch_size, self.seed, self.purpose = index, batch_size, seed, purpose
        self._turns = len(index) // batch_size
        self._pass, self._order = -1, index

    def places(self, step: int) -> Tensor:
        """int64 places in the data set of the global batch of a step."""
        number, turn = divmod(step, self._turns)
        if number != self._pass:
            self._order = self.index[randomness.permutation(self.seed, self.purpose, len(self.index), number)]
            self._pass = number
        return self._order[turn * self.batch_size : (turn + 1) * self.batch_size]


def samplers(streams: Mapping[str, Stream], batch_size: int, seed: int) -> dict[str, Sampler]:
    """A sampler for each stream, drawing independently of the others."""
    purposes = {name: f"order/{name}" if len(streams) > 1 else "order" for name in streams}
    return {name: Sampler(stream.index, batch_size, seed, purposes[name]) for name, stream in streams.items()}
