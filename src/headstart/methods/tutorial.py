"""Fine-tuning to the letter of the classic transfer learning tutorial: what newer recipes are to be compared with.

PyTorch's "Finetuning Torchvision Models" and "Transfer Learning for Computer Vision", as courses give them.
"""

from __future__ import annotations

from headstart.backbones import Encoder, RestingDropout
from headstart.contracts import Batch, Draw, Facts, Recipe, Views
from headstart.methods.fine_tuned import FineTuned
from headstart.views import CutOut, Flip, RandomResizedCrop


class Tutorial(FineTuned):
    """Cross entropy from a new head on, whatever learns: in training mode the whole network is in training mode.

    Batch norms of a frozen body take each batch's statistics and go on averaging them, and dropout before a frozen head
    is active. Views are cut from the pictures as they came.

    Args:
        part: What is trained: all, the head alone, or last-N blocks and the head.
    """

    recipe = Recipe(
        optimizer="sgd",
        lr=1e-3,
        momentum=0.9,
        weight_decay=0.0,
        batch_size=4,
        epochs=15,
        warmup_epochs=0,
        schedule="constant",
    )

    def __init__(self, encoder: Encoder, facts: Facts, *, part: str = "all") -> None:
        super().__init__(encoder, facts, part=part, body_rate=1.0, smoothing=0.0, balanced=False, statistics="batch")
        self._still = ()
        self.cut = CutOut(side=encoder.shape[-1], crop=RandomResizedCrop(), flip=Flip())
        for module in encoder.modules():
            if isinstance(module, RestingDropout):
                module.awake = True

    def views(self, batch: Batch, draw: Draw) -> Views:
        """One random box of every picture, and its label."""
        assert batch.labels is not None
        assert self.facts.original is not None
        originals = [self.facts.original(place) for place in batch.index.tolist()]
        return self.cut(originals, draw.named("view0")), batch.labels
