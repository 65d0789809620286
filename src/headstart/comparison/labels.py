"""Which numbers of labels a comparison can judge at."""

from __future__ import annotations

from headstart.comparison.routes import AllOrNumber
from headstart.comparison.settings import CompareSettings
from headstart.data import Dataset
from headstart.errors import InputError
from headstart.terminal import note


def usable_labels(data: Dataset, settings: CompareSettings) -> list[AllOrNumber]:
    """The numbers of labels a class that the training part can lend; empty where nothing has a label.

    A default that is larger than the smallest class is dropped with a note; one that was asked for is not.

    Raises:
        InputError: One class only, no labelled test item, or more labels asked for than a class has.
    """
    if not bool((data.labels >= 0).any()):
        note(f"{data.name} has no labels: the routes are trained and shown, and nothing is judged.")
        return []
    data.require_classes()
    test = data.indices("test")
    if not bool((data.labels[test] >= 0).any()):
        raise InputError(f"{data.name}: no item of the test part has a label, so nothing can be judged.")
    counts = dict(zip(data.classes, data.counts(data.indices("train")), strict=True))
    rarest = min(counts, key=lambda name: counts[name])
    if counts[rarest] == 0:
        raise InputError(f"{data.name}: class '{rarest}' has no labelled training item: label some, or leave it out.")
    too_large = [k for k in settings.labels if k != "all" and k > counts[rarest]]
    if too_large and settings.labels_per_class is not None:
        raise InputError(
            f"--labels-per-class {too_large[-1]}: class '{rarest}' has only {counts[rarest]} labelled training items.\n"
            f"Ask for at most {counts[rarest]}, or label more of it."
        )
    if too_large:
        dropped = ", ".join(map(str, too_large))
        note(f"Class '{rarest}' has only {counts[rarest]} labelled training items: {dropped} labels a class left out.")
    return [k for k in settings.labels if k not in too_large]
