"""Routes to a representation, compared on the same data, labels and budget."""

from headstart.comparison.comparing import run_comparison
from headstart.comparison.result import Comparison
from headstart.comparison.settings import CompareSettings

__all__ = ["CompareSettings", "Comparison", "run_comparison"]
