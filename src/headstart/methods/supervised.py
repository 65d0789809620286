"""Plain supervision: learn the labels by cross entropy, on augmented views.

Shapes: n items in this process, D features, C classes.
"""

from __future__ import annotations

from typing import Annotated

from torch import Tensor, nn
from torch.nn import functional as F

from headstart.backbones import Encoder
from headstart.contracts import Batch, Draw, Facts, Losses, Progress, Recipe, Views
from headstart.methods.labelled import require_labels
from headstart.methods.method import Method
from headstart.settings import Range
from headstart.views import view_set


class Supervised(Method):
    """Cross entropy on the labels, seen through the first view of the set: the baseline and the ceiling.

    Args:
        smoothing: Share of the target spread evenly over all classes.
    """

    recipe = Recipe(optimizer="adamw", lr=2e-3, weight_decay=5e-2, batch_size=128, epochs=60, warmup_epochs=5)
    uses_labels = True

    def __init__(
        self, encoder: Encoder, facts: Facts, *, smoothing: Annotated[float, Range(least=0, below=1)] = 0.0
    ) -> None:
        super().__init__(encoder, facts)
        require_labels(facts, "supervised")
        self.classifier = nn.Linear(encoder.width, len(facts.classes))
        self.smoothing = smoothing
        self.show = view_set(facts.views, facts.shape)

    def views(self, batch: Batch, draw: Draw) -> Views:
        """One random view of every item, and its label."""
        assert batch.labels is not None
        return self.show.first(batch.items, draw), batch.labels

    def loss(self, views: Views, progress: Progress) -> Losses:
        """Cross entropy; the accuracy on the views is logged beside it."""
        images, labels = views
        logits: Tensor = self.classifier(self.encoder(images))  # [n, C]
        accuracy = (logits.argmax(dim=1) == labels).float().mean()
        return {"loss": F.cross_entropy(logits, labels, label_smoothing=self.smoothing), "accuracy": accuracy}
