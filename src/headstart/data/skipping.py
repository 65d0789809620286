"""How many unreadable items a set may have before the run stops."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from headstart.data.dataset import Skipped
from headstart.errors import InputError

MOST = 0.05
"""The share of items that may be skipped without being asked."""


def refuse_too_many(
    where: str, skipped: Sequence[Skipped], total: int, emptied: Collection[str], *, allowed: bool
) -> list[str]:
    """Notes about what was skipped; `emptied` names the classes that lost all their items.

    Raises `InputError` where nothing is left, and, unless `allowed`, where more than 5 % or a whole class is lost.
    """
    if not skipped:
        return []
    first = f"first {skipped[0].path}: {skipped[0].reason}"
    if len(skipped) == total:
        raise InputError(f"{where}: none of its {total} images can be read ({first}).")
    if emptied and not allowed:
        raise InputError(
            f"{where}: no image of the class {', '.join(sorted(emptied))} can be read ({first}).\n"
            "Repair the files, or go on without the class with --allow-skips."
        )
    if len(skipped) > MOST * total and not allowed:
        raise InputError(
            f"{where}: {len(skipped)} of {total} images cannot be read ({first}).\n"
            "Repair or remove them, or go on without them with --allow-skips."
        )
    return [f"{len(skipped)} of {total} images cannot be read and were skipped ({first})."]
