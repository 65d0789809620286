"""Files of weights from elsewhere: taken from torch's cache, and brought there only where that was asked for."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlparse

import torch

from headstart.backbones.foreign.loaded import sha256_of
from headstart.errors import InputError, RunError
from headstart.terminal import note


def cached_file(url: str, *, wanted_by: str, download: bool, size: str = "") -> tuple[Path, str]:
    """Where the file of a URL lies in torch's cache, and its sha256, checked against the digits in its name.

    Args:
        wanted_by: Whose weights they are, for the messages.
        size: Of the file, where it is known, for the same.

    Raises:
        InputError: It isn't there and `download` is false, or it is damaged.
        RunError: It can't be had.
    """
    name = Path(urlparse(url).path).name
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    expected = re.search(r"-([0-9a-f]{8,})\.", name)
    if not path.is_file():
        if not download:
            raise InputError(
                f"The weights of {wanted_by} aren't on this machine: --download brings them{size and f' ({size})'} "
                f"from {url},\nor put that file here: {path}"
            )
        note(f"Downloading the weights of {wanted_by}{size and f' ({size})'} from {url} to {path}.")
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(path), expected and expected[1], progress=False)
        except (URLError, OSError, RuntimeError) as error:
            raise RunError(f"{url} can't be downloaded ({error}): put that file here: {path}") from error
    digest = sha256_of([path])
    if expected is not None and not digest.startswith(expected[1]):
        raise InputError(f"{path} is damaged: its sha256 is {digest}, not {expected[1]}…. Delete it, then --download.")
    return path, digest
