"""`headstart predict`: classes for new items."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Unpack

from headstart.terminal import note
from headstart.verbs.common import Part, Reading, Source, check_writable, default_out, read_for
from headstart.verbs.embed import Written


def predict(
    run: str | Path,
    data: Source,
    *,
    out: Path | None = None,
    split: Part = "all",
    device: str = "auto",
    **reading: Unpack[Reading],
) -> Written:
    """Write the most probable class of every item, with its probability, to a CSV file: id, path, label, probability.

    Example: headstart predict runs/photos-compare/best new/ -o answers.csv

    Args:
        run: The best/ folder of a comparison, or the run folder of a method that has a classifier.
        data: The items.
        out: The file; default runs/<data>-predict.csv.
        split: Which part of the data.
        device: auto, cpu, cuda, cuda:N or mps.
    """
    from headstart import atomic
    from headstart.training.machine import choose_device
    from headstart.transfer import load_predictor, overlapping

    target = check_writable(out) if out is not None else None
    predictor = load_predictor(run)
    loaded = read_for(predictor.encoder, data, **reading)
    index = loaded.part(split)
    seen = int(overlapping(predictor.description, loaded, index).sum())
    if seen:
        note(f"{seen} of the {len(index)} items are among those the encoder learned from.")
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
    return Written(str(target), len(index))
