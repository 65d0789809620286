"""What every step asks of its settings."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from headstart.errors import InputError
from headstart.settings import check


def check_step(step: Any) -> None:
    """Raises `InputError` where a setting is out of its range, or one with two ends has them the wrong way round."""
    values = {field.name: getattr(step, field.name) for field in fields(step)}
    check(type(step), values)
    for name, value in values.items():
        if isinstance(value, tuple) and (len(value) != 2 or value[0] > value[1]):
            raise InputError(
                f"{name} of {type(step).__name__} is {value}: give the smallest and the largest, in this order."
            )
