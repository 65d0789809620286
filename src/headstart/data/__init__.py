"""What there is to learn from: pictures in folders, arrays and memory, with their labels and an honest split."""

from headstart.data.dataset import Dataset, Skipped
from headstart.data.loading import BUNDLED, load

__all__ = ["BUNDLED", "Dataset", "Skipped", "load"]
