"""Fine-tuning: an encoder that knows something already learns the labels at hand, in small steps.

Shapes: n items in this process, D features, C classes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headstart.backbones import Encoder, adapt, merge, norms_of
from headstart.contracts import Batch, Draw, Facts, Losses, Progress, Recipe, Views
from headstart.errors import InputError
from headstart.methods.labelled import require_labels
from headstart.methods.method import Method
from headstart.methods.mixing import mixed
from headstart.settings import Range
from headstart.views import view_set

Statistics = Literal["kept", "batch"]


class FineTuned(Method):
    """Cross entropy on the labels; the body learns more slowly than the head, or its first blocks not at all.

    Args:
        part: What is trained beside the head: all, last-N blocks of the encoder, or nothing (head).
        body_rate: Learning rate of the body, as a share of the head's.
        smoothing: Share of the target spread evenly over all classes.
        balanced: Whether classes count alike in the loss, however many items they have; None: they do.
        statistics: Of batch norm: kept as the encoder brought them, or those of each batch, where batches are large.
        mixup: The α of the Beta distribution by which items are mixed in pairs; None: they are not.
        lora: The rank of what is added to each weight of the body, which stays as it is; None: the body itself learns.
    """

    recipe = Recipe(optimizer="adamw", lr=1e-3, weight_decay=5e-2, batch_size=32, epochs=15, warmup_epochs=1)
    uses_labels = True
    weights: Tensor

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        part: str = "all",
        body_rate: Annotated[float, Range(above=0, most=1)] = 0.1,
        smoothing: Annotated[float, Range(least=0, below=1)] = 0.1,
        balanced: bool | None = None,
        statistics: Statistics = "kept",
        mixup: Annotated[float, Range(above=0)] | None = None,
        lora: Annotated[int, Range(least=1)] | None = None,
    ) -> None:
        super().__init__(encoder, facts)
        require_labels(facts, "fine-tuning")
        self.classifier = nn.Linear(encoder.width, len(facts.classes))
        self.body_rate, self.smoothing, self.mixup = body_rate, smoothing, mixup
        self.compares_items = mixup is not None
        self.show = view_set(facts.views, facts.shape)
        self.register_buffer("weights", class_weights(facts.counts, balanced is not False))
        self._still = freeze(encoder, part)
        if lora is not None:
            for module in moving(encoder, part):
                adapt(module, lora)
        if statistics == "kept":
            self._still += tuple(norms_of(encoder))

    def train(self, mode: bool = True) -> FineTuned:
        """As every module's, but what is frozen, or has kept statistics, stays in evaluation mode."""
        super().train(mode)
        for module in self._still:
            module.eval()
        return self

    def param_groups(self) -> list[dict[str, object]]:
        """As every method's, with the body's learning rate as a share of the head's."""
        head = {id(parameter) for parameter in self.classifier.parameters()}
        groups = []
        for group in super().param_groups():
            params = group["params"]
            assert isinstance(params, list)
            for share, mine in ((self.body_rate, False), (1.0, True)):
                some = [parameter for parameter in params if (id(parameter) in head) is mine]
                if some:
                    groups.append({**group, "params": some, "lr": share})
        return groups

    def kept_encoder(self) -> Encoder:
        """The encoder, with what its adapters learned added to its weights: they are gone then."""
        merge(self.encoder)
        return self.encoder

    def views(self, batch: Batch, draw: Draw) -> Views:
        """One random view of every item, and its label; mixed in pairs, the partners' labels and the shares too."""
        assert batch.labels is not None
        shown = self.show.first(batch.items, draw)
        return (shown, batch.labels) if self.mixup is None else mixed(shown, batch.labels, draw, self.mixup)

    def loss(self, views: Views, progress: Progress) -> Losses:
        """Cross entropy with every class's weight; the accuracy on the views is logged beside it.

        Of mixed views the loss is the mixture of both labels' losses, and the label of the larger share is right.
        """
        images, labels, *mix = views
        logits: Tensor = self.classifier(self.encoder(images))  # [n, C]
        each = self._cross_entropy(logits, labels)
        if mix:
            partners, share = mix
            each = share * each + (1 - share) * self._cross_entropy(logits, partners)
            labels = torch.where(share >= 0.5, labels, partners)
        accuracy = (logits.argmax(dim=1) == labels).float().mean()
        return {"loss": each.mean(), "accuracy": accuracy}

    def _cross_entropy(self, logits: Tensor, labels: Tensor) -> Tensor:
        """float n, each with the weight of its class."""
        each = F.cross_entropy(logits, labels, label_smoothing=self.smoothing, reduction="none")
        return each * self.weights[labels]


def class_weights(counts: Sequence[int], balanced: bool) -> Tensor:
    """float C: 1, or the weight under which every class has the same share in the mean over all items."""
    if not balanced:
        return torch.ones(len(counts))
    there = torch.tensor(counts, dtype=torch.float32)
    present = int((there > 0).sum())
    return torch.where(there > 0, there.sum() / (present * there.clamp_min(1)), torch.zeros(()))


def moving(encoder: Encoder, part: str) -> list[nn.Module]:
    """What of an encoder is trained: all of it, its last-N blocks, or nothing where the head alone is.

    Raises `InputError` where `part` is none of these, or names more blocks than there are.
    """
    if part in ("all", "head"):
        return [encoder.backbone] if part == "all" else []
    names = encoder.layers()
    match = re.fullmatch(r"last-([1-9]\d*)", part)
    if match is None or int(match[1]) > len(names):
        raise InputError(
            f"--train {part}: choose head, all, or last-1 to last-{len(names)} blocks; "
            f"{encoder.name} has {', '.join(names)}."
        )
    return [encoder.backbone.get_submodule(name) for name in names[-int(match[1]) :]]


def freeze(encoder: Encoder, part: str) -> tuple[nn.Module, ...]:
    """Takes the gradients from what is not trained; gives the modules that stay in evaluation mode.

    Raises what `moving` does.
    """
    trained = moving(encoder, part)
    if part == "all":
        return ()
    encoder.requires_grad_(False)
    for block in trained:
        block.requires_grad_(True)
    inside = {id(one) for block in trained for one in block.modules()}
    blocks = [encoder.backbone.get_submodule(name) for name in encoder.layers()]
    still = [one for one in [*blocks, *norms_of(encoder)] if id(one) not in inside]
    return tuple(still)
