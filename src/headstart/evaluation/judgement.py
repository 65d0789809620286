"""What every head predicted for every test item, draw and number of labels, and which head was chosen without looking.

In cross-validation the labelled items are the test items, and a draw is fitted anew for every fold it leaves out.
Shapes: T test items, D draws, F fits (one a draw; in cross-validation one a draw and fold), C classes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Self

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from headstart import atomic
from headstart.errors import RunError
from headstart.evaluation.scores import balanced_accuracy, confusion_matrix

LabelCount = int | Literal["all"]
Cell = tuple[LabelCount, str]
"""A number of labels a class, and a head."""

ORDER = ("propagation", "linear", "knn")
"""The head taken where labels are too few to choose one, and the order that breaks ties."""

CHOOSABLE = 3
"""Labels a class from which some can be held out to choose a head by."""

ChosenBy = Literal["cross-validation", "default", "test accuracy"]


def can_choose(k: LabelCount) -> bool:
    """Whether some of k labels a class can be held out to choose a head by."""
    return k == "all" or k >= CHOOSABLE


@dataclass(frozen=True)
class Judgement:
    """One representation, judged; "chosen" can stand for a head's name everywhere."""

    classes: tuple[str, ...]
    labels_per_class: tuple[LabelCount, ...]
    test_labels: Tensor
    """int16 T."""
    predictions: Mapping[Cell, Tensor]
    """int16 D×T."""
    validation: Mapping[Cell, tuple[float | None, ...]]
    """Accuracy on held-out labels of each fit's own; None where labels were too few."""
    settings: Mapping[Cell, tuple[Mapping[str, float | str], ...]]
    """Each fit's settings of the head, to be printed beside its accuracy."""
    top5: Mapping[Cell, Tensor] = field(default_factory=dict)
    """bool D×T: the label is among the five most probable classes; only where there are more than 10 classes."""
    fits: Mapping[LabelCount, Tensor] = field(default_factory=dict)
    """int16 D×T: the fit that each prediction comes from; where there is none, every draw is one fit."""

    def heads(self, k: LabelCount) -> tuple[str, ...]:
        """The heads that were tried at k labels a class."""
        return tuple(head for count, head in self.predictions if count == k)

    def draws(self, k: LabelCount) -> int:
        """Label draws at k labels a class."""
        return len(self.predictions[k, self.heads(k)[0]])

    def fitted(self, k: LabelCount) -> int:
        """Fits at k labels a class."""
        return len(self.validation[k, self.heads(k)[0]])

    def chosen(self, k: LabelCount) -> tuple[str, ...]:
        """The head of each fit: the best on labels held out of its own, or the default where there are too few.

        A route's own classifier has no held-out labels, and its features saw the labels that a head would be chosen
        by. So it is the route's head; where labels are too few for anybody to choose, it competes with the default by
        test accuracy: there the doubt goes to the baseline, and `chosen_by` says so.
        """
        if "own" not in self.heads(k):
            return tuple(self._best_held_out(k, fit) for fit in range(self.fitted(k)))
        better = can_choose(k) or self.accuracy(k, "own") > self.accuracy(k, ORDER[0])
        return ("own" if better else ORDER[0],) * self.fitted(k)

    def chosen_by(self, k: LabelCount) -> ChosenBy:
        """What the choice of `chosen(k)` rests on."""
        if "own" in self.heads(k):
            return "default" if can_choose(k) else "test accuracy"
        return "default" if set(self.validation[k, ORDER[0]]) == {None} else "cross-validation"

    def validated(self, k: LabelCount) -> float | None:
        """The chosen heads' mean accuracy on held-out labels, which routes may be chosen by; None if there is none."""
        scores = [self.validation[k, head][fit] for fit, head in enumerate(self.chosen(k))]
        known = [score for score in scores if score is not None]
        return sum(known) / len(known) if known else None

    def correct(self, k: LabelCount, head: str = "chosen") -> Tensor:
        """bool D×T: where the prediction is right."""
        right = self._right(k)
        return right[head] if head != "chosen" else self._picked(right, self.chosen(k), k)

    def predicted(self, k: LabelCount, head: str = "chosen") -> Tensor:
        """int16 D×T classes."""
        if head != "chosen":
            return self.predictions[k, head]
        return self._picked({name: self.predictions[k, name] for name in self.heads(k)}, self.chosen(k), k)

    def accuracy(self, k: LabelCount, head: str = "chosen") -> float:
        """The mean over draws and test items."""
        return float(self.correct(k, head).double().mean())

    def balanced_accuracy(self, k: LabelCount, head: str = "chosen") -> float:
        """The mean over draws of the mean over classes."""
        rows = self.predicted(k, head)
        return sum(balanced_accuracy(row, self.test_labels, len(self.classes)) for row in rows) / len(rows)

    def top5_accuracy(self, k: LabelCount, head: str = "chosen") -> float | None:
        """The share of labels among the five most probable; None at 10 classes or fewer, and for `own`."""
        hits = {name: self.top5[k, name] for name in self.heads(k) if (k, name) in self.top5}
        chosen = self.chosen(k) if head == "chosen" else (head,) * self.fitted(k)
        if not set(chosen) <= set(hits):
            return None
        return float(self._picked(hits, chosen, k).double().mean())

    def confusion(self, k: LabelCount, head: str = "chosen") -> Tensor:
        """int64 C×C over all draws: row = the label, column = the prediction."""
        rows = self.predicted(k, head)
        return confusion_matrix(rows.flatten(), self.test_labels.repeat(len(rows)), len(self.classes))

    def with_own(self, k: LabelCount, predictions: Tensor) -> Judgement:
        """This judgement with a route's own classifier (int D×T classes) as one more head, "own", at k labels."""
        if predictions.shape != (self.draws(k), len(self.test_labels)):
            raise ValueError(f"own predictions are {tuple(predictions.shape)}: draws × test items is needed")
        return replace(
            self,
            predictions={**self.predictions, (k, "own"): predictions.short()},
            validation={**self.validation, (k, "own"): (None,) * self.fitted(k)},
            settings={**self.settings, (k, "own"): ({},) * self.fitted(k)},
        )

    def save(self, path: Path) -> None:
        """Writes one safetensors file, read without pickle."""
        tensors = {"test_labels": self.test_labels}
        tensors |= {f"predictions/{k}/{head}": values for (k, head), values in self.predictions.items()}
        tensors |= {f"top5/{k}/{head}": values for (k, head), values in self.top5.items()}
        tensors |= {f"fits/{k}": values for k, values in self.fits.items()}
        about = {
            "classes": self.classes,
            "labels_per_class": self.labels_per_class,
            "validation": [[k, head, values] for (k, head), values in self.validation.items()],
            "settings": [[k, head, values] for (k, head), values in self.settings.items()],
        }
        with atomic.aside(path) as draft:
            save_file({name: values.clone() for name, values in tensors.items()}, draft, {"about": json.dumps(about)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Reads what `save` wrote; raises `RunError` for anything else."""
        try:
            with safe_open(path, "pt") as file:
                about = json.loads(file.metadata()["about"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
            return cls._of(about, tensors)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
            raise RunError(f"{path} can't be read as a judgement. Delete it, and the route is judged again.") from error

    @classmethod
    def _of(cls, about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """From the header and the tensors of a file."""
        validation: dict[Cell, tuple[float | None, ...]] = {(k, head): tuple(v) for k, head, v in about["validation"]}
        settings: dict[Cell, tuple[Mapping[str, float | str], ...]] = {
            (k, head): tuple(values) for k, head, values in about["settings"]
        }
        return cls(
            tuple(about["classes"]),
            tuple(about["labels_per_class"]),
            tensors["test_labels"],
            {cell: tensors[f"predictions/{cell[0]}/{cell[1]}"] for cell in validation},
            validation,
            settings,
            {
                cell: tensors[f"top5/{cell[0]}/{cell[1]}"]
                for cell in validation
                if f"top5/{cell[0]}/{cell[1]}" in tensors
            },
            {k: tensors[f"fits/{k}"] for k in about["labels_per_class"] if f"fits/{k}" in tensors},
        )

    def _best_held_out(self, k: LabelCount, fit: int) -> str:
        """The first of the order that is within one standard error of the best (Breiman et al. 1984, section 3.4.3).

        On fifty held-out labels two heads differ by luck; the default stays unless another is better by more than that.
        """
        scores = {head: self.validation[k, head][fit] or 0.0 for head in ORDER}
        best = max(scores.values())
        known = self._known(k, fit)
        error = 0.0 if known is None else _standard_error(best, known)
        return next(head for head in ORDER if scores[head] >= best - error)

    def _known(self, k: LabelCount, fit: int) -> int | None:
        """The labels that a fit knew; None with all of a training part, whose number isn't kept and needn't be."""
        if k != "all":
            return k * len(self.classes)
        if self.fitted(k) == self.draws(k):
            return None
        return len(self.test_labels) - int((self.fits[k] == fit).sum())

    def _right(self, k: LabelCount) -> dict[str, Tensor]:
        return {head: self.predictions[k, head] == self.test_labels for head in self.heads(k)}

    def _picked(self, values: Mapping[str, Tensor], heads: tuple[str, ...], k: LabelCount) -> Tensor:
        """D×T: each prediction from the head of its fit."""
        names = sorted(set(heads))
        fits = self.fits.get(k)
        fit = torch.arange(len(heads))[:, None].expand_as(values[names[0]]) if fits is None else fits.long()
        place = torch.tensor([names.index(head) for head in heads])[fit]
        return torch.stack([values[name] for name in names]).gather(0, place[None])[0]


def _standard_error(accuracy: float, items: int) -> float:
    """Of an accuracy on so many items, near 1 too: with two more right and two more wrong (Agresti and Coull 1998)."""
    adjusted = (accuracy * items + 2) / (items + 4)
    return math.sqrt(adjusted * (1 - adjusted) / (items + 4))
