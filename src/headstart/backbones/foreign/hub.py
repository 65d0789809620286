"""Files of Hugging Face's repositories: from its cache, and brought there only where that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from headstart.backbones.timm_networks import COMMAND
from headstart.errors import InputError, RunError


def hub_file(repository: str, names: Sequence[str], *, download: bool) -> Path:
    """The first of some files that a repository, or a folder laid out like one, has.

    Raises:
        InputError: None is on this machine and `download` is false, or huggingface_hub isn't installed.
        RunError: None can be had.
    """
    for name in names:
        found = optional_file(repository, name, download=download)
        if found is not None:
            return found
    if Path(repository).is_dir():
        raise InputError(f"{repository} has no weights: {' or '.join(names)} is missing.")
    if download:
        raise RunError(f"{repository} has none of {', '.join(names)} on Hugging Face, or it can't be reached.")
    raise InputError(
        f"The weights of {repository} aren't on this machine: --download brings them from Hugging Face,\n"
        f"or put {names[0]} with the other files of {repository} into a folder and name that."
    )


def optional_file(repository: str, name: str, *, download: bool) -> Path | None:
    """One file of a repository or folder; None where it has none of this name, or none is on this machine."""
    if Path(repository).is_dir():
        path = Path(repository) / name
        return path if path.is_file() else None
    try:
        from huggingface_hub import hf_hub_download, try_to_load_from_cache
    except ImportError as error:
        raise InputError(f"{repository} lies on Hugging Face, whose package isn't installed: {COMMAND}") from error
    if not download:
        cached = try_to_load_from_cache(repository, name)
        return Path(cached) if isinstance(cached, str) else None
    try:
        return Path(hf_hub_download(repository, name))
    except (OSError, ValueError):  # no such file or repository, or no network: the caller knows what is missing
        return None
