"""AdaBN: the network learned on the source, with the batch-norm statistics of the target.

Li et al. 2016, arXiv 1603.04779, algorithm 1.
"""

from __future__ import annotations

from torch import Tensor, nn

from headstart.backbones import Encoder, norms_of
from headstart.contracts import Batch, Draw, Facts, Losses, Progress, Recipe, Views
from headstart.errors import InputError
from headstart.losses import entropy
from headstart.methods.method import Method
from headstart.views import plain


class AdaBN(Method):
    """No weight changes: batch norm forgets the source's statistics and gathers the target's, in one pass over it.

    It starts from a network that `source_only` trained. Each batch norm keeps the mean of its batches' statistics, all
    batches counting alike; the target's pictures are shown as they are.
    """

    streams = ("target",)
    recipe = Recipe(batch_size=128, epochs=1)
    compares_items = True

    def __init__(self, encoder: Encoder, facts: Facts) -> None:
        super().__init__(encoder, facts)
        self.classifier = nn.Linear(encoder.width, len(facts.classes))
        norms = norms_of(encoder)
        if not norms:
            raise InputError(f"adabn adapts batch norm, and {encoder.name} has none: choose another --backbone.")
        for norm in norms:
            norm.momentum = None  # the mean over all batches, instead of one that forgets the first
        self.requires_grad_(False)

    def views(self, batch: Batch, draw: Draw) -> Views:
        """The target's pictures without chance."""
        return (plain(batch.items, self.encoder.shape),)

    def loss(self, views: Views, progress: Progress) -> Losses:
        """The mean entropy of the answers, to be looked at: nothing is minimised."""
        if progress.step == 0:
            self._forget()
        logits: Tensor = self.classifier(self.encoder(views[0]))
        return {"loss": entropy(logits.float().softmax(dim=1)).mean()}

    def _forget(self) -> None:
        """Drops the source's statistics, before the first batch."""
        for norm in norms_of(self.encoder):
            norm.reset_running_stats()
