"""Comparing what carries labels over from a source to a target: how large the gap is, and what closes it."""

from headstart.comparison.domains.comparing import compare_domains
from headstart.comparison.domains.settings import DomainSettings

__all__ = ["DomainSettings", "compare_domains"]
