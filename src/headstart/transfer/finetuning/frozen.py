"""A frozen body: each item passes it once, and the head is solved on its features; or some views of it do too.

Shapes: n labelled items, K random views of each, D features, C classes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from headstart.backbones import Encoder
from headstart.contracts import Draw, Part
from headstart.data import Dataset
from headstart.evaluation import (
    HEADS,
    Bank,
    FittedHead,
    Labelled,
    classifier_head,
    decoded_for,
    features_of,
    features_of_views,
    fit_temperature,
)
from headstart.terminal import note
from headstart.training import RunFolder, data_facts, load_encoder, save_encoder, save_weights
from headstart.training.encoders import CLASSIFIER
from headstart.transfer.finetuning.few_labels import LabelCurve, label_curve, why_missing
from headstart.transfer.views import mild_views
from headstart.views import view_set


@dataclass(frozen=True)
class CachedViews:
    """Random views of each item that pass a frozen body once, beside the item as it is."""

    count: int
    """K, for every item."""
    views: str | None = None
    """None: moves, crops and flips only."""
    seed: int = 0

    def features(self, encoder: Encoder, data: Dataset, index: Tensor, device: str) -> Tensor:
        """Kn×D, all items once, then all once more."""
        shown = decoded_for(encoder, data)
        views = view_set(self.views or mild_views(data.shape), shown.shape)

        def once(number: int) -> Tensor:
            def look(items: Tensor, part: Part) -> list[Tensor]:
                return [views.first(items, Draw(self.seed, number, part))]

            return features_of_views(encoder, shown, index, look, device=device)[0]

        return torch.cat([once(number) for number in range(self.count)])


@dataclass(frozen=True)
class Solved:
    """An encoder as it came, and the head that was solved on its features."""

    run: Path
    encoder: Encoder
    head: FittedHead
    temperature: float | None
    """None where no labels could be held out to find one by."""
    curve: LabelCurve
    """What heads like it reach with fewer labels."""
    asked: Tensor | None = None
    """float32 T×D features of the items that it is judged on; None where it was solved before."""


def solve_head(
    encoder: Encoder,
    data: Dataset,
    learned: Tensor,
    tested: Tensor,
    folder: Path,
    *,
    settings: Mapping[str, Any],
    facts: Mapping[str, Any],
    split_seed: int,
    device: str,
    cached: CachedViews | None = None,
    explicit: bool = True,
    restart: bool = False,
    command: str | None = None,
) -> Solved:
    """Solves a logistic head on the labels of the items `learned`, or reads what an earlier start has solved.

    Args:
        tested: Items that the curve over numbers of labels is judged on.
        settings: What the run folder is recognised by.
        facts: For encoder.json, beside the data.
        cached: Views that are learned from too; all of an item's are held out together.

    Raises as `RunFolder.claim`.
    """
    labels = data.labels[learned]
    with RunFolder.claim(folder, settings, explicit=explicit, restart=restart) as claimed:
        if claimed.state == "done":
            note(f"{claimed.path} is done already: nothing to solve.")
            kept, description = load_encoder(claimed.path)
            rows = claimed.record["result"].get("few_label", [])
            curve = LabelCurve(rows, why_missing(labels, len(tested), data.classes))
            return Solved(claimed.path, kept, classifier_head(claimed.path), description.get("temperature"), curve)
        with claimed.running():
            claimed.update(command=command)
            plain, asked = (features_of(encoder, data, index, device=device) for index in (learned, tested))
            rows, draw = plain, Labelled.of(torch.arange(len(learned)), labels, split_seed)
            if cached is not None:
                rows = torch.cat([plain, cached.features(encoder, data, learned, device)])
                draw = _repeated(draw, 1 + cached.count)
            trial = HEADS["linear"].fit_draws(Bank(rows), [draw], len(data.classes))[0]
            temperature = None if trial.held_out is None else fit_temperature(trial.held_out)
            about = {"data": data_facts(data, learned), "temperature": temperature}
            save_encoder(claimed.path, encoder, {**facts, **about})
            save_weights(as_layer(trial.fitted), claimed.path / CLASSIFIER)
            answers = data.labels[tested]
            curve = label_curve(plain, labels, asked, answers, data.classes, trial.fitted, split_seed=split_seed)
            found = {"items": len(learned), **trial.fitted.settings, "few_label": curve.rows}
            claimed.finish(result=found)
    return Solved(claimed.path, encoder, trial.fitted, temperature, curve, asked)


def _repeated(draw: Labelled, times: int) -> Labelled:
    """The draw over a bank that has all its rows so many times."""
    folds = None if draw.folds is None else draw.folds.repeat(times)
    return Labelled(torch.arange(times * len(draw.index)), draw.labels.repeat(times), folds)


def as_layer(head: FittedHead) -> nn.Linear:
    """A linear head as the layer that a network ends in."""
    state = head.state()
    classes, width = state["weight"].shape
    layer = nn.Linear(width, classes)
    layer.load_state_dict({"weight": state["weight"], "bias": state["bias"]})
    return layer
