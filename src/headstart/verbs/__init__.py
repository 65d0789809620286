"""What the command line and Python users call: one verb a file, thin and typed. Nothing here imports torch."""

from __future__ import annotations

VERBS = {
    "look": ("headstart.verbs.look", "look"),
    "compare": ("headstart.verbs.compare", "compare"),
    "pretrain": ("headstart.verbs.pretrain", "pretrain"),
    "finetune": ("headstart.verbs.finetune", "finetune"),
    "adapt": ("headstart.verbs.adapt", "adapt"),
    "evaluate": ("headstart.verbs.evaluate", "evaluate"),
    "embed": ("headstart.verbs.embed", "embed"),
    "reconstruct": ("headstart.verbs.reconstruct", "reconstruct"),
    "map": ("headstart.verbs.map", "map"),
    "suggest": ("headstart.verbs.suggest", "suggest"),
    "predict": ("headstart.verbs.predict", "predict"),
    "diagnose": ("headstart.verbs.diagnose", "diagnose"),
    "methods": ("headstart.verbs.lists", "list_methods"),
    "backbones": ("headstart.verbs.lists", "list_backbones"),
    "data": ("headstart.verbs.lists", "list_data"),
}
"""Command → module and function, in the order a newcomer meets them."""
