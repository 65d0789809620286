"""What the methods share that learn a source's labels and bring a target nearer at the same time.

Shapes: n items of each domain in this process, D features, C classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from headstart.backbones import Encoder, norms_of
from headstart.contracts import Batch, Draw, Facts, Losses, Progress, Recipe, Views
from headstart.methods.labelled import require_labels
from headstart.methods.method import Method
from headstart.views import view_set

RECIPE = Recipe(optimizer="adamw", lr=2e-3, weight_decay=5e-2, batch_size=128, epochs=20, warmup_epochs=2)
"""Of all methods of the family, so that what differs between two of them is the method."""


@dataclass(frozen=True)
class Domain:
    """What the network makes of one domain's items."""

    features: Tensor
    """n×D."""
    logits: Tensor
    """n×C."""


class Adapter(Method):
    """Cross entropy on the source, and a subclass's `transfer` of both domains.

    Batch norm normalises each domain by its own batch; the statistics that are kept are the target's.
    """

    streams = ("source", "target")
    recipe = RECIPE
    uses_labels = True

    def __init__(self, encoder: Encoder, facts: Facts) -> None:
        super().__init__(encoder, facts)
        require_labels(facts, "the source")
        self.classifier = nn.Linear(encoder.width, len(facts.classes))
        self.show = view_set(facts.views, facts.shape)

    def views(self, batch: Mapping[str, Batch], draw: Draw) -> Views:
        """One random view of every item of either domain, and the source's labels."""
        source, target = batch["source"], batch["target"]
        assert source.labels is not None
        shown = self.show.first(source.items, draw.named("source"))
        return shown, self.show.first(target.items, draw.named("target")), source.labels

    def loss(self, views: Views, progress: Progress) -> Losses:
        """The source's cross entropy and the transfer term; both are logged, with the accuracy on the source."""
        images, others, labels = views
        with without_statistics(self.encoder):
            source = self._seen(images)
        target = self._seen(others)
        classification = F.cross_entropy(source.logits, labels)
        transfer = self.transfer(source, target, progress)
        accuracy = (source.logits.argmax(dim=1) == labels).float().mean()
        return {
            "loss": classification + transfer,
            "classification": classification,
            "transfer": transfer,
            "accuracy": accuracy,
        }

    def transfer(self, source: Domain, target: Domain, progress: Progress) -> Tensor:
        """What is minimised beside the source's cross entropy."""
        raise NotImplementedError

    def _seen(self, images: Tensor) -> Domain:
        features = self.encoder(images)
        return Domain(features, self.classifier(features))


@contextmanager
def without_statistics(module: nn.Module) -> Iterator[None]:
    """Inside, batch norms normalise by the batch at hand, and their running statistics stay as they are."""
    norms = norms_of(module)
    shares = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, share in zip(norms, shares, strict=True):
            norm.momentum = share


def critic(width: int, hidden: int) -> nn.Sequential:
    """n×width → n×1: the logit of "this is source"."""
    return nn.Sequential(
        nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), nn.Linear(hidden, 1)
    )
