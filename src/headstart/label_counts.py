"""Numbers of labels a class, which may be "all": their order, and how they are said."""

from __future__ import annotations

import math
from collections.abc import Sequence


def amount(k: int | str) -> float:
    """A key to sort by: all labels are the most."""
    return math.inf if k == "all" else float(k)


def heading(k: int | str) -> str:
    """`1 label`, `5 labels`, `all labels`: for a column of a table that says "a class" elsewhere."""
    return "all labels" if k == "all" else f"{k} label{'' if k == 1 else 's'}"


def said(counts: Sequence[int | str]) -> str:
    """`1 label a class`, `1, 5 and 10 labels a class`, `5 labels a class and all labels`."""
    numbers = [str(k) for k in counts if k != "all"]
    parts = []
    if numbers:
        parts.append(f"{series(numbers)} label{'' if numbers == ['1'] else 's'} a class")
    if "all" in counts:
        parts.append("all labels")
    return series(parts)


def series(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
