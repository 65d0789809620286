"""What `--test-where` understands: one comparison of one column, such as `n < 5` or `speaker in theo,lucas`."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from headstart.errors import InputError
from headstart.terminal import listed

FLAG = "--test-where"

WRITTEN = re.compile(r"\s*(?P<column>.+?)\s*(?P<sign><=|>=|==|!=|<|>|\bin\b)\s*(?P<value>.*?)\s*", re.DOTALL)
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")

ORDERS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


@dataclass(frozen=True)
class Condition:
    """A column, a sign and the values it is compared with: several for `in`, else one."""

    text: str
    column: str
    sign: str
    values: tuple[str, ...]

    def holds(self, found: Sequence[str | None]) -> list[bool]:
        """For each value whether it is so; where there is none it is not."""
        return [value is not None and self._one(value) for value in found]

    def _one(self, value: str) -> bool:
        if self.sign in ORDERS:
            if not NUMBER.fullmatch(value):
                raise InputError(f"{FLAG} {self.text}: {self.sign} compares numbers, and {self.column} is {value} too.")
            return ORDERS[self.sign](float(value), float(self.values[0]))
        return any(_equal(value, one) for one in self.values) != (self.sign == "!=")


def _equal(first: str, second: str) -> bool:
    """Numbers are equal as numbers (05 and 5), all else as text."""
    numbers = NUMBER.fullmatch(first) and NUMBER.fullmatch(second)
    return float(first) == float(second) if numbers else first == second


def parse(text: str, columns: Sequence[str]) -> Condition:
    """A condition from its text. Raises `InputError` where it can't be read or names no column that there is."""
    match = WRITTEN.fullmatch(text)
    if match is None or not match["value"]:
        raise InputError(f"{FLAG} {text}: write a column, a sign and a value: 'n < 5', 'year in 2019,2020'.")
    column, sign = match["column"], match["sign"]
    if column not in columns:
        raise InputError(f"{FLAG} {text}: there is no column {column}; {_there(columns)}")
    parts = match["value"].split(",") if sign == "in" else [match["value"]]
    values = tuple(_unquoted(part.strip()) for part in parts)
    if sign in ORDERS and not NUMBER.fullmatch(values[0]):
        raise InputError(f"{FLAG} {text}: {sign} compares numbers, and {values[0]} is none.")
    return Condition(text, column, sign, values)


def _unquoted(value: str) -> str:
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value


def _there(columns: Sequence[str]) -> str:
    """Which columns there are, or what makes some."""
    if columns:
        return f"there are {listed(columns, 20)}."
    return "the data has no columns. Make some of the file names with --label-from '{label}_{n}.jpg'."
