"""metrics.jsonl: one JSON object a logged step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from headstart import atomic

NAME = "metrics.jsonl"

Row = dict[str, Any]


class Journal:
    """The rows logged so far, kept in `folder/metrics.jsonl` where there is a folder."""

    def __init__(self, folder: Path | None) -> None:
        self.path = None if folder is None else folder / NAME
        self.rows: list[Row] = []

    def cut(self, step: int) -> None:
        """Goes back to the rows up to `step`: what was logged after the checkpoint will be logged again."""
        if self.path is None:
            return
        self.rows = [row for row in read_rows(self.path) if row["step"] <= step]
        atomic.write_text(self.path, "".join(map(_line, self.rows)))

    def append(self, row: Row) -> None:
        """Adds a row."""
        self.rows.append(row)
        if self.path is not None:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(_line(row))

    def flush(self) -> None:
        """Waits until all rows are on the disk."""
        if self.path is not None and self.path.exists():
            atomic.flush(self.path)


def read_rows(path: Path) -> list[Row]:
    """The whole rows of a file: a last one that was torn by a kill is left out."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_bytes().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            break
        rows.append(row)
    return rows


def _line(row: Row) -> str:
    return json.dumps(row, allow_nan=False) + "\n"
