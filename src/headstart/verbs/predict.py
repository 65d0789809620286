"""`headstart predict`: classes for new items."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Unpack

from headstart.settings import Range
from headstart.terminal import note
from headstart.verbs.common import Part, Reading, Source, check_writable, default_out, listed, note_seen, read_for


@dataclass(frozen=True)
class Predicted:
    """A file with one answer an item."""

    file: str
    """CSV: id, path, label, probability."""
    items: int
    calibrated: bool
    """Whether the probabilities were brought to what held-out labels say."""
    to_label: list[str]
    """The least sure items without a label, the least sure first: absolute paths, or ids where they are not files."""

    def __str__(self) -> str:
        lines = [f"{self.items} items written to {self.file}"]
        if self.to_label:
            lines.append(f"The least sure, to label next: {listed(self.to_label)}")
        return "\n".join(lines)


def predict(
    run: str | Path,
    data: Source,
    *,
    out: Path | None = None,
    split: Part = "all",
    least: Annotated[int, Range(least=0)] = 20,
    device: str = "auto",
    **reading: Unpack[Reading],
) -> Predicted:
    """Write the most probable class of every item, with its probability, to a CSV file: id, path, label, probability.

    Probabilities are calibrated on labels that were held out, where there were enough. The least sure items are named
    as the next to label.

    Example: headstart predict runs/photos-compare/best new/ -o answers.csv

    Args:
        run: The best/ folder of a comparison, or the run folder of a method that has a classifier.
        data: The items.
        out: The file; default runs/<data>-predict.csv.
        split: Which part of the data.
        least: How many of the least sure items without a label to name.
        device: auto, cpu, cuda, cuda:N or mps.
    """
    from headstart import atomic
    from headstart.training.machine import choose_device
    from headstart.transfer import load_predictor

    target = check_writable(out) if out is not None else None
    predictor = load_predictor(run)
    loaded = read_for(predictor.encoder, data, **reading)
    index = loaded.part(split)
    note_seen(predictor.description, loaded, index)
    if predictor.temperature is None:
        note("The probabilities are not calibrated: there were no labels to hold out, or the network has its own head.")
    answers = predictor.answer(loaded, index, device=str(choose_device(device)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["id", "path", "label", "probability"])
    for place, label, probability in zip(
        index.tolist(), answers.labels.tolist(), answers.probabilities.tolist(), strict=True
    ):
        path = loaded.files[place].place if loaded.files else ""
        writer.writerow([loaded.ids[place], path, predictor.classes[label], f"{probability:.4f}"])
    target = target or check_writable(default_out(loaded, "predict").with_suffix(".csv"))
    atomic.write_text(target, text.getvalue())
    unsure = index[answers.least_sure(least, among=loaded.labels[index] < 0)].tolist()
    where = loaded.files and [file.place for file in loaded.files]
    to_label = [where[place] if where else loaded.ids[place] for place in unsure]
    return Predicted(str(target), len(index), predictor.temperature is not None, to_label)
