"""What the methods that give pictures back have in common: something went in, something came back, so much is wrong.

Shapes: n images of C channels, H rows and W columns.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from headstart.contracts import Draw
from headstart.methods.method import Method


class Reconstruction(NamedTuple):
    """What a network saw, what it gave back, and how wrong that is."""

    seen: Tensor
    """n×C×H×W in 0…1."""
    given: Tensor
    """n×C×H×W in 0…1."""
    errors: Tensor
    """n: by the method's `measure`, a mean over what it was asked for of each item."""


class Reconstructor(Method):
    """A method that gives pictures back, which `reconstruct` and reports can show."""

    measure: str
    """What `Reconstruction.errors` are, in words."""
    remark: str = ""
    """What is to be known of its pictures, in a sentence."""

    def reconstruct(self, images: Tensor, draw: Draw) -> Reconstruction:
        """What is given back for images in 0…1; `draw` is for methods that hide or disturb something first."""
        raise NotImplementedError
