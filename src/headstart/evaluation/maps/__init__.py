"""Maps: features in two dimensions, each way of drawing them in a file of its own, and how faithful it is.

Shapes: N items of D features, T new ones.
"""

from headstart.evaluation.maps.drawing import (
    LANDMARKS,
    MAPS,
    Drawn,
    MapMethod,
    draw_map,
    expected_seconds,
    fit_map,
    landmarks_of,
    usual_maps,
)
from headstart.evaluation.maps.faithfulness import Faithfulness, asked_about, faithfulness, judging_seconds
from headstart.evaluation.maps.fitted import Fitted

__all__ = [
    "LANDMARKS",
    "MAPS",
    "Drawn",
    "Faithfulness",
    "Fitted",
    "MapMethod",
    "asked_about",
    "draw_map",
    "expected_seconds",
    "faithfulness",
    "fit_map",
    "judging_seconds",
    "landmarks_of",
    "usual_maps",
]
