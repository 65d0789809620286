"""MoCo: find the other view of an image among a queue of earlier images, encoded by a slowly following network.

He et al. 2020, arXiv 1911.05722 (v1), and Chen et al. 2020, arXiv 2003.04297 (v2: a hidden layer in the projector, a
higher temperature). Shapes: n items in this process, P projected features, K keys in the queue.

Within one batch, batch norm lets a key betray its query: both carry the batch's statistics. The paper shuffles items
among GPUs against it, which needs several. Here the key encoder runs in evaluation mode and its running statistics
follow the query encoder's as its weights do (EMAN, Cai et al. 2021, arXiv 2101.08482): nothing can leak, on one process
or many.
"""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from headstart.backbones import Encoder
from headstart.collectives import gather
from headstart.contracts import Batch, Draw, Facts, Losses, Progress, Recipe, Views
from headstart.errors import InputError
from headstart.losses import info_nce
from headstart.methods.method import Method
from headstart.methods.mlp import mlp
from headstart.methods.teacher import follow, teacher_of
from headstart.settings import Range
from headstart.views import view_set

LARGEST_QUEUE = 4096
"""Keys kept where nothing else is asked; of a small data set half its items, so that few meet their own older key."""

TEMPERATURES = {"v1": 0.07, "v2": 0.2}


class MoCo(Method):
    """The other view of an image is found among a queue of earlier images; the key encoder follows by momentum.

    Args:
        version: v1 projects linearly at a temperature of 0.07, v2 through a hidden layer at 0.2.
        symmetric: Use each view as query and as key; the paper uses the first as query only.
        queue: Keys to keep; half the items, at most 4,096, where it is not set.
        momentum: How slowly the key encoder follows. The paper's 0.999 is for 200,000 steps; short runs want 0.99.
        temperature: How sharply the nearest keys are pushed away; the version's own where it is not set.
        projection: Features that are compared.
    """

    recipe = Recipe(optimizer="adamw", lr=2e-3, weight_decay=1e-4, batch_size=128, epochs=160, warmup_epochs=10)
    compares_items = True

    queue_keys: Tensor
    queue_next: Tensor

    def __init__(
        self,
        encoder: Encoder,
        facts: Facts,
        *,
        version: Literal["v1", "v2"] = "v2",
        symmetric: bool = True,
        queue: Annotated[int, Range(least=2)] | None = None,
        momentum: Annotated[float, Range(least=0, below=1)] = 0.99,
        temperature: Annotated[float, Range(above=0)] | None = None,
        projection: Annotated[int, Range(least=1)] = 128,
    ) -> None:
        super().__init__(encoder, facts)
        size = queue or max(2, min(LARGEST_QUEUE, facts.items // 2))
        if size >= facts.items:
            raise InputError(
                f"--queue {size}: with {facts.items} items the queue would hold every item, its own query's too.\n"
                f"Choose less than {facts.items}, at best half of it."
            )
        linear = nn.Linear(encoder.width, projection)
        self.projector = linear if version == "v1" else mlp(encoder.width, encoder.width, projection)
        self.key_encoder, self.key_projector = teacher_of(encoder), teacher_of(self.projector)
        self.momentum, self.symmetric = momentum, symmetric
        self.temperature = temperature or TEMPERATURES[version]
        self.show = view_set(facts.views, facts.shape)
        self.register_buffer("queue_keys", F.normalize(torch.randn(size, projection), dim=1))
        self.register_buffer("queue_next", torch.zeros((), dtype=torch.int64))
        self._keys: Tensor | None = None

    def train(self, mode: bool = True) -> MoCo:
        """The key encoder stays in evaluation mode."""
        super().train(mode)
        self.key_encoder.eval()
        self.key_projector.eval()
        return self

    def views(self, batch: Batch, draw: Draw) -> Views:
        """Two random views of every item."""
        return self.show(batch.items, draw)

    def project(self, images: Tensor) -> Tensor:
        """n×P of n×C×h×w images."""
        projected: Tensor = self.projector(self.encoder(images))
        return projected

    def loss(self, views: Views, progress: Progress) -> Losses:
        """InfoNCE of queries against their keys and the queue."""
        pairs = ((views[0], views[1]), (views[1], views[0])) if self.symmetric else ((views[0], views[1]),)
        queries = self.project(torch.cat([query for query, _ in pairs]))
        with torch.no_grad():
            shown = torch.cat([key for _, key in pairs])
            keys = F.normalize(self.key_projector(self.key_encoder(shown)).to(self.queue_keys), dim=1)
            self._keys = torch.cat([gather(part) for part in keys.chunk(len(pairs))])  # the order of one process
        negatives = self.queue_keys.clone()  # the queue moves on before the backward pass of the next step
        return {"loss": info_nce(queries, keys, negatives, temperature=self.temperature)}

    def after_step(self, progress: Progress) -> None:
        """The key encoder follows, and this step's keys replace the oldest ones of the queue."""
        follow(self.key_encoder, self.encoder, self.momentum, statistics=True)
        follow(self.key_projector, self.projector, self.momentum, statistics=True)
        assert self._keys is not None
        keys = self._keys[-len(self.queue_keys) :]
        places = (int(self.queue_next) + torch.arange(len(keys), device=keys.device)) % len(self.queue_keys)
        self.queue_keys[places] = keys
        self.queue_next.copy_((self.queue_next + len(keys)) % len(self.queue_keys))
        self._keys = None
