"""How data is read: the settings of `headstart.load` and of every verb that takes data, declared once.

def look(data: Source, **reading: Unpack[Reading]) -> Look: ...
"""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from headstart.settings import Range


class Reading(TypedDict, total=False):
    """What a user may say about the data; what is left out is found out or does without.

    Args:
        labels: A CSV, TSV, JSONL or Parquet file with columns path (or id) and label.
        size: Pixels a side that images are brought to.
        split_seed: Seed of the train/test split, where the data has none, and of what is drawn from labels.
        allow_skips: Go on although more than 5 % of the files can't be read.
        cache: Keep large sets of decoded files for the next command, in the user's cache (the default).
    """

    labels: Any
    size: Annotated[int, Range(least=8, most=1024)] | None
    split_seed: Annotated[int, Range(least=0)]
    allow_skips: bool
    cache: bool | None
