"""The exam that a data set allows: its test part held out, or cross-validation where that has no labels."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from headstart.data import Dataset
from headstart.evaluation.exam import Exam, cross_validated, fewest_known, held_out
from headstart.evaluation.judgement import LabelCount


def asked_items(data: Dataset) -> Tensor:
    """int64 T: places of the items that representations are judged on; where nothing has a label, the test part."""
    places = data.indices("train" if data.cross_validated else "test")
    labelled = places[data.labels[places] >= 0]
    return labelled if len(labelled) else places


def exam_of(data: Dataset, labels_per_class: Sequence[LabelCount], *, draws: int, split_seed: int) -> Exam:
    """The exam on `asked_items`, for a bank of the train part; in cross-validation every draw is a repeat of it.

    Raises `InputError` where a class has too few labels.
    """
    train = data.indices("train")
    labels = data.labels[train]
    if data.cross_validated:
        return cross_validated(
            labels,
            data.classes,
            labels_per_class=labels_per_class,
            repeats=draws,
            split_seed=split_seed,
            groups=data.groups()[train],
        )
    return held_out(
        labels,
        data.labels[asked_items(data)],
        data.classes,
        labels_per_class=labels_per_class,
        draws=draws,
        split_seed=split_seed,
    )


def most_labels(data: Dataset, *, draws: int, split_seed: int) -> dict[str, int]:
    """By class: as many labels as every draw can be lent; 0 where cross-validation has none left to lend."""
    train = data.indices("train")
    if data.cross_validated:
        known = fewest_known(
            data.labels[train],
            data.classes,
            repeats=draws,
            split_seed=split_seed,
            groups=data.groups()[train],
        )
    else:
        known = list(data.counts(train))
    return dict(zip(data.classes, known, strict=True))


def lowered(labels_per_class: Sequence[LabelCount], most: int) -> list[LabelCount]:
    """Numbers of labels a class with `most` in the place of larger ones, ascending and each once."""
    numbers = sorted({min(k, most) for k in labels_per_class if k != "all"})
    return [*numbers, "all"] if "all" in labels_per_class else [*numbers]
