"""I-JEPA: blocks by hand, the loss item by item, the teacher's pace, and no way to see what is to be predicted."""

import copy

import pytest
import torch
from test_contract import ITEMS, SHAPE, build
from test_contract import shown as views_of
from torch import nn
from torch.nn import functional as F

from headstart.backbones import ViT, build_encoder, patches_of
from headstart.contracts import Batch, Draw, Facts, Part, Progress
from headstart.errors import InputError
from headstart.methods import find_method
from headstart.methods.joint_embedding.blocks import block_sides, blocks, check_grid, context_and_targets, places_of
from headstart.methods.transformer import tokens_of

START = Progress(0, 100)
NOISE = 32
GRIDS = [(4, 4), (7, 7), (8, 8), (3, 9), (14, 14), (1, 5), (2, 3)]


def shown(method, step=0):
    return views_of(method, Draw(0, step, Part.whole(ITEMS)))


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_context_and_targets_patch_by_patch(grid):
    rows, columns = grid
    sizes = set()
    for step in range(40):
        context, targets = context_and_targets(grid, Draw(0, step, Part.whole(30)))
        assert targets.shape[:2] == (30, 4)
        sizes.add(targets.shape[2])
        assert 1 <= targets.shape[2] <= 0.2 * rows * columns
        for item in range(30):
            taken = set(targets[item].flatten().tolist())
            kept = {place for place in range(rows * columns) if context[item, place]}
            assert kept
            assert not kept & taken, "what is predicted is not seen"
            for block in targets[item].tolist():
                downs, acrosses = {place // columns for place in block}, {place % columns for place in block}
                assert len(block) == len(set(block)) == len(downs) * len(acrosses)
                assert max(downs) - min(downs) == len(downs) - 1, "a whole block"
                assert max(acrosses) - min(acrosses) == len(acrosses) - 1
    if grid == (14, 14):
        assert min(sizes) > 0.12 * 196
        assert max(sizes) > 0.17 * 196


def test_blocks_lie_where_they_are_put():
    place = torch.tensor([[[0.0, 0.0], [0.99, 0.99]], [[0.5, 0.0], [0.0, 0.5]]])
    found = blocks((4, 5), (2, 3), place)  # 3 places down, 3 across
    assert found[0].tolist() == [[0, 1, 2, 5, 6, 7], [12, 13, 14, 17, 18, 19]]
    assert found[1].tolist() == [[5, 6, 7, 10, 11, 12], [1, 2, 3, 6, 7, 8]]


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_blocks_are_never_larger_than_their_share(grid):
    for share in (0.15, 0.2, 0.85, 1.0):
        for aspect in (0.75, 1.0, 1.5):
            rows, columns = block_sides(grid, share, aspect)
            assert 1 <= rows <= grid[0]
            assert 1 <= columns <= grid[1]
            assert rows * columns <= max(share * grid[0] * grid[1], 1)


def test_masks_differ_by_item_and_step_and_not_by_the_number_of_processes():
    whole = context_and_targets((7, 7), Draw(0, 3, Part.whole(20)))
    assert len(torch.unique(whole[0], dim=0)) > 10
    halves = [context_and_targets((7, 7), Draw(0, 3, Part(start, start + 10, 20))) for start in (0, 10)]
    for together, parts in zip(whole, zip(*halves, strict=True), strict=True):
        assert torch.equal(together, torch.cat(parts))
    assert not torch.equal(whole[0], context_and_targets((7, 7), Draw(0, 4, Part.whole(20)))[0])


def test_places_are_those_of_the_context():
    context = torch.rand(20, 9) < 0.5
    context[:, 4] = True
    places, there = places_of(context)
    for item in range(20):
        assert places[item][there[item]].tolist() == [place for place in range(9) if context[item, place]]


def test_the_loss_item_by_item_and_block_by_block():
    method = build("ijepa").eval()
    images, context, targets = shown(method)
    for parameter in method.encoder.parameters():  # a teacher that differs from its student
        parameter.data += 0.01 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0))
    errors = []
    for item in range(ITEMS):
        one = images[item : item + 1]
        places = torch.nonzero(context[item]).T
        seen = tokens_of(method.student, one, places)
        whole = tokens_of(method.encoder, one)[0]
        for block in targets[item]:
            wanted = torch.stack(
                [(whole[p] - whole[p].mean()) / (whole[p].var(correction=0) + 1e-5).sqrt() for p in block]
            )
            errors.append(F.smooth_l1_loss(method.predictor(seen, places, block[None])[0], wanted))
    found = method.loss((images, context, targets), START)["loss"]
    torch.testing.assert_close(found, torch.stack(errors).mean(), rtol=1e-4, atol=1e-6)


def test_the_teacher_is_kept_gets_no_gradient_and_follows_in_equal_steps():
    method = build("ijepa", momentum=0.9)
    method.loss(shown(method), START)["loss"].backward()
    assert all(p.grad is None and not p.requires_grad for p in method.encoder.parameters())
    for done, momentum in ((0, 0.9), (50, 0.95), (100, 1.0)):
        before = copy.deepcopy(method.encoder.backbone.embed.weight)
        with torch.no_grad():
            method.student.backbone.embed.weight += 1.0
        method.after_step(Progress(done, 100))
        expected = momentum * before + (1 - momentum) * method.student.backbone.embed.weight
        torch.testing.assert_close(method.encoder.backbone.embed.weight, expected)


def test_pixels_of_the_targets_have_no_part_in_what_is_predicted():
    method = build("ijepa")
    images, context, targets = shown(method)
    images.requires_grad_(True)
    method.predicted(images, context, targets).square().sum().backward()
    moved = patches_of(images.grad, 2).abs().sum(dim=2) > 0
    assert torch.equal(moved, context)


def noise_score(peek):
    """Error on pictures of noise after training on others, as a share of what the best constant for a place has.

    The teacher looks at each patch by itself and stands still, so that of a hidden one nothing is in the others; `peek`
    shows the student what is to be predicted.
    """
    torch.manual_seed(0)
    encoder = build_encoder(ViT(1, 2, width=32, depth=0), SHAPE, mean=[0.5], deviation=[0.3])
    facts = Facts(items=100, shape=SHAPE, views="glyphs")
    method = find_method("ijepa")(encoder, facts, momentum=1.0, predictor_width=32, predictor_depth=1)
    if peek:
        end = nn.Sequential(method.predictor.narrow, method.predictor.norm, method.predictor.predict)
        method.predicted = lambda images, _, targets: end(
            tokens_of(method.student, images, targets.flatten(1)).view(*targets.flatten(0, 1).shape, 32)
        )
    every = torch.arange(16).expand(NOISE, 1, 16)
    usual = torch.cat([method.wanted(noise(step).items / 255, every) for step in range(900, 920)]).mean(dim=0)
    optimizer = torch.optim.AdamW(method.param_groups(), lr=3e-3)
    errors, chance = [], []
    for step in range(80):
        images, context, targets = method.views(noise(step), Draw(0, step, Part.whole(NOISE)))
        wanted, predicted = method.wanted(images, targets), method.predicted(images, context, targets)
        loss = F.mse_loss(predicted, wanted)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        errors.append(loss.item())
        chance.append(F.mse_loss(usual[targets].flatten(0, 1), wanted).item())
    return sum(errors[-20:]) / sum(chance[-20:])


def noise(step):
    """A batch of pictures whose pixels tell nothing of each other, other ones for every step."""
    made = torch.Generator().manual_seed(step)
    items = torch.randint(0, 256, (NOISE, *SHAPE), dtype=torch.uint8, generator=made)
    return Batch(items, torch.arange(NOISE), Part.whole(NOISE))


def test_of_noise_nothing_can_be_predicted():
    assert noise_score(peek=False) > 0.99
    assert noise_score(peek=True) < 0.5


def test_pictures_of_too_few_patches_are_refused():
    check_grid((1, 5))
    with pytest.raises(InputError, match="2×2 patches"):
        check_grid((2, 2))
