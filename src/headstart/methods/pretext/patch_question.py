"""What questions about patches share: each patch is encoded by itself, and one small head looks at all of them.

Shapes: n items in this process, k patches an item, D features of a patch.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from headstart.backbones import Encoder, feature_width
from headstart.contracts import Facts, Losses, Progress, Views
from headstart.errors import InputError
from headstart.methods.method import Method
from headstart.methods.mlp import mlp
from headstart.methods.pretext.patches import standardised

PATCH_FEATURES = 128
HIDDEN = 512
DROPOUT = 0.5
"""Of a patch's features, without which the head soon knows the pictures of a small set by heart."""


class PatchQuestion(Method):
    """A question about several patches of a picture.

    Its networks are late to meet (both papers' figure 3): what a patch looks like is the encoder's part, how patches
    belong together the head's. Between them a layer narrows every patch's features, as fc6 does in the papers, so that
    what only the question needs can stay out of the encoder.
    """

    uses_views = False

    def __init__(
        self, encoder: Encoder, facts: Facts, *, patches: int, size: int, answers: int, normalise: bool
    ) -> None:
        """A question about k `patches` of `size` pixels a side, with so many possible answers.

        Args:
            normalise: Show every channel of every patch with the mean and deviation that the encoder takes for usual.
        """
        super().__init__(encoder, facts)
        self.normalise = normalise
        self.shown, width = _shown(encoder, size)
        self.narrow = nn.Sequential(
            nn.Linear(width, PATCH_FEATURES, bias=False),
            nn.BatchNorm1d(PATCH_FEATURES),
            nn.ReLU(inplace=True),
            nn.Dropout(DROPOUT),
        )
        self.question = mlp(patches * PATCH_FEATURES, HIDDEN, answers)

    def enlarged(self, patches: Tensor) -> Tensor:
        """nk×C×h×w of n×k×C×S×S: item by item, at the size at which the encoder is shown them."""
        flat = patches.flatten(0, 1)
        return flat if flat.shape[-2:] == self.shown else F.interpolate(flat, size=self.shown, mode="bilinear")

    def levelled(self, patches: Tensor) -> Tensor:
        """The nk×C×h×w patches as the encoder is shown them: all of one mean and deviation where that was asked for.

        Out of 0…1, so that the encoder, which normalises by itself, has them with mean 0 and deviation 1.
        """
        return standardised(patches) * self.encoder.deviation + self.encoder.mean if self.normalise else patches

    def loss(self, views: Views, progress: Progress) -> Losses:
        """Cross entropy; the share of right answers is logged beside it."""
        patches, answers = views
        features: Tensor = self.narrow(self.encoder(self.levelled(patches)))
        logits: Tensor = self.question(features.view(len(answers), -1))
        return {"loss": F.cross_entropy(logits, answers), "accuracy": (logits.argmax(dim=1) == answers).float().mean()}


def _shown(encoder: Encoder, size: int) -> tuple[tuple[int, int], int]:
    """Rows and columns at which an encoder is shown patches of `size` pixels a side, and the features it then gives.

    Patches stay as large as they are in the picture, which is how whole pictures are seen later. A network that can't
    take pictures so small is shown them at its own size.
    """
    try:
        return (size, size), feature_width(encoder.backbone, (encoder.shape[0], size, size))
    except InputError:
        return encoder.shape[1:], encoder.width
