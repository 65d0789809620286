"""`labels`: whether the sets have other classes.

A class that only one set has may be missing from the other by chance where it is rare: the p-value is that of all its
items falling where they are (hypergeometric), or where the target is labelled throughout, and so may lack one as well,
on either side; corrected for the number of classes.
"""

from __future__ import annotations

import torch
from scipy import stats
from torch import Tensor

from headstart.transfer.diagnosing.pool import Pool
from headstart.transfer.diagnosing.shift import Level, Shift, untold

SHOWN = 5


def label_sets(pool: Pool, level: Level) -> Shift:
    """The verdict; classes that a partly labelled target lacks are no evidence."""
    source, target = pool.counts(target=False), pool.counts(target=True)
    for counts, name in ((source, "source"), (target, "target")):
        if not counts.any():
            return untold("labels", f"The {name} has no labels.")
    whole = pool.all_labelled(target=True)
    own = [c for c in range(len(pool.classes)) if target[c] and not source[c]]
    missing = [c for c in range(len(pool.classes)) if source[c] and not target[c]] if whole else []
    evidence = {"target_only": [pool.classes[c] for c in own], "source_only": [pool.classes[c] for c in missing]}
    chances = [_chance(source, target, c, either=whole) for c in (*own, *missing)]
    p_value = min(1.0, min(chances, default=1.0) * len(pool.classes))
    named = " and ".join(
        f"the {name} alone has {', '.join(pool.classes[c] for c in classes[:SHOWN])}"
        f"{f' and {len(classes) - SHOWN} more' if len(classes) > SHOWN else ''}"
        for name, classes in (("target", own), ("source", missing))
        if classes
    )
    rare = f"Of the classes {named}, but of so few items that it may be chance."
    return level.verdict(
        "labels",
        p_value,
        f"The classes are not the same: {named}.",
        rare if named else f"{'Both sets have' if whole else 'The labelled target items are of'} the same classes.",
        evidence,
    )


def shared_part(pool: Pool, labels: Shift) -> Pool | None:
    """The items that the other kinds are tested on: all, or where the classes differ those of the common ones.

    None where nothing is left to compare. Classes of the target that are too rare for a verdict lose their labels.
    """
    source, target = pool.counts(target=False), pool.counts(target=True)
    if not labels.found:
        return pool.only(torch.ones(len(pool), dtype=torch.bool), torch.nonzero(source).flatten())
    common = torch.nonzero((source > 0) & (target > 0)).flatten()
    kept = torch.isin(pool.labels, common)
    if len(common) == 0:
        return None
    return pool.only(kept, common)


def _chance(source: Tensor, target: Tensor, place: int, *, either: bool) -> float:
    """The chance that every item of this class falls on the side where all of them are, or on one of the two."""
    items, sides = int(source[place] + target[place]), (int(source.sum()), int(target.sum()))
    here, there = sides if source[place] else sides[::-1]
    absent = [there, here] if either else [there]
    return min(1.0, sum(float(stats.hypergeom.pmf(0, here + there, items, side)) for side in absent))
