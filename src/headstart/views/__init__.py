"""What a network is shown: random views of whole batches, on the device where the items lie."""

from headstart.views.colour import ColourJitter, Greyscale
from headstart.views.geometry import Affine, Flip, RandomResizedCrop
from headstart.views.mirroring import mirrored
from headstart.views.originals import CutOut
from headstart.views.resting import framed, plain
from headstart.views.sets import VIEW_SETS, ViewSet, check_view_set, default_views, mild_view, view_set
from headstart.views.texture import Blur, Erase, Noise, Normalise, Solarise
from headstart.views.view import View

__all__ = [
    "VIEW_SETS",
    "Affine",
    "Blur",
    "ColourJitter",
    "CutOut",
    "Erase",
    "Flip",
    "Greyscale",
    "Noise",
    "Normalise",
    "RandomResizedCrop",
    "Solarise",
    "View",
    "ViewSet",
    "check_view_set",
    "default_views",
    "framed",
    "mild_view",
    "mirrored",
    "plain",
    "view_set",
]
