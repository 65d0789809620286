"""Pages and pictures: what a comparison found and what a data set holds, as one HTML file each.

The rooms that know fill plain values (`content`); the pages that draw read nothing else.
"""

from headstart.report.comparison_page import write_comparison
from headstart.report.content import (
    ComparisonPage,
    Confusion,
    DrawnMap,
    Filters,
    GivenBack,
    LookPage,
    MapPage,
    Neighbours,
    PointMap,
    ReconstructionPage,
    Reconstructions,
    SheetItem,
    SheetPage,
    ShownViews,
    TuningPage,
)
from headstart.report.grid import item_grid_png
from headstart.report.look_page import write_look
from headstart.report.map_figure import write_map_png, write_map_svg
from headstart.report.map_page import TILE, write_maps
from headstart.report.mapping import two_dimensional_map
from headstart.report.pictures import filter_pictures, picture, pictures, reconstructions, shown_views
from headstart.report.reconstruction_page import write_reconstruction
from headstart.report.sheet import write_sheet
from headstart.report.tuning_page import write_tuning

__all__ = [
    "TILE",
    "ComparisonPage",
    "Confusion",
    "DrawnMap",
    "Filters",
    "GivenBack",
    "LookPage",
    "MapPage",
    "Neighbours",
    "PointMap",
    "ReconstructionPage",
    "Reconstructions",
    "SheetItem",
    "SheetPage",
    "ShownViews",
    "TuningPage",
    "filter_pictures",
    "item_grid_png",
    "picture",
    "pictures",
    "reconstructions",
    "shown_views",
    "two_dimensional_map",
    "write_comparison",
    "write_look",
    "write_map_png",
    "write_map_svg",
    "write_maps",
    "write_reconstruction",
    "write_sheet",
    "write_tuning",
]
