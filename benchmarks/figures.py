"""How the results pages print a figure."""

from __future__ import annotations


def percent(value: float, low: float, high: float) -> str:
    """A share, or a lead of one over another, in percent with its interval."""
    return f"{100 * value:.1f} ({100 * low:.1f} to {100 * high:.1f})"
