"""What every method owes the loop, whatever it learns from."""

import math

import pytest
import torch

from headstart.backbones import build_encoder
from headstart.contracts import Batch, Draw, Facts, Part, Progress
from headstart.errors import InputError
from headstart.methods import METHODS, ONE_SET, find_method, list_methods, name_of

SHAPE = (1, 8, 8)
SHAPES = {
    "colorization": (3, 8, 8),
    "jigsaw": (1, 28, 28),
    "relative_patch": (1, 28, 28),
    "split_brain": (3, 8, 8),
}
"""Of items for methods that can't learn from grey ones, or from so small ones."""

ITEMS = 24
FALLING = ("SimCLR", "Supervised", "SourceOnly", "CORAL", "MCC")
"""Methods whose loss falls from the first step: a queue, a teacher or an adversary wakes up before theirs does."""

PLAIN = ("Autoencoder", "Colorization", "IJEPA", "MAE", "Rotation", "SplitBrain", "Variational")
"""Methods that show glyphs as they are, or in all turns: which patches of them is drawn, but that is no picture."""

PATCHES = ("Jigsaw", "RelativePatch")
"""Methods that show parts of pictures."""


def batch(count=ITEMS, shape=SHAPE):
    made = torch.Generator().manual_seed(0)
    items = torch.randint(0, 256, (count, *shape), dtype=torch.uint8, generator=made)
    return Batch(items, torch.arange(count), Part.whole(count), torch.arange(count) % 2)


def shown(method, draw):
    """The views of one batch, of every stream the method has."""
    made = batch(shape=method.facts.shape)
    return method.views(dict.fromkeys(method.streams, made) if len(method.streams) > 1 else made, draw)


def learns(method):
    return any(parameter.requires_grad for parameter in method.parameters())


def build(name, views="glyphs", **settings):
    shape = SHAPES.get(name, SHAPE)
    facts = Facts(items=100, shape=shape, classes=("a", "b"), counts=(50, 50), views=views)
    kind = find_method(name)
    encoder = build_encoder(kind.default_backbone or "cnn", shape, mean=[0.5], deviation=[0.3])
    torch.manual_seed(0)
    return kind(encoder, facts, **settings).train()


@pytest.fixture(params=sorted(METHODS))
def method(request):
    return build(request.param)


def test_views_are_batched_in_range_and_without_gradient(method):
    views = shown(method, Draw(0, 0, Part.whole(ITEMS)))
    pictures = [view for view in views if view.ndim == 4]
    assert pictures
    for view in pictures:
        assert view.shape[1:] == method.facts.shape or type(method).__name__ in PATCHES
        assert len(view) % ITEMS == 0
        assert not view.requires_grad
        assert float(view.min()) >= 0
        assert float(view.max()) <= 1


def test_views_depend_on_seed_and_step_alone(method):
    def first(seed, step):
        return shown(method, Draw(seed, step, Part.whole(ITEMS)))[0]

    assert torch.equal(first(0, 3), first(0, 3))
    if learns(method) and type(method).__name__ not in PLAIN:
        assert not torch.equal(first(0, 3), first(0, 4))
        assert not torch.equal(first(0, 3), first(1, 3))


def test_a_set_of_views_changes_what_is_shown_unless_it_is_refused(method):
    if method.streams != ONE_SET:
        pytest.skip("of two sets: the baseline beside it may use them")
    glyphs, photos = (
        shown(build(name_of(type(method)), views), Draw(0, 0, Part.whole(ITEMS))) for views in ("glyphs", "simclr")
    )
    same = all(torch.equal(one, other) for one, other in zip(glyphs, photos, strict=True))
    assert same is not method.uses_views


def test_steps_reach_every_parameter_and_stay_finite(method):
    if not learns(method):
        pytest.skip("it has no parameters to train")
    optimizer = torch.optim.AdamW(method.param_groups(), lr=2e-3)
    seen = []
    for step in range(60):
        progress = Progress(step, 60)
        losses = method.loss(shown(method, Draw(0, step, Part.whole(ITEMS))), progress)
        assert all(value.ndim == 0 for value in losses.values())
        losses["loss"].backward()
        if step == 0:
            trained = [name for name, p in method.named_parameters() if p.requires_grad]
            without = [name for name, p in method.named_parameters() if p.requires_grad and p.grad is None]
            assert trained
            assert not without
        optimizer.step()
        optimizer.zero_grad()
        method.after_step(progress)
        seen.append(losses["loss"].item())
    assert all(map(math.isfinite, seen))
    if type(method).__name__ in FALLING:
        assert sum(seen[-10:]) < 0.98 * sum(seen[:10])


def test_norms_and_biases_are_not_decayed(method):
    for group in method.param_groups():
        for parameter in group["params"]:
            assert (parameter.ndim == 1) == (group.get("weight_decay") == 0.0)


def test_its_state_can_be_stored_and_taken_back(method):
    views = shown(method, Draw(0, 0, Part.whole(ITEMS)))
    loss = method.loss(views, Progress(0, 10))["loss"]
    if learns(method):
        loss.backward()
    method.after_step(Progress(0, 10))
    again = build(name_of(type(method)))
    again.load_state_dict(method.state_dict())
    for one in (method, again):
        one.eval()
    images = views[0]
    assert torch.equal(method.encoder(images), again.encoder(images))


def test_the_list_names_every_method_without_importing_one():
    listed = {method.name: method for method in list_methods()}
    assert set(METHODS) <= set(listed)
    assert all(one.summary and one.family for one in listed.values())


def test_an_unknown_method_is_refused_with_a_near_name():
    with pytest.raises(InputError, match="simclr"):
        find_method("simcrl")


def test_a_method_in_a_file_of_ones_own_is_found(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from headstart.methods.joint_embedding.simclr import SimCLR\n\n\nclass Mine(SimCLR):\n    '''My own.'''\n"
    )
    found = find_method(f"{tmp_path}/mine.py:Mine")
    assert found.__name__ == "Mine"
    assert name_of(found) == f"{tmp_path}/mine.py:Mine"


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nowhere.py:Mine", "nowhere.py"),
        ("mine.py:Absent", "Absent"),
        ("mine.py:number", "number"),
        ("broken.py:Mine", "broken.py"),
    ],
)
def test_bad_files_of_ones_own_are_refused_plainly(tmp_path, target, said):
    (tmp_path / "mine.py").write_text("number = 3\n")
    (tmp_path / "broken.py").write_text("this is no python\n")
    with pytest.raises(InputError, match=said):
        find_method(f"{tmp_path}/{target}")
