"""Putting foreign weights into a network, where every layer must fit and nothing is dropped in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from itertools import product

from torch import Tensor, nn

from headstart.backbones.heads import without_head
from headstart.errors import InputError

PREFIXES = ("module.", "backbone.", "encoder.", "model.", "net.", "encoder_q.", "base_encoder.")
"""What training scripts put before a network's own names."""

DEEPEST = 3
"""How many of them one after the other are looked through."""

SHOWN = 3
"""Layers that a message names."""


def fit_weights(
    network: nn.Module, state: Mapping[str, Tensor], *, source: str, headed: bool = True
) -> tuple[nn.Module, tuple[str, ...]]:
    """A network without its head, with the weights of `state`; and the names of the tensors that were left out.

    The head's, where the network is `headed`, may be missing or of any shape. Raises `InputError` where any other layer
    doesn't fit.
    """
    before = network.state_dict(keep_vars=True)
    wanted = {name: value.detach() for name, value in before.items()}
    kind = type(network).__name__
    headless = without_head(network) if headed else network
    kept = {id(value) for value in headless.state_dict(keep_vars=True).values()}
    head = {name for name, value in before.items() if id(value) not in kept}
    found, outside = _own_names(state, wanted.keys() - head)
    body = {name: value for name, value in wanted.items() if name not in head}
    places = {name.rpartition(".")[0] for name in head}
    left = [name for name in found if name not in body]
    misfits = _misfits(body, found, [name for name in left if _belongs(name, body) and not _within(name, places)])
    if misfits:
        raise InputError(
            f"{source} doesn't fit {kind}: {'; '.join(misfits)}.\nName its own architecture with --backbone."
        )
    for name, value in body.items():
        if name in found:
            value.copy_(found[name])
    return headless, (*left, *outside)


def fit_in_order(network: nn.Module, state: Mapping[str, Tensor], *, source: str) -> nn.Module:
    """The network, head and all, with tensors that stand in the order of its own under other names.

    Raises `InputError` where there are more or fewer, or one has another shape.
    """
    wanted = network.state_dict()
    if len(wanted) != len(state):
        raise InputError(f"{source} holds {len(state)} tensors where {type(network).__name__} has {len(wanted)}.")
    found = dict(zip(wanted, state.values(), strict=True))
    misfits = _misfits(wanted, found, [])
    if misfits:
        raise InputError(f"{source} doesn't fit {type(network).__name__}: {'; '.join(misfits)}.")
    network.load_state_dict(found)
    return network


def _own_names(state: Mapping[str, Tensor], wanted: Set[str]) -> tuple[dict[str, Tensor], list[str]]:
    """The tensors under the names that most of the network's own are among, and the names of all others."""
    chains = ["".join(parts) for depth in range(DEEPEST + 1) for parts in product(PREFIXES, repeat=depth)]
    present = [chain for chain in chains if any(name.startswith(chain) for name in state)]
    best = max(present, key=lambda chain: sum(chain + name in state for name in wanted))
    inside = {name.removeprefix(best): value for name, value in state.items() if name.startswith(best)}
    return inside, [name for name in state if not name.startswith(best)]


def _misfits(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor], strange: Sequence[str]) -> list[str]:
    """What is missing, what has another shape, what the network has no place for: each as a few words."""
    missing = [name for name in wanted if name not in found and not name.endswith("num_batches_tracked")]
    wrong = [name for name in wanted if name in found and found[name].shape != wanted[name].shape]
    shapes = [f"{name} is {_shape(found[name])}, not {_shape(wanted[name])}" for name in wrong]
    said = []
    if missing:
        said.append(f"{len(missing)} tensors are missing ({_few(missing)})")
    if wrong:
        said.append(f"{len(wrong)} have other shapes ({_few(shapes)})")
    if strange:
        said.append(f"{len(strange)} have no place in it ({_few(strange)})")
    return said


def _belongs(name: str, body: Mapping[str, Tensor]) -> bool:
    """Whether a tensor lies in a block that the network has too: a deeper network's, then, and not a head's."""
    block = name.partition(".")[0] + "."
    return any(own.startswith(block) for own in body)


def _within(name: str, places: Set[str]) -> bool:
    return any(name.startswith(place + ".") for place in places if place)


def _shape(value: Tensor) -> str:
    return "×".join(map(str, value.shape)) or "one number"


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
