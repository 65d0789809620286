"""How many threads a piece of work is worth: on busy cores two wait for each other at every small operation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

SMALL = 2**25
"""Multiply-adds in one operation below which a second thread costs more than it brings (some milliseconds of work)."""


@contextmanager
def threads_for(work: int) -> Iterator[None]:
    """One thread inside where each operation is `work` multiply-adds and that is little; a function of shapes alone."""
    before = torch.get_num_threads()
    if work < SMALL:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
