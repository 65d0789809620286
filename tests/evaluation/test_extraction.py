import pytest
import torch
from torch import nn

from headstart.errors import InputError
from headstart.evaluation import features, features_by_layer


class Small(nn.Module):
    """As much of an encoder as features need."""

    name, width, shape, decode = "small", 6, (1, 8, 8), None

    def __init__(self) -> None:
        super().__init__()
        made = torch.Generator().manual_seed(0)
        self.backbone = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 6, 3), nn.Dropout(0.5)
        )
        for parameter in self.parameters():
            parameter.data = torch.randn(parameter.shape, generator=made)

    def layers(self) -> list[str]:
        return ["0", "3"]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.backbone(images - 0.5).mean(dim=(2, 3))


ITEMS = torch.randint(256, (37, 1, 8, 8), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def _expected(encoder: Small, part: slice = slice(None)) -> torch.Tensor:
    encoder.eval()
    with torch.no_grad():
        rows = [encoder(item[None].float() / 255)[0] for item in ITEMS[part]]
    encoder.train()
    return torch.stack(rows)


def test_features_are_those_of_one_item_at_a_time():
    encoder = Small()
    found = features(encoder, ITEMS)
    torch.testing.assert_close(found, _expected(encoder), atol=1e-5, rtol=1e-4)
    assert (found.dtype, found.device.type, found.requires_grad) == (torch.float32, "cpu", False)
    assert not found.is_inference()


def test_the_chunk_size_changes_nothing_that_matters():
    encoder = Small()
    torch.testing.assert_close(features(encoder, ITEMS, batch_size=5), features(encoder, ITEMS), atol=1e-5, rtol=1e-4)


def test_what_is_folded_depends_on_nothing_but_the_network():
    encoder = Small()
    first, second = features(encoder, ITEMS, batch_size=10), features(encoder, ITEMS[10:], batch_size=10)
    assert torch.equal(features(encoder, ITEMS, batch_size=10), first)
    assert torch.equal(first[10:], second)


def test_every_mode_and_statistic_is_left_as_it_was():
    encoder = Small().train()
    encoder.backbone[1].eval()
    before = encoder.backbone[1].running_mean.clone(), encoder.backbone[1].num_batches_tracked.clone()
    features(encoder, ITEMS)
    assert [m.training for m in encoder.backbone] == [True, False, True, True, True]
    assert encoder.training
    assert torch.equal(encoder.backbone[1].running_mean, before[0])
    assert torch.equal(encoder.backbone[1].num_batches_tracked, before[1])


def test_a_layer_is_averaged_over_space():
    encoder = Small()
    found = features(encoder, ITEMS, layer="0", batch_size=10)
    maps = encoder.backbone[0](ITEMS.float() / 255 - 0.5).detach()
    torch.testing.assert_close(found, maps.mean(dim=(2, 3)), atol=1e-5, rtol=1e-4)
    assert not encoder.backbone[0]._forward_hooks


@pytest.mark.parametrize(
    "layers", [(nn.Conv2d(1, 6, 3), nn.ReLU(inplace=True)), (nn.Flatten(), nn.Linear(64, 6), nn.ReLU(inplace=True))]
)
def test_a_layer_is_seen_before_what_works_in_place(layers):
    encoder = Small()
    encoder.backbone = nn.Sequential(*layers)
    encoder.forward = lambda images: encoder.backbone(images - 0.5)
    last = str(len(layers) - 2)
    encoder.layers = lambda: [last]
    found = features(encoder, ITEMS, layer=last, batch_size=10)
    made = nn.Sequential(*layers[:-1])(ITEMS.float() / 255 - 0.5).detach()
    expected = made.mean(dim=(2, 3)) if made.ndim > 2 else made
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)
    assert (found < 0).any()


def test_a_projection_follows_the_features():
    encoder = Small()
    projector = nn.Linear(6, 2)
    found = features(encoder, ITEMS, layer=projector)
    torch.testing.assert_close(found, projector(_expected(encoder)).detach(), atol=1e-5, rtol=1e-4)
    assert not found.requires_grad


def test_all_layers_come_from_one_pass_and_are_those_of_one_each():
    encoder, seen = Small(), []
    encoder.backbone[0].register_forward_hook(lambda _module, shown, _made: seen.append(len(shown[0])))
    layers = ["0", "3", None, nn.Linear(6, 2), nn.Sequential()]
    found = features_by_layer(encoder, ITEMS, layers, batch_size=10)
    assert seen == [1, 10, 10, 10, 7], "one item to see what can be folded, then each once"
    for layer, made in zip(layers, found, strict=True):
        alone = features(encoder, ITEMS, layer=layer, batch_size=10)
        torch.testing.assert_close(made, alone, atol=1e-5, rtol=1e-4)  # what is looked at isn't folded
    assert len(encoder.backbone[0]._forward_hooks) == 1
    assert not encoder.backbone[3]._forward_hooks


class Several(nn.Module):
    """Gives more than one tensor, as layers with attention do."""

    def forward(self, images):
        return images.flatten(2).transpose(1, 2), None


def test_the_first_of_several_outputs_is_averaged_over_tokens():
    encoder = Small()
    encoder.backbone[1] = Several()
    encoder.layers = lambda: ["1"]
    encoder.forward = lambda images: encoder.backbone[1](encoder.backbone[0](images - 0.5))[0]
    maps = encoder.backbone[0](ITEMS.float() / 255 - 0.5).detach()
    torch.testing.assert_close(features(encoder, ITEMS, layer="1"), maps.mean(dim=(2, 3)), atol=1e-5, rtol=1e-4)


def test_a_layer_that_nothing_passes_through_is_refused():
    encoder = Small()
    encoder.backbone.add_module("aside", nn.Linear(2, 2))
    encoder.layers = lambda: ["aside"]
    encoder.forward = lambda images: images.mean(dim=(2, 3))
    with pytest.raises(InputError, match="--layer aside: no item passes through it"):
        features(encoder, ITEMS, layer="aside")


def test_an_unknown_layer_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"--layer 7: small has no such layer; it has 0, 3\."):
        features(Small(), ITEMS, layer="7")


def test_a_failure_puts_the_mode_back():
    encoder = Small().train()
    with pytest.raises(InputError):
        features(encoder, ITEMS, layer="none")
    assert encoder.training
    assert encoder.backbone[4].training
