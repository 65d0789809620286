"""Encoders of transformers, by their id on Hugging Face or from a folder that `save_pretrained` wrote.

Shapes: n images of C channels, D features.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from torch import Tensor, nn

from headstart.backbones.foreign.hub import hub_file, optional_file
from headstart.backbones.foreign.loaded import Loaded, sha256_of
from headstart.backbones.foreign.reading import read_state
from headstart.backbones.preprocessing import (
    IMAGENET,
    IMAGENET_DEVIATION,
    IMAGENET_MEAN,
    Preprocessing,
    Resampling,
)
from headstart.backbones.timm_networks import COMMAND
from headstart.errors import InputError

Readout = Literal["pooled", "first", "mean"]

FILES = ("model.safetensors", "pytorch_model.bin")

PILLOW_NAMES: Mapping[int, Resampling] = {2: "bilinear", 3: "bicubic"}
"""Pillow's numbers of the two ways to resample, which preprocessor_config.json has."""


class Transformer(nn.Module):
    """A network of transformers that answers with features alone."""

    def __init__(self, model: nn.Module, readout: Readout) -> None:
        super().__init__()
        self.model = model
        self.readout = readout

    def forward(self, images: Tensor) -> Tensor:
        """n×D: the pooled output, the first token, or the mean over all places."""
        output = self.model(pixel_values=images)
        if self.readout == "pooled":
            pooled: Tensor = output.pooler_output
            return pooled.flatten(1)
        hidden: Tensor = output.last_hidden_state
        if self.readout == "first":
            return hidden[:, 0]
        return hidden.flatten(2).mean(dim=2) if hidden.ndim == 4 else hidden.mean(dim=1)


def load_transformer(name: str, *, download: bool) -> Loaded:
    """The image encoder with this id, or in this folder.

    Raises:
        InputError: transformers isn't installed, it is no image encoder, its weights don't fit its configuration, or
            they aren't on this machine and `download` is false.
        RunError: They can't be downloaded.
    """
    folder = hub_file(name, ["config.json"], download=download).parent
    weights = hub_file(name, FILES, download=download)
    read_state(weights)  # refuses a pickle with more than tensors in it, in our words
    model, missing = _loaded(name, folder)
    readout = _readout(model, missing)
    described = optional_file(name, "preprocessor_config.json", download=download)
    side = getattr(model.config, "image_size", None)
    return Loaded(
        network=_network(model, readout),
        name=name,
        preprocessing=_preprocessing(described, side if isinstance(side, int) else 224),
        source=str(Path(name).absolute()) if Path(name).is_dir() else f"Hugging Face, {name}",
        sha256=sha256_of([weights]),
        licence="as its model card says",
        recipe={
            "transformers": {"config": json.loads(model.config.to_json_string(use_diff=False)), "readout": readout}
        },
        assumed=None if described else f"{name} doesn't say how it wants to be shown pictures: as ImageNet's networks.",
    )


def remade(recipe: Mapping[str, Any]) -> nn.Module:
    """The network of a stored encoder, newly initialised."""
    transformers = _transformers("This encoder")
    config = dict(recipe["config"])
    known = transformers.AutoConfig.for_model(config.pop("model_type"), **config)
    return _network(transformers.AutoModel.from_config(known), recipe["readout"])


def _loaded(name: str, folder: Path) -> tuple[Any, set[str]]:
    """The model in a folder, and the names of its tensors that the file has none of."""
    transformers = _transformers(name)
    with _hushed(transformers):
        try:
            model, report = transformers.AutoModel.from_pretrained(
                folder, local_files_only=True, output_loading_info=True
            )
        except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
            reason = " ".join(str(error).split())[:300]
            raise InputError(f"{name} can't be loaded as an encoder of transformers: {reason}") from error
    if getattr(model, "main_input_name", "") != "pixel_values" and not hasattr(model, "vision_model"):
        raise InputError(f"{name} is no encoder of images: it takes {getattr(model, 'main_input_name', 'other data')}.")
    return model, set(report["missing_keys"])


def _network(model: Any, readout: Readout) -> Transformer:
    """The part of a model that sees, without a pooling layer that nothing is read from.

    In float32 whatever its file holds: pictures come so, and training in half precision would lose small steps.
    """
    seeing = getattr(model, "vision_model", model)
    if readout != "pooled" and getattr(seeing, "pooler", None) is not None:
        seeing.pooler = None
    return Transformer(seeing, readout).float()


def _readout(model: Any, missing: set[str]) -> Readout:
    """Where the features stand in the output; a pooling layer that the weights don't hold is not read from.

    Raises `InputError` where other weights are missing too.
    """
    seeing = getattr(model, "vision_model", model)
    unknown = sorted(name for name in missing if ".pooler." not in f".{name}" and _seen(name, model))
    if unknown:
        raise InputError(
            f"The weights of {type(model).__name__} aren't complete: {', '.join(unknown[:3])} "
            f"{'and others are' if len(unknown) > 3 else 'is' if len(unknown) == 1 else 'are'} missing."
        )
    if not missing and getattr(seeing, "pooler", None) is not None:
        return "pooled"
    tokens = ("cls_token", "class_embedding")
    return "first" if any(name.rpartition(".")[2] in tokens for name, _ in seeing.named_parameters()) else "mean"


def _seen(name: str, model: Any) -> bool:
    """Whether a tensor is of the part that sees."""
    return not hasattr(model, "vision_model") or name.startswith("vision_model.")


def _preprocessing(file: Path | None, side: int) -> Preprocessing:
    """What preprocessor_config.json says; ImageNet's usual where there is none."""
    if file is None:
        return IMAGENET.at(side)
    said = json.loads(file.read_text(encoding="utf-8"))
    resized, cropped = _side(said.get("size")), _side(said.get("crop_size"))
    seen = (cropped if said.get("do_center_crop") and cropped else resized) or side
    share = said.get("crop_pct")
    decode = round(seen / share) if share and not cropped else max(seen, resized or seen)
    normalised = said.get("do_normalize", True)
    return Preprocessing(
        side=seen,
        decode=decode,
        resampling=PILLOW_NAMES.get(said.get("resample", 2), "bicubic"),
        mean=tuple(said.get("image_mean") or IMAGENET_MEAN) if normalised else (0.0, 0.0, 0.0),
        deviation=tuple(said.get("image_std") or IMAGENET_DEVIATION) if normalised else (1.0, 1.0, 1.0),
    )


def _side(size: Any) -> int | None:
    """Pixels a side in any of the ways in which such files have it."""
    if isinstance(size, Mapping):
        size = size.get("shortest_edge", size.get("height"))
    return size if isinstance(size, int) else None


def _transformers(name: str) -> Any:
    try:
        import transformers
    except ImportError as error:
        raise InputError(f"{name} needs transformers, which isn't installed: {COMMAND}") from error
    return transformers


@contextmanager
def _hushed(transformers: Any) -> Iterator[None]:
    """Inside, transformers says nothing and draws no bars: what matters is said by us."""
    logging = transformers.utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
