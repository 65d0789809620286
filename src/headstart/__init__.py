"""headstart: learn from what nobody has labelled, transfer it with the few labels you have, know which way was best.

Everything public is importable from here and loaded on first use, so that `import headstart` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headstart.comparison import Comparison as Comparison
    from headstart.data import Dataset as Dataset
    from headstart.data import load as load
    from headstart.errors import HeadstartError as HeadstartError
    from headstart.errors import InputError as InputError
    from headstart.errors import RunError as RunError
    from headstart.verbs.adapt import adapt as adapt
    from headstart.verbs.compare import compare as compare
    from headstart.verbs.diagnose import diagnose as diagnose
    from headstart.verbs.embed import embed as embed
    from headstart.verbs.evaluate import evaluate as evaluate
    from headstart.verbs.finetune import finetune as finetune
    from headstart.verbs.lists import list_backbones as list_backbones
    from headstart.verbs.lists import list_data as list_data
    from headstart.verbs.lists import list_methods as list_methods
    from headstart.verbs.look import look as look
    from headstart.verbs.map import map as map
    from headstart.verbs.predict import predict as predict
    from headstart.verbs.pretrain import pretrain as pretrain
    from headstart.verbs.reconstruct import reconstruct as reconstruct
    from headstart.verbs.suggest import suggest as suggest

__version__ = "0.1.0"

_HOMES = {
    "Comparison": "headstart.comparison",
    "Dataset": "headstart.data",
    "HeadstartError": "headstart.errors",
    "InputError": "headstart.errors",
    "RunError": "headstart.errors",
    "adapt": "headstart.verbs.adapt",
    "compare": "headstart.verbs.compare",
    "diagnose": "headstart.verbs.diagnose",
    "embed": "headstart.verbs.embed",
    "evaluate": "headstart.verbs.evaluate",
    "finetune": "headstart.verbs.finetune",
    "list_backbones": "headstart.verbs.lists",
    "list_data": "headstart.verbs.lists",
    "list_methods": "headstart.verbs.lists",
    "load": "headstart.data",
    "look": "headstart.verbs.look",
    "map": "headstart.verbs.map",
    "predict": "headstart.verbs.predict",
    "pretrain": "headstart.verbs.pretrain",
    "reconstruct": "headstart.verbs.reconstruct",
    "suggest": "headstart.verbs.suggest",
}

__all__ = sorted([*_HOMES, "__version__"])


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'headstart' has no attribute '{name}'")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
