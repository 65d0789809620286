"""What a report shows, as plain values: the rooms that know fill it, the pages that draw read it.

Shapes: N thumbnails of H×W×C, T test items on the maps, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Row = Mapping[str, Any]
"""A row of leaderboard.json, of its `paired`, or of metrics.jsonl."""


@dataclass(frozen=True)
class PointMap:
    """A route's test items in two dimensions."""

    points: np.ndarray
    """float T×2."""
    labels: np.ndarray
    """int T: places in the classes, -1 where there is no label."""
    ids: Sequence[str]


@dataclass(frozen=True)
class Neighbours:
    """Some test items and the training items nearest to each: pictures uint8 H×W×C with their class names."""

    queries: Sequence[tuple[np.ndarray, str]]
    found: Sequence[Sequence[tuple[np.ndarray, str]]]


@dataclass(frozen=True)
class ShownViews:
    """What a method was shown of some items."""

    summary: str
    items: Sequence[tuple[str, np.ndarray, Sequence[np.ndarray]]]
    """(class name, the picture, its views), uint8 H×W×C each."""


@dataclass(frozen=True)
class Confusion:
    """Which classes a route confuses, at one number of labels."""

    labels_per_class: int | str
    matrix: np.ndarray
    """int C×C over all draws: a row a true class, a column a predicted one."""


@dataclass(frozen=True)
class GivenBack:
    """An item and what a network gave back for it: uint8 H×W×C."""

    title: str
    original: np.ndarray
    seen: np.ndarray | None
    """None where the network saw the item as it is."""
    given: np.ndarray
    error: float


@dataclass(frozen=True)
class Reconstructions:
    """What a network gave back."""

    items: int
    error: float
    """The mean over all items."""
    measure: str
    """What the errors are, in words."""
    groups: Mapping[str, Sequence[GivenBack]]
    """By heading: the items to look at."""
    remark: str = ""
    """What is to be known of the pictures."""
    between: Sequence[np.ndarray] = ()
    """Pictures on the way from one item to another."""


@dataclass(frozen=True)
class Filters:
    """What the first layer of a network looks for."""

    pictures: Sequence[np.ndarray]
    """uint8 h×w×C each, the first ones: 0 is middle grey, and the largest weight of each lies at an end."""
    total: int
    """As many filters as there are."""
    size: tuple[int, int]
    """Rows and columns of a filter; large ones are drawn smaller."""


@dataclass(frozen=True)
class ComparisonPage:
    """A comparison's report. All parts but the first five may be empty."""

    title: str
    advice: str
    """The verdict in plain words."""
    data: Mapping[str, Any]
    """Name, items, shape, classes with counts, train, test, … as in leaderboard.json."""
    rows: Sequence[Row]
    paired: Sequence[Row]
    best: Row | None = None
    classes: Sequence[str] = ()
    commands: Sequence[tuple[str, str]] = ()
    """(what it is for, the command line): how to go on."""
    curves: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    """By route: the rows of metrics.jsonl of its first run."""
    health: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By route: rank_me, alignment, uniformity, collapsed."""
    maps: Mapping[str, PointMap] = field(default_factory=dict)
    neighbours: Mapping[str, Neighbours] = field(default_factory=dict)
    views: Mapping[str, ShownViews] = field(default_factory=dict)
    given_back: Mapping[str, Reconstructions] = field(default_factory=dict)
    filters: Mapping[str, Filters] = field(default_factory=dict)
    confusion: Mapping[str, Confusion] = field(default_factory=dict)
    to_label: Sequence[tuple[str, np.ndarray]] = ()
    """(id, picture) of the items to label next."""
    labelling: Sequence[str] = ()
    """The commands that make a sheet to label them on."""
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By heading (the comparison, each route): every setting."""
    judging: Sequence[str] = ()
    """Sentences on how the figures came about: split, draws, seeds, heads, intervals, correction."""
    notes: Sequence[str] = ()
    """What was said about the data and the routes."""
    skipped: Sequence[tuple[str, str]] = ()
    """(file, reason)."""
    duplicates: Sequence[Sequence[str]] = ()
    """Groups of equal items that lie on both sides of the split."""
    near_duplicates: Sequence[Sequence[str]] = ()
    """Groups of nearly equal items, wherever they lie."""
    environment: Mapping[str, Any] = field(default_factory=dict)
    """Versions, device, threads."""


@dataclass(frozen=True)
class LookPage:
    """What is in a data set, before any training."""

    title: str
    data: Mapping[str, Any]
    """Name, items, shape."""
    classes: Mapping[str, int]
    """Items of each class."""
    splits: Mapping[str, int]
    items: Sequence[tuple[str, np.ndarray]] = ()
    """(class name, picture) of the grid."""
    views: ShownViews | None = None
    duplicates: Sequence[Sequence[str]] = ()
    near_duplicates: Sequence[Sequence[tuple[str, np.ndarray]]] = ()
    """(id, picture) of each group of nearly equal items, the first groups only."""
    near_groups: int = 0
    """How many such groups there are in all."""
    skipped: Sequence[tuple[str, str]] = ()
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class TuningPage:
    """What fine-tuning came to."""

    title: str
    summary: Sequence[str]
    """What came out, a sentence each."""
    classes: Sequence[str]
    history: Sequence[Row] = ()
    """The rows of metrics.jsonl; empty where the head is all that was learned."""
    confusion: np.ndarray | None = None
    """int C×C on the test part."""
    few_label: Sequence[Row] = ()
    """labels_per_class, accuracy, interval and draws, from few labels to all."""
    no_few_label: str = ""
    """Why there are none."""
    to_learn: Mapping[str, int] = field(default_factory=dict)
    """The parameters that were trained, and how many numbers each holds."""
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReconstructionPage:
    """What the network of a run gives back."""

    title: str
    shown: Reconstructions
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class SheetItem:
    """An item to be labelled by hand."""

    id: str
    path: str
    """Empty where it is not a file."""
    why: str
    picture: np.ndarray | None
    """uint8 H×W×C; None where it can't be drawn."""


@dataclass(frozen=True)
class SheetPage:
    """Items to be labelled in a browser."""

    title: str
    items: Sequence[SheetItem]
    classes: Sequence[str]
    known: Sequence[tuple[str, str, str]] = ()
    """(id, path, label) of what has a label already: the saved file holds these rows too, so nothing gets lost."""


@dataclass(frozen=True)
class DrawnMap:
    """One way of drawing items in two dimensions."""

    title: str
    places: np.ndarray
    """float N×2."""
    seconds: float
    trustworthiness: float
    continuity: float
    kept: float
    """The share of nearest neighbours that stay so."""
    landmarks: int | None = None
    """Items it was fitted on, where these are not all."""


@dataclass(frozen=True)
class MapPage:
    """The same items on several maps."""

    title: str
    maps: Sequence[DrawnMap]
    ids: Sequence[str]
    labels: np.ndarray
    """int N: places in the classes, -1 where there is no label."""
    classes: Sequence[str]
    neighbours: int
    asked: int
    """Items that the figures are means over."""
    added: np.ndarray | None = None
    """bool N: the items that were placed into maps of the others; None where the maps are of all."""
    pictures: Mapping[int, np.ndarray] = field(default_factory=dict)
    """By place: uint8 H×W×C of the items that are shown when a pointer comes near."""
    notes: Sequence[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
