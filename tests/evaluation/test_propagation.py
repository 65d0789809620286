import math

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.sparse.linalg import spsolve
from sklearn.datasets import load_digits
from sklearn.semi_supervised import LabelSpreading

from headstart.evaluation import FITTED, HEADS, Bank
from headstart.evaluation.graph import ALPHA, GRAPH_NEIGHBOURS, WIDTH, SpreadingGraph
from headstart.evaluation.heads import propagation

PROPAGATION = HEADS["propagation"]


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    order = np.random.default_rng(0).permutation(len(data.target))
    return torch.tensor(data.data[order], dtype=torch.float32), torch.tensor(data.target[order])


def test_weights_are_those_of_a_plain_loop(digits):
    bank = Bank(digits[0][:60])
    cosine = (bank.unit @ bank.unit.T).double().numpy()
    np.fill_diagonal(cosine, -np.inf)
    order = np.argsort(-cosine, axis=1)[:, :GRAPH_NEIGHBOURS]
    width = WIDTH * np.mean([2 - 2 * cosine[i, order[i, -1]] for i in range(60)])
    weights = np.zeros((60, 60))
    for i in range(60):
        for j in order[i]:
            weight = math.exp(-(2 - 2 * cosine[i, j]) / width)
            weights[i, j] += weight / 2
            weights[j, i] += weight / 2
    degree = weights.sum(1)
    expected = weights / np.sqrt(degree[:, None] * degree[None, :])
    np.testing.assert_allclose(bank.graph.matrix.toarray(), expected, atol=1e-4)


def test_spreading_solves_the_linear_system(digits):
    graph = Bank(digits[0][:300]).graph
    sources = np.random.default_rng(1).random((300, 70), dtype=np.float32)
    system = sparse.eye(300) - ALPHA * graph.matrix
    expected = spsolve(system.tocsc(), sources)
    np.testing.assert_allclose(graph.spread(sources, tolerance=1e-6), expected, rtol=1e-3, atol=1e-3)


def test_agrees_with_scikit_learns_label_spreading(digits):
    x, y = digits[0][:300], digits[1][:300]
    graph = Bank(x).graph
    known = y.clone()
    known[30:] = -1
    dense = graph.matrix.toarray()
    theirs = LabelSpreading(kernel=lambda *_: dense.copy(), alpha=0.9, max_iter=2000, tol=1e-9)
    theirs._build_graph = lambda: dense  # the graph is normalised already
    theirs.fit(x.numpy(), known.numpy())
    sources = np.zeros((300, 10), np.float32)
    sources[np.arange(30), y[:30].numpy()] = 1
    ours = graph.spread(sources, alpha=0.9, tolerance=1e-6)[:, theirs.classes_]
    shares = ours / ours.sum(1, keepdims=True)
    np.testing.assert_allclose(shares, theirs.label_distributions_, atol=1e-3)


def test_new_items_get_the_weighted_mean_of_their_neighbours(digits):
    x, y = digits
    bank = Bank(x[:200])
    fitted = PROPAGATION.fit(bank, torch.arange(20), y[:20], 10)
    probabilities = fitted.predict(x[200:203])
    for query, row in zip(x[200:203], probabilities, strict=True):
        cosines = [float(torch.dot(query, other) / query.norm() / other.norm()) for other in x[:200]]
        order = sorted(range(200), key=lambda i: -cosines[i])[:10]
        weights = [math.exp(cosines[i] / 0.05) for i in order]
        expected = sum(w * fitted.scores[i] for w, i in zip(weights, order, strict=True)) / sum(weights)
        torch.testing.assert_close(row, expected, atol=1e-4, rtol=1e-3)


def test_new_items_change_nothing_for_each_other(digits):
    x, y = digits
    fitted = PROPAGATION.fit(Bank(x[:500]), torch.arange(40), y[:40], 10)
    together = fitted.predict(x[500:600])
    alone = torch.cat([fitted.predict(x[i : i + 1]) for i in range(500, 600)])
    torch.testing.assert_close(together, alone)


def test_masses_follow_the_labels():
    scores = torch.tensor([[4.0, 1.0], [4.0, 1.0], [0.0, 0.0]])
    sources = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]])
    balanced = propagation._balanced(scores, sources)
    torch.testing.assert_close(balanced, torch.tensor([[0.5, 0.5]] * 3))


def test_it_beats_the_labels_alone_on_digits(digits):
    """The point of the head: 10 labels and 1,300 unlabelled items are worth far more than 10 labels."""
    x, y = digits
    index = torch.stack([torch.nonzero(y[:1300] == c).flatten()[0] for c in range(10)])
    bank = Bank(x[:1300])
    accuracy = {
        name: float((head.fit(bank, index, y[index], 10).predict(x[1300:]).argmax(1) == y[1300:]).double().mean())
        for name, head in HEADS.items()
    }
    assert accuracy["propagation"] > accuracy["linear"] + 0.1
    assert accuracy["propagation"] > accuracy["knn"] + 0.1


def test_equal_items_and_islands_are_no_trouble():
    x = torch.cat([torch.tensor([[1.0, 0.0]]).repeat(30, 1), torch.tensor([[0.0, 1.0]]).repeat(30, 1)])
    fitted = PROPAGATION.fit(Bank(x), torch.tensor([0]), torch.tensor([1]), 2)
    probabilities = fitted.predict(x)
    assert torch.isfinite(probabilities).all()
    assert (probabilities.argmax(1) == 1).all()


def test_blocks_and_threads_change_nothing(digits):
    graph = Bank(digits[0][:200]).graph
    sources = np.eye(200, 90, dtype=np.float32)
    alone = np.concatenate([graph.spread(sources[:, [c]]) for c in range(90)], axis=1)
    np.testing.assert_allclose(graph.spread(sources), alone, atol=1e-5)
    assert isinstance(graph, SpreadingGraph)


def test_state_rebuilds_the_head(digits):
    x, y = digits
    fitted = PROPAGATION.fit(Bank(x[:100]), torch.arange(30), y[:30], 10)
    again = FITTED["propagation"].from_state(fitted.state())
    assert torch.equal(again.predict(x[100:120]), fitted.predict(x[100:120]))
