"""What the user says of the data beyond where it lies: labels, columns, groups and the test part."""

from __future__ import annotations

from dataclasses import replace

from headstart.data import conditions, labels, patterns
from headstart.data.catalogues import as_parts
from headstart.data.naming import natural
from headstart.data.raw import Raw
from headstart.data.relabelling import relabelled
from headstart.errors import InputError
from headstart.reading import Reading
from headstart.terminal import listed


def described(raw: Raw, reading: Reading) -> Raw:
    """`raw` with all of it: first the columns that names make, then labels, then the parts, then the groups."""
    given, label_column = reading.get("labels"), reading.get("label_column")
    pattern = reading.get("label_from")
    if pattern is not None:
        raw, made = patterns.with_columns(raw, pattern)
        if label_column is None and "label" in made.fields:
            raw = _labelled_by(raw, "label")
    if given is not None:
        raw = relabelled(
            raw,
            given,
            path_column=reading.get("path_column"),
            label_column=label_column,
            allow_skips=reading.get("allow_skips", False),
        )
    elif label_column is not None:
        raw = _labelled_by(raw, label_column)
    if given is None and reading.get("path_column") is not None:
        raw.column(str(reading["path_column"]), "--path-column")
    return _grouped(_parted(raw, reading), reading.get("group"))


def _labelled_by(raw: Raw, column: str) -> Raw:
    values = raw.column(column, "--label-column")
    numbers, classes = labels.from_names(values)
    return replace(raw, labels=numbers, classes=classes)


def _parted(raw: Raw, reading: Reading) -> Raw:
    """The parts that a column or a condition makes; a condition goes before everything else."""
    column, condition = reading.get("split_column"), reading.get("test_where")
    if column is not None and condition is not None:
        raise InputError("--split-column and --test-where both make the test part: leave one of them out.")
    if column is not None:
        return replace(raw, parts=as_parts(raw.column(column, "--split-column"), column, raw.name))
    if condition is None:
        return raw
    asked = conditions.parse(condition, list(raw.columns))
    values = raw.columns[asked.column]
    test = asked.holds(values)
    if all(test) or not any(test):
        known = listed(sorted({value for value in values if value is not None}, key=natural), 10)
        what = "all of" if all(test) else "none of"
        raise InputError(
            f"{conditions.FLAG} {condition}: it holds for {what} the {len(test)} items; {asked.column} is {known}."
        )
    note = f"{conditions.FLAG} {condition}: {sum(test)} of {len(test)} items are the test part."
    return replace(raw, parts=tuple("test" if one else "train" for one in test), notes=(*raw.notes, note))


def _grouped(raw: Raw, column: str | None) -> Raw:
    """The groups of a column, of `group` where there is one and none is named."""
    if column is None and "group" not in raw.columns:
        return raw
    return replace(raw, groups=raw.column(column or "group", "--group"))
