"""How data is read: the settings of `headstart.load` and of every verb that takes data, declared once.

def look(data: Source, **reading: Unpack[Reading]) -> Look: ...
"""

from __future__ import annotations

from typing import Annotated, Any, TypedDict

from headstart.settings import Range

Side = Annotated[int, Range(least=8, most=1024)]
"""Pixels a side."""


class Reading(TypedDict, total=False):
    """What a user may say about the data; what is left out is found out or does without.

    Args:
        labels: A CSV, TSV, JSONL or Parquet file with columns path (or id) and label, which labels some items or all.
        label_from: A pattern of the file names that makes columns, such as '{label}_{speaker}_{n}.jpg'.
        label_column: Column of the labels, of --labels, of --label-from or of the table that the data is.
        path_column: Column of the paths, of --labels or of the table that the data is.
        split_column: Column that says train, val or test; default split, where a table has it.
        group: Column whose groups stay on one side of the split; default group, where a table has it.
        test_where: What makes the test part, such as 'n < 5', 'speaker == theo' or 'year in 2019,2020'.
        size: Pixels a side that images are brought to.
        split_seed: Seed of the train/test split, where the data has none, and of what is drawn from labels.
        allow_skips: Go on although more than 5 % of the files can't be read, or a table names files that are not there.
        download: Fetch public data, such as cifar10, and weights that are not on this machine yet.
        cache: Keep large sets of decoded files for the next command, in the user's cache (the default).
    """

    labels: Any
    label_from: str | None
    label_column: str | None
    path_column: str | None
    split_column: str | None
    group: str | None
    test_where: str | None
    size: Side | None
    split_seed: Annotated[int, Range(least=0)]
    allow_skips: bool
    download: bool
    cache: bool | None
